"""Fixtures of the tests here."""

from ..neighbour.owners import owners  # noqa: F401
