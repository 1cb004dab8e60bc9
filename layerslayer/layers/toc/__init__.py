"""Publishers' tables of contents of layers: eStargz, zstd:chunked, SOCI."""
