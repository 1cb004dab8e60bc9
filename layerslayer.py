#!/usr/bin/env python3
"""The script: calls layerslayer.cli.run and nothing else."""

from __future__ import annotations

from layerslayer.cli import run

if __name__ == "__main__":
    run()
