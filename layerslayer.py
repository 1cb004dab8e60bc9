#!/usr/bin/env python3
"""The script: calls layerslayer.cli.main.run and nothing else."""

from __future__ import annotations

from layerslayer.cli.main import run

if __name__ == "__main__":
    run()
