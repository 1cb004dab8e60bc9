"""Fixtures of the tests here."""

from .owners import owners  # noqa: F401
