"""``python -m layerslayer``."""

from __future__ import annotations

from layerslayer.cli.main import run

if __name__ == "__main__":
    run()
