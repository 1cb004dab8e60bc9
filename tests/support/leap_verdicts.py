"""What a leaping walk made of a layer whose truth is known."""

from __future__ import annotations

import hashlib
import io
import random
from collections import Counter
from typing import Counter as Counts
from typing import Iterable, List, NamedTuple, Tuple

from layerslayer.errors import LayerslayerError
from layerslayer.formats.entry import Entry
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.layers.leap import segments as lengths
from layerslayer.layers.leap.gzip_walk import GzipWalk
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.settings import Settings
from layerslayer.oci.descriptor import Descriptor

from .leap_adversary import TINY, Made, made
from .leap_walks import TYPE, Slow

_REAL = 100  # one layer in so many is of real size, and leapt in as real ones are
_REAL_TWINS = 20  # the same, of two members: what misleads samples takes real sizes


class Verdict(NamedTuple):
    """``kind``: proved, in full, wrong, or pair: two errors that cancel exactly. ``leapt``: it was tried."""

    kind: str
    leapt: bool
    what: str


def truth_of(layer: Made) -> List[Entry]:
    walker = TarWalker()
    return walker.feed(layer.plain) + walker.close()


def judged(layer: Made, settings: Settings = TINY, wanted: str = "") -> Verdict:
    """List a layer by leaping, as far as the entry ``wanted`` if one is given; hold that against the truth."""
    blob = layer.blob
    descriptor = Descriptor(TYPE, "sha256:" + hashlib.sha256(blob).hexdigest(), len(blob), {})
    fetcher = Fetcher(lambda start, length: io.BytesIO(blob[start : start + length]), len(blob), Slow(0))
    walk = GzipWalk(descriptor, fetcher, settings, returning=bool(wanted))
    if wanted:
        walk.sought = lambda entries: any(entry.name == wanted for entry in entries)
    stated, lengths.MODULUS = lengths.MODULUS, layer.modulus or lengths.MODULUS
    listed: List[Entry] = []
    error = ""
    try:
        for batch in walk.run():
            listed += batch
            if wanted and any(entry.name == wanted for entry in batch):
                break
        else:
            wanted = ""  # the whole listing was given
    except LayerslayerError as problem:
        error = str(problem)
    finally:
        lengths.MODULUS = stated
    truth = truth_of(layer)
    if wanted or error:  # what was given is the beginning
        truth = truth[: len(listed)]
    if listed == truth and not error:
        return Verdict("in full" if walk.whole else "proved", walk.leaps > 0, layer.what)
    kind = "pair" if not error and _cancels(listed, truth) else "wrong"
    return Verdict(kind, walk.leaps > 0, "{} {}".format(layer.what, error))


def _cancels(listed: List[Entry], truth: List[Entry]) -> bool:
    """Whether a listing has entries that are none and lacks others, and is right again at its end."""
    have, should = set(map(_key, listed)), set(map(_key, truth))
    return bool(have - should) and bool(should - have) and _key(listed[-1]) == _key(truth[-1])


def _key(entry: Entry) -> Tuple[str, int, int]:
    return (entry.name, entry.size, entry.offset)


def tried(seed: int) -> Verdict:
    """Judge the layer of a seed: listed, or a file sought in it that is there, or is none."""
    twins, large = seed % _REAL_TWINS == 3, seed % _REAL == 7
    shape = "twins" if twins else "recorded" if seed % 8 == 6 else ""
    layer = made(seed, 40 if twins else 20 if large else 1, shape)
    source = random.Random(seed)
    names = [""] * 3 + [source.choice(truth_of(layer)).name, source.choice([*layer.decoys, "nowhere"])]
    return judged(layer, Settings() if large or twins else TINY, source.choice(names))


def counted(verdicts: Iterable[Verdict]) -> Counts[str]:
    """Count the verdicts by kind, those that were leapt in, and of these the ones that were read in full after all."""
    counts: Counts[str] = Counter()
    for verdict in verdicts:
        counts[verdict.kind] += 1
        counts["leapt"] += verdict.leapt
        counts["fell back"] += verdict.leapt and verdict.kind == "in full"
    return counts
