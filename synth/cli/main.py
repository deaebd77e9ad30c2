"""The command ``synth``: finds the commands, loads them when they are called, and turns errors into exit codes.

0 done, 1 a claim does not hold, 2 usage, 3 the input cannot give what was asked, 4 partly done, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from synth import __version__
from synth.cli import console
from synth.errors import FULL, InputError, SynthError, disk_full, near, nearest

COMMANDS = {
    "mix": "Make a balanced data set of speaker mixtures, and check it.",
    "fetch-librispeech": "Get subsets of LibriSpeech: download, check, unpack, count.",
    "fetch-ravdess": "Get RAVDESS, acted emotions: download, check, unpack, count.",
    "fetch-audioset": "Get AudioSet's clips of a label: exactly the segments, and a ledger.",
    "index": "Read folders of recordings and measure each: the SOURCES table.",
    "clean": "Judge the labels of clips by scores: keep, doubtful, wrong.",
    "review": "Hear what was rejected, on a page of this machine; what you decide wins.",
    "split": "Give each speaker to train, val or test, alike in sex.",
    "plan": "Decide every clip on paper, balanced and reproducible.",
    "render": "Make the audio of a plan; goes on where it stopped.",
    "manifest": "Make a data set of labelled clips as they are, split alike in labels.",
    "audit": "Check every claim of a data set; exit 1 if one does not hold.",
    "verify": "Re-render a sample and compare it with the data.",
    "run": "Run the commands of a recipe, one after another.",
}
INTERRUPTED = 130
HELP = {"-h", "--help", "--version"}


class SynthGroup(click.Group):
    """A group whose commands are imported when they are called, so that ``--help`` costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"synth.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that some arguments name; an unknown one is told the nearest."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(
                f"no command '{args[0]}'{nearest(args[0], COMMANDS) or '.'} All commands: synth --help", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' one-line help from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **more: Any,  # noqa: ANN401  # click's signature
    ) -> Any:  # noqa: ANN401
        """Run a command; as a program (``standalone_mode``) errors become messages and exit codes."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **more)
        console.prepare()
        words = list(sys.argv[1:] if args is None else args) or ["--help"]
        try:
            code = super().main(words, prog_name, complete_var, standalone_mode=False, **more)
            code = code if isinstance(code, int) else 0
        except SynthError as error:
            code = _failed(str(error), error.exit_code, words)
        except click.ClickException as error:
            if isinstance(error, click.NoSuchOption) and error.ctx:  # click takes far names for near ones
                known = [
                    name for one in error.ctx.command.get_params(error.ctx) for name in one.opts if name[:2] == "--"
                ]
                error = click.NoSuchOption(
                    error.option_name, possibilities=near(error.option_name, known)[:1], ctx=error.ctx
                )
            shown = io.StringIO()
            error.show(shown)
            console.say(shown.getvalue().rstrip("\n"), err=True)
            code = error.exit_code
            _answer(error.format_message(), code, words)
        except (click.Abort, KeyboardInterrupt):
            console.say(
                "\nInterrupted. What is finished is kept: the same command goes on from there.",
                err=True,
            )
            code = INTERRUPTED
            _answer("interrupted", code, words)
        except SystemExit:  # what click makes of a pipe that nobody reads, and only help is printed by click
            console.drop(1)
            code = 0 if HELP & set(words) else InputError.exit_code
        except OSError as error:  # a folder where a file was wanted, no permission, …
            if error.filename is None and HELP & set(words):  # which click prints
                code = _unwritten(error)
            elif error.errno in FULL:
                code = _failed(str(disk_full(Path(error.filename or "a file"), error)), InputError.exit_code, words)
            elif error.filename is None:
                raise
            else:
                code = _failed(f"{error.filename2 or error.filename}: {error.strerror}", InputError.exit_code, words)
        console.close()
        sys.exit(code)


def _unwritten(error: OSError) -> int:
    try:
        console.broken(1, error)
    except InputError as said:
        return _failed(str(said), said.exit_code, ())
    return 0


def _failed(says: str, code: int, words: Sequence[str]) -> int:
    console.say(f"Error: {says}", err=True)
    _answer(says, code, words)
    return code


def _answer(says: str, code: int, words: Sequence[str]) -> None:
    """Print the error as the JSON object that was asked for, unless the command has printed its own."""
    if "--json" in words and not console.answered():
        with contextlib.suppress(InputError):  # standard output that takes no more was the error, or comes on top of it
            console.answer({"error": says, "exit_code": code})


@click.group(
    cls=SynthGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Try it now, with the built-in demo voices:  synth mix --speakers 1-3",
)
@click.version_option(__version__, prog_name="synth")
def main() -> None:
    """Audio data sets whose labels are true, balanced and checkable."""
