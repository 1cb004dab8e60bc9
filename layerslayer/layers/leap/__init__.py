"""Leaping: a plain ``tar+gzip`` layer listed without reading all of it.

A tar is headers, which check themselves, and bodies whose length a header
states. Most bytes of large layers are the bodies of a few large files. Deflate
is a chain of blocks, and a decoder can begin with any of them::

    boundaries   where a block begins in bytes from the middle
    landing      which bytes are certain there, and the first header among them
    sampling     how far a body reaches in the compressed stream, guessed
    aiming       where to land: looking at pieces, all over the body and around its end
    lander       landing there, going on to the next header
    looking_back landing before that, for headers which were missed
    settling     from a stretch to a landing in its body, and from that to the next stretch
    members      gzip members, and the lengths that their trailers state
    engines      streams that inflate faster, and cannot be copied
    stretches    what was read, the gaps between, and whether the lengths add up
    proof        whether that is all of the layer
    leaping      the walk, and its repair
    sought       which gaps to read for what was found behind them
    suspects     which gaps to doubt when the lengths do not add up
    marks        where a walk can go on again
    returning    the bytes of a file that the walk went past
    tuning       what leaps are measured by
    fetching     parts of the blob, asked for and waited for
    spool        what of them is kept
    pace         how long the line takes

The proof is the gzip trailer: headers and bodies must add up to the member's
length modulo 2**32, and from the last header on all must have been inflated
(``docs/design/leap-proof.md``). A listing that cannot be proved is mended, at
worst by reading every gap: the whole layer, and a twentieth of it more. Where
so much comes out of so little that looking takes longer than reading, it is read.

zstd layers have nothing to land in but the beginnings of frames::

    seek_table   where frames begin, as a table at the end of the layer says
    hops         where they end, as their own headers say
    parts        frames that were read in a row, and the walk in them
    lead         whether what stands before a landing is a body
    frames       the walk, its proof, and going back on it
"""

from .file_read import read_body
from .gzip_walk import Leaping, NotGzip, NotHeld, TooDense
from .range_fetcher import Fetcher
from .throughput import Pace
from .zstd_walk import FrameLeaping, NoFrames

__all__ = ["Fetcher", "FrameLeaping", "Leaping", "NoFrames", "NotGzip", "NotHeld", "Pace", "TooDense", "read_body"]
