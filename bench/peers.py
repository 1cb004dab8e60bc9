"""The commands that are compared: ours, and each peer that is installed here."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import List, NamedTuple

from .measure import Contestant

ROOT = Path(__file__).resolve().parent.parent
OURS = "layerslayer"
LEAPING = "layerslayer --fast"
_WITHOUT_ISAL = (
    "import sys; sys.modules['isal'] = None; sys.path.insert(0, {!r}); "
    "from layerslayer.cli.main import run; run()".format(str(ROOT))
)


class Target(NamedTuple):
    """One image on one registry; ``digests`` of its layers in order."""

    host: str
    name: str
    digests: List[str]

    @property
    def reference(self) -> str:
        return "{}/bench/{}:1".format(self.host, self.name)

    def blob_url(self, digest: str) -> str:
        return "http://{}/v2/bench/{}/blobs/{}".format(self.host, self.name, digest)


def listing(target: Target, scratch: Path) -> List[Contestant]:
    """Commands that list every layer of an image."""
    ours = "-t {} --peek-all -q".format(target.reference)
    contestants = [
        Contestant(OURS, "{} {}".format(_script(), ours)),
        Contestant("layerslayer without isal", "{} -c {} {}".format(sys.executable, shlex.quote(_WITHOUT_ISAL), ours)),
    ]
    digests = " ".join(target.digests)
    if shutil.which("crane"):
        blob = "crane blob --insecure {}@$d".format(target.reference.rpartition(":")[0])
        contestants += [
            Contestant("crane blob, tar tzv, in turn", "for d in {}; do {} | tar tzv; done".format(digests, blob)),
            Contestant(
                "crane blob, tar tzv, two at a time",
                "printf '%s\\n' {} | xargs -P 2 -I % sh -c 'd=%; {} | tar tzv'".format(digests, blob),
            ),
        ]
        if shutil.which("igzip"):
            contestants.append(
                Contestant(
                    "crane blob, igzip, tar tv, in turn",
                    "for d in {}; do {} | igzip -dc | tar tv; done".format(digests, blob),
                )
            )
    if shutil.which("skopeo"):
        for name, read in (("tar tzv", "tar tzvf {}"), ("igzip, tar tv", "igzip -dc < {} | tar tv")):
            if "igzip" in read and not shutil.which("igzip"):
                continue
            folder = scratch / "skopeo"
            reads = "; ".join(read.format(folder / digest.partition(":")[2]) for digest in target.digests)
            contestants.append(
                Contestant("skopeo copy dir:, " + name, _skopeo(target, folder) + "; " + reads, _cleaner(folder))
            )
    fetch = "curl -sf {}/$d".format(target.blob_url("").rstrip("/"))
    if shutil.which("bsdtar"):
        contestants.append(
            Contestant("curl, bsdtar tv", "for d in {}; do {} | bsdtar -tvf -; done".format(digests, fetch))
        )
    if shutil.which("igzip"):
        contestants.append(
            Contestant("curl, igzip (lists nothing)", "for d in {}; do {} | igzip -dc; done".format(digests, fetch))
        )
    return contestants


def slow_listing(target: Target) -> List[Contestant]:
    """Commands for a line where the transfer decides."""
    urls = " ".join("-o /dev/null " + target.blob_url(digest) for digest in target.digests)
    return [
        Contestant(OURS, "{} -t {} --peek-all -q".format(_script(), target.reference)),
        Contestant("curl -Z (lists nothing)", "curl -sf -Z " + urls),
        Contestant("python -c pass", sys.executable + " -c pass"),
    ]


def leaping(target: Target) -> List[Contestant]:
    """Commands that list an image's second layer: from as few bytes as it takes, and in full."""
    full = "{} -t {} --peek-all -q --layer 1".format(_script(), target.reference)
    return [Contestant(LEAPING, full + " --fast"), Contestant(OURS, full)]


def saving(target: Target, scratch: Path) -> List[Contestant]:
    """Commands that download an image, digests verified; one of them is the least that Python takes."""
    ours = scratch / "layerslayer"
    contestants = [
        Contestant(OURS, "{} -t {} --save-all -q -o {}".format(_script(), target.reference, ours), _cleaner(ours))
    ]
    bare = scratch / "bare"
    urls = " ".join(target.blob_url(digest) for digest in target.digests)
    command = "{} {} {} {}".format(sys.executable, ROOT / "bench" / "floor.py", bare, urls)
    contestants.append(Contestant("bare sockets in Python (see bench/floor.py)", command, _cleaner(bare)))
    if shutil.which("crane"):
        folder = scratch / "crane"
        command = "crane pull --insecure --format=oci {} {}".format(target.reference, folder)
        contestants.append(Contestant("crane pull --format=oci", command, _cleaner(folder)))
    if shutil.which("skopeo"):
        folder = scratch / "skopeo"
        contestants.append(Contestant("skopeo copy dir:", _skopeo(target, folder), _cleaner(folder)))
    return contestants


def _script() -> str:
    return "{} {}".format(sys.executable, ROOT / "layerslayer.py")


def _skopeo(target: Target, folder: Path) -> str:
    return "skopeo copy -q --src-tls-verify=false docker://{} dir:{}".format(target.reference, folder)


class _cleaner:
    """Empties a folder when called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> None:
        shutil.rmtree(str(self._folder), ignore_errors=True)
