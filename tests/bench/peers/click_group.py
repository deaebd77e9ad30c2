"""The floor of a command line: a click group with one command, for the time of its ``--help``."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Do nothing."""


@main.command()
@click.option("--times", default=1, help="How often to do nothing.")
def nothing(times: int) -> None:
    """Do nothing, some times."""


if __name__ == "__main__":
    main()
