"""Benches print their figures the way tests do."""

from tests.conftest import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]
