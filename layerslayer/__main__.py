"""``python -m layerslayer``."""

from __future__ import annotations

import sys

from layerslayer.cli import main

if __name__ == "__main__":
    sys.exit(main())
