"""Honest layers that try to make a leaping walk prove a wrong listing. The generator knows the truth.

Every layer is a sound tar, soundly compressed: nobody lies. What misleads is
what files hold and where they stand: bodies that end in whole members, in
chains of them or in zeros of critical lengths; small files right behind large
ones; parts that compress quite differently; last files of all kinds; every
padding that writers leave; several gzip members; v7 headers, which nothing
tells from a body but their checksum; archives stored in archives.
"""

from __future__ import annotations

import gzip
import random
import zlib
from typing import Callable, Dict, List, NamedTuple, Optional

from layerslayer.layers.leap.settings import Settings

from .leap_layers import noise, skewed, text
from .tars import header, member, octal, pax, record

# A twentieth of what it is for real layers, as these are.
TINY = Settings(
    chunk=4 * 1024, piece=6 * 1024, greatest_piece=32 * 1024, least=12 * 1024, step_back=8 * 1024, unnoticed=8
)  # fmt: skip
CRITICAL = (512, 1024, 10_240, 65_536)  # lengths that writers pad to, or that a walk might take for padding
PADDINGS: Dict[str, Callable[[int], int]] = {  # by how long the archive is: the zeros at its end
    "GNU tar": lambda length: 1024 + -(length + 1024) % 10_240,
    "Go": lambda length: 1024,
    "Python": lambda length: 1024 + -(length + 1024) % 10_240,
    "bsdtar": lambda length: 1024 + -(length + 1024) % 10_240,
    "bsdtar, unblocked": lambda length: 1024,
    "large blocks": lambda length: 1024 + -(length + 1024) % 65_536,
    "one block": lambda length: 512,
    "none": lambda length: 0,
}


class Made(NamedTuple):
    """A layer. ``modulus``: as if lengths were stated modulo that; 0 for what gzip has."""

    what: str
    plain: bytes
    blob: bytes
    decoys: List[str]  # names of members within bodies
    modulus: int


def around(source: random.Random) -> int:
    """Return a length about a critical one."""
    return max(0, source.choice(CRITICAL) + source.choice((-513, -512, -1, 0, 0, 0, 1, 511, 512)))


def whole(size: int) -> int:
    return (size + 511) // 512 * 512


