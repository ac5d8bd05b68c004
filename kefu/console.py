"""What the commands print."""

import sys

import click


def say(line: str) -> None:
    """Print one line at once, also into a pipe."""
    click.echo(line)
    sys.stdout.flush()


def told_number(number: int, noun: str) -> str:
    """Return how many there are, as "1 file" or "2,000 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
