"""What the commands print."""

import sys

import click


def say(line: str) -> None:
    """Print one line at once, also into a pipe."""
    click.echo(line)
    sys.stdout.flush()
