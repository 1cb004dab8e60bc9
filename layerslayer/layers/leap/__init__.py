"""Leaping: a plain ``tar+gzip`` layer listed without reading all of it.

A tar is headers, which check themselves, and bodies whose length a header
states. Most bytes of large layers are the bodies of a few large files. Deflate
is a chain of blocks, and a decoder can begin with any of them::

    formats.gzip    where a block begins in bytes from the middle (``block_finder``), the
                    window before it (``window``), members and the lengths that their
                    trailers state (``members``), fast streams (``fast_inflate``)
    resync          which bytes are certain there, and the first header among them
    resync_segments from a segment to a resync in its body, and from that to the next
    estimate        how far a body reaches in the compressed stream, guessed
    settings        what is measured by
    probe           where to resync: looking at pieces, all over the body and around its end
    skip            resynchronising there, going on to the next header
    backtrack       resynchronising before that, for headers which were missed
    segments        what was read, the gaps between, and whether the lengths add up
    proof           whether that is all of the layer
    gaps            which gaps to doubt, and which to read for what was found behind them
    segment_reader  reading on in segments, within bounds; reading the gap between two
    gzip_walk       the walk, and its repair
    resume_points   where a walk can go on again
    file_read       the bytes of a file that the walk went past
    range_fetcher   parts of the blob, asked for and waited for
    range_cache     what of them is kept
    throughput      how long the line takes
    gzip_reader     one gzip layer, as far as asked

The proof is the gzip trailer: headers and bodies must add up to the member's
length modulo 2**32, and from the last header on all must have been inflated
(``docs/design/leap-proof.md``). A listing that cannot be proved is mended, at
worst by reading every gap: the whole layer, and a twentieth of it more. Where
so much comes out of so little that looking takes longer than reading, it is read.

zstd layers have nothing to resync in but the beginnings of frames::

    zstd_seek_table where frames begin, as a table at the end of the layer says
    zstd_frame_map  where they end, as their own headers say
    zstd_segments   frames that were read in a row, the walk in them, and whether
                    what stands before a resync is a body
    zstd_walk       the walk, its proof, and going back on it
    zstd_reader     one zstd layer, as far as asked

``reader`` chooses between the two, and falls back to the whole layer.
"""
