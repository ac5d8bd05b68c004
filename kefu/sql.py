"""Quoting, the only part of building SQL that must never be done by hand."""

from pathlib import Path


def quote_name(name: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return a string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_path(path: Path) -> str:
    """Return a file path as a literal that DuckDB does not expand.

    The readers take *, ? and [ for patterns; in brackets each is itself.
    """
    escaped = "".join(f"[{char}]" if char in "*?[" else char for char in str(path))
    return quote_text(escaped)