class Maker:
    """Makes one layer; all it does follows from ``seed``."""

    def __init__(self, seed: int, scale: int = 1) -> None:
        self.source = random.Random(seed)
        self.scale = scale  # times as large as what TINY is for
        self.decoys: List[str] = []
        self._count = 0

    def name(self, kind: str) -> bytes:
        self._count += 1
        return b"%s-%d" % (kind.encode(), self._count)

    def stuff(self, size: int) -> bytes:
        """A body without a plan."""
        kind = self.source.random()
        if kind < 0.45:
            return skewed(self.source, size)
        if kind < 0.75:
            return noise(self.source, size)
        return text(self.source, size)

    # -- what large bodies are made of --------------------------------------

    def uneven(self, size: int) -> bytes:
        """Compresses well at first and badly then, or the other way round: samples tell too little or too much."""
        part = self.source.randrange(size // 4, size)
        parts = [noise(self.source, part), text(self.source, size - part)]
        return b"".join(parts[:: self.source.choice((1, -1))])

    def image(self, size: int) -> bytes:
        """A disk image: most of it was never written to."""
        made = bytearray(size)
        for _ in range(self.source.randrange(1, 12)):
            at, length = self.source.randrange(size), self.source.randrange(512, 60_000)
            made[at : at + length] = self.stuff(length)[: max(0, size - at)]
        return bytes(made[:size])

    def ends_in_members(self, size: int, span: int = 0) -> bytes:
        """Its last bytes are members, as a tar has them; ``span`` bytes of them where that is given."""
        tail, wanted = b"", span
        for _ in range(1 if span else self.source.choice((1, 1, 2, 5))):
            name = self.name("decoy")
            self.decoys.append(name.decode())
            length = wanted - 512 if wanted else self.source.choice((0, 100, 512, 512, 2048, 9000))
            tail += member(name, self.stuff(length))
        return self.stuff(max(0, size - len(tail))) + tail

    def ends_in_zeros(self, size: int) -> bytes:
        zeros = min(around(self.source), size - 1)
        return self.stuff(size - zeros - 1) + b"\1" + bytes(zeros)

    def archive(self, size: int) -> bytes:
        """A tar, with its end or without."""
        made = b""
        while len(made) < size:
            name = self.name("inner")
            self.decoys.append(name.decode())
            made += member(name, self.stuff(self.source.choice((0, 700, 5000, size // 3))))
        return made + self.source.choice((b"", bytes(512), bytes(1024), bytes(10_240)))

    def packed(self, size: int) -> bytes:
        """A tar that is compressed itself, so that it is stored, blocks and all."""
        return gzip.compress(self.archive(2 * size), self.source.choice((1, 6)))

    def large(self) -> bytes:
        """A body that is worth a leap."""
        size = self.source.randrange(30_000, 180_000) * self.scale
        if self.source.random() < 0.3:
            size = whole(size)  # no padding tells anything then
        makers = (self.stuff, self.stuff, self.uneven, self.image, self.ends_in_members, self.ends_in_members,
                  self.ends_in_zeros, self.archive, self.packed)  # fmt: skip
        return self.source.choice(makers)(size)

    # -- members ------------------------------------------------------------

    def small(self) -> bytes:
        """A file that an overshoot misses."""
        kind = self.source.random()
        if kind < 0.15:
            return header(self.name("link"), kind=b"2", target=b"a")
        if kind < 0.25:
            body = self.stuff(self.source.randrange(3000))
            return v7(self.name("seventh"), body)
        if kind < 0.5:
            return member(self.name("small"), self.stuff(whole(around(self.source)) - 512 & 0xFFFF))
        if kind < 0.7:
            return member(self.name("small"), bytes(self.source.randrange(70_000)))
        return member(self.name("small"), self.stuff(self.source.randrange(10_000, 62_000)))

    def last(self) -> bytes:
        kind = self.source.random()
        if kind < 0.3:
            return member(self.name("last"), self.large())
        if kind < 0.45:
            return member(self.name("last"), self.ends_in_zeros(self.source.randrange(70_000, 300_000) * self.scale))
        if kind < 0.6:
            return member(self.name("last"), bytes(around(self.source) * self.scale))
        if kind < 0.75:
            return member(self.name("last"), self.image(self.source.randrange(40_000, 400_000) * self.scale))
        return self.small()

    def files(self) -> List[bytes]:
        made = [member(self.name("first"), self.stuff(900))]
        for _ in range(self.source.randrange(1, 5)):
            made.append(member(self.name("large"), self.large()))
            made += [self.small() for _ in range(self.source.choice((0, 0, 1, 1, 2, 4)))]
        return [*made, self.last()]

    def pair(self) -> List[bytes]:
        """Two errors that cancel exactly, if both are made: so many bytes invented before one leap, missed by one."""
        span = 512 * self.source.choice((1, 2, 3, 20, 60, 120))
        size = whole(self.source.randrange(60_000, 200_000) * self.scale)
        made = [
            member(self.name("first"), b"x" * 900),
            member(self.name("large"), self.ends_in_members(size, span)),
            member(self.name("large"), self.uneven(2 * size)),
            member(self.name("missed"), self.stuff(span - 512)),
            member(self.name("large"), self.stuff(size)),
        ]
        if self.source.random() < 0.5:
            made[1], made[2:4] = made[3], [made[2], made[1]]
        return [*made, self.last()]

    def tail(self) -> List[bytes]:
        """A file behind a large one, and zeros at the very end that might hide how long it is."""
        span = 512 * self.source.randrange(2, 124)
        zeros = max(0, 65_536 - 512 * self.source.choice((0, 1, 2, 2, 3, 40)) - self.source.choice((0, 0, 1)))
        body = self.uneven if self.source.random() < 0.7 else self.stuff
        made = [member(self.name("first"), b"x" * 900)]
        made.append(member(self.name("large"), body(self.source.randrange(60_000, 260_000) * self.scale)))
        made.append(member(self.name("missed"), self.stuff(span - 512)))
        made += [self.small() for _ in range(self.source.choice((0, 1, 2)))]
        last = self.stuff(self.source.randrange(20_000, 200_000) * self.scale)
        return [*made, member(self.name("last"), last + b"\1" + bytes(zeros))]

    def shadow(self) -> List[bytes]:
        """A member at the end of a body, before a large last file."""
        size = whole(self.source.randrange(40_000, 200_000) * self.scale)
        decoy = self.ends_in_members(size, 512 * self.source.choice((1, 2, 2, 2, 20)))
        made = [member(self.name("first"), b"x" * 900), member(self.name("large"), decoy)]
        last = self.source.choice((self.stuff, self.image, self.ends_in_zeros, self.archive))
        return [*made, member(self.name("last"), last(self.source.randrange(70_000, 300_000) * self.scale))]

    def alike(self) -> List[bytes]:
        """Files of one size, as parts of something large are."""
        size = whole(self.source.randrange(40_000, 160_000) * self.scale)
        body = self.stuff(size)
        return [member(self.name("part"), body if self.source.random() < 0.3 else self.stuff(size)) for _ in range(6)]

    def misleading(self, size: int) -> bytes:
        """Begins with what compresses badly, and goes on with what takes hardly any bytes: samples miss that."""
        head = min(size, self.source.randrange(5_000, 20_000) * (1 if self.scale == 1 else 4))
        rest = size - head
        kind = self.source.choice(("zeros", "lines", "text"))
        if kind == "zeros":
            return noise(self.source, head) + bytes(rest)
        if kind == "text":
            return noise(self.source, head) + text(self.source, rest)
        unit, lines = noise(self.source, 3000), bytearray()
        while len(lines) < rest:
            lines += unit[self.source.randrange(2000) :][:250] + noise(self.source, 13)
        return noise(self.source, head) + bytes(lines[:rest])

    def twins(self) -> List[bytes]:
        """Files of about one size, the first of which seems to be longer in the blob than it is; see ``_halves``."""
        size = self.source.randrange(60_000, 200_000) * self.scale
        sizes = (size, size, size, size + 512, size - self.source.randrange(8000))
        made = [member(self.name("twin"), self.misleading(size))]
        if self.source.random() < 0.4:
            made.insert(0, header(self.name("folder"), kind=b"5"))
        for _ in range(self.source.choice((1, 1, 1, 3))):
            body = self.source.choice((self.stuff, self.stuff, self.misleading, self.ends_in_zeros))
            made.append(member(self.name("twin"), body(self.source.choice(sizes))))
        made += [self.small() for _ in range(self.source.choice((0, 1, 1, 2)))]
        return made

    def recorded(self) -> List[bytes]:
        """Files with pax records, behind bodies with the words of such: a resync knows but a part of them."""
        words = [b" mtime=", b" path=", b" linkpath=", b"SCHILY.xattr.user.a=", b" comment=", b"1700000000."]
        made = [member(self.name("first"), b"x" * 900)]
        for _ in range(self.source.randrange(2, 6)):
            values = {"mtime": "1700000000.%d" % self.source.randrange(1000), "SCHILY.xattr.user.a": "b"}
            values["path"] = self.name("path").decode() * self.source.choice((1, 1, 20))
            kept = self.source.sample(sorted(values), self.source.choice((1, 1, 2, 3)))
            made.append(
                pax(b"".join(record(key, values[key]) for key in kept), self.source.choice((b"x", b"x", b"x", b"g")))
            )
            body, size = b"", self.source.choice((500, 30_000, 90_000, 160_000)) * self.scale
            while len(body) < size:
                body += self.stuff(self.source.randrange(200, 3000)) + self.source.choice(words)
            made.append(member(self.name("recorded"), body))
        return made

    def far(self, modulus: int) -> List[bytes]:
        """Files that take just as much as lengths are stated modulo."""
        made = self.files()
        at = self.source.randrange(1, len(made))
        spans = self.source.choice(((modulus,), (modulus - 1024, 1024), (modulus + 512,), (2 * modulus,)))
        filler = self.source.choice((self.image, lambda size: bytes(size), self.stuff))
        made[at:at] = [member(self.name("far"), filler(max(0, span - 512))) for span in spans]
        return made


def v7(name: bytes, body: bytes) -> bytes:
    """A member as before there was "ustar"."""
    return header(name, octal(len(body), 12), magic=bytes(8)) + body + bytes(-len(body) % 512)


def _deflate(level: int) -> Callable[[bytes, int], bytes]:
    def compress(data: bytes, scale: int) -> bytes:
        """Small layers have small blocks, too."""
        engine = zlib.compressobj(level, zlib.DEFLATED, 31, 4 if scale == 1 else 8)
        return engine.compress(data) + engine.flush()

    return compress


def _igzip(data: bytes, scale: int) -> bytes:
    """By igzip; by its likest where that is missing."""
    try:
        from isal import igzip
    except ImportError:
        return gzip.compress(data, 1)
    return bytes(igzip.compress(data, 2))


COMPRESSORS: Dict[str, Callable[[bytes, int], bytes]] = {
    "zlib 1": _deflate(1),
    "zlib 6": _deflate(6),
    "zlib 9": _deflate(9),
    "stored": _deflate(0),
    "isal": _igzip,
}


SHAPES = ("files",) * 9 + ("tail",) * 3 + ("shadow",) * 2 + ("pair", "pair", "alike", "far", "far")  # as often


def made(seed: int, scale: int = 1, shape: str = "") -> Made:
    """Return one layer, of that ``shape`` if one is given."""
    maker = Maker(seed, scale)
    source = maker.source
    shape = shape or source.choice(SHAPES)
    modulus = source.choice((2**16, 2**18, 2**20)) if shape == "far" else 0
    files: List[bytes] = maker.far(modulus) if shape == "far" else getattr(maker, shape)()
    padding = source.choice(sorted(PADDINGS))
    if shape == "twins" and seed % 5:
        pieces = _halves(source, files, PADDINGS[padding])
    else:
        plain = b"".join(files)
        plain += bytes(PADDINGS[padding](len(plain)))
        if seed % 16 == 9:  # archives in a row: what stands behind the first one's end is hidden
            plain += b"".join(Maker(-seed, scale).files()) + bytes(1024)
        pieces = _cut(source, files, plain)
    plain = b"".join(pieces)
    how = source.choice((*sorted(COMPRESSORS), "zlib 6", "zlib 1", "stored"))
    blob = b"".join(COMPRESSORS[how](piece, scale) for piece in pieces)
    if source.random() < 0.03:
        blob += source.choice((bytes(3000), b"garbage" * 20, gzip.compress(b"")))
    what = "seed {}: {}, padded as by {}, {}, {} member(s)".format(seed, shape, padding, how, len(pieces))
    return Made(what, plain, blob, maker.decoys, modulus)


def _halves(source: random.Random, files: List[bytes], padding: Callable[[int], int]) -> List[bytes]:
    """Make two gzip members of one archive, or of two archives in a row, each with its end."""
    at = source.choice((1, 1, 1, len(files) // 2))
    halves = [b"".join(files[:at]), b"".join(files[at:])]
    if source.random() < 0.3:
        return [half + bytes(padding(len(half))) for half in halves]
    if source.random() < 0.2:  # within a body, or at its end
        border = len(halves[0]) - source.choice((0, 512, len(halves[0]) // 2))
        whole = b"".join(halves)
        halves = [whole[:border], whole[border:]]
    return [halves[0], halves[1] + bytes(padding(len(halves[0]) + len(halves[1])))]


def _cut(source: random.Random, files: List[bytes], plain: bytes) -> List[bytes]:
    """Cut a tar for gzip members: hardly ever, anywhere, at equal lengths, or with each file."""
    kind: Optional[str] = source.choice((None,) * 13 + ("anywhere", "equal", "files"))
    if kind is None:
        return [plain]
    if kind == "files":
        cuts = [sum(map(len, files[:number])) for number in range(1, len(files))]
    elif kind == "equal":
        step = source.choice((len(files[0]), len(plain) // 2, len(plain) // 3, 65_280)) or 1
        cuts = list(range(step, len(plain), max(step, len(plain) // 40)))
    else:
        cuts = sorted(source.randrange(len(plain)) for _ in range(source.choice((1, 1, 2, 5))))
    cuts = [0, *cuts, len(plain)]
    return [plain[begin:end] for begin, end in zip(cuts, cuts[1:]) if end > begin]
