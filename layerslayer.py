#!/usr/bin/env python3
"""The script: calls layerslayer.cli.main and nothing else."""

from __future__ import annotations

import sys

from layerslayer.cli import main

if __name__ == "__main__":
    sys.exit(main())
