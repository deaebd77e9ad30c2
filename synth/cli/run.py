"""``synth run``: the commands of a recipe, one after another, as if they were typed."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from synth.cli.session import Session, output_options
from synth.errors import PartialError, UsageError, nearest
from synth.units import counted

NOT_IN_RECIPES = ("quiet", "json", "help", "recipe")


@dataclass(frozen=True, slots=True)
class Line:
    """One command line of a recipe: the command's name, the command, and what is typed after it."""

    name: str
    command: click.Command
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(["synth", self.name, *(word for word in self.arguments if word != "--")])


@click.command("run", epilog="Example:  synth run recipes/accordion.toml")
@click.argument("recipe")
@click.option("--dry-run", is_flag=True, help="Print the commands and run none.")
@output_options
def command(session: Session, recipe: str, dry_run: bool) -> None:
    """Run the commands of a recipe, in its order.

    A recipe is a TOML file with one table per command; its keys are the command's options and arguments. Folders in it
    are those of the current directory. Run it again after an interruption: every command goes on where it stopped.
    """
    from synth import recipe as recipes

    path = Path(recipe)
    lines = [line_of(name, table, path) for name, table in recipes.read(path).items()]
    if not lines:
        raise UsageError(f"{path} holds no table; wanted one for each command, e.g. [mix]")
    results: list[dict[str, object]] = []
    missing: list[str] = []
    for line in lines:
        session.say(f"$ {line}")
        if dry_run:
            results.append({"command": str(line)})
            continue
        try:
            found = _run(line, session)
        except PartialError as error:  # what is missing is listed; the rest goes on with what there is
            session.say(str(error))
            missing.append(f"synth {line.name}: {error}")
            found = None
        results.append({"command": str(line), "partly": found is None, "result": found})
    session.result({"recipe": str(path), "commands": results})
    if missing:
        raise PartialError(f"{path}: all commands ran, with items missing. {' '.join(missing)}")


def line_of(name: str, table: Mapping[str, Any], recipe: Path) -> Line:
    """Return the command line of a recipe's table. Raises UsageError for keys and values that the command does not know."""
    from synth import recipe as recipes
    from synth.cli.main import main

    found = main.get_command(click.Context(main), name)
    if found is None:
        raise UsageError(f"{recipe}: there is no command '{name}'")
    where = f"{recipe}, [{name}]"
    keys = _keys(found)
    options: list[str] = []
    arguments: list[str] = []
    if "out" in keys and "out" not in table and not keys["out"].required:
        table = {**table, "out": recipe.stem}
    for key, value in table.items():
        if key.replace("_", "-") not in keys:
            raise UsageError(f"{where}: unknown key '{key}'{nearest(key, keys) or '.'} Known keys: {', '.join(keys)}")
        parameter = keys[key.replace("_", "-")]
        kind = recipes.kinds_of(name).get(key.replace("-", "_"))
        if kind is not None:  # lists and numbers become what is typed
            value = recipes.read_value(key, value, kind, where)  # noqa: PLW2901
        words = _words(key, list(value) if isinstance(value, tuple) else value, parameter, where)
        (arguments if isinstance(parameter, click.Argument) else options).extend(words)
    line = Line(name, found, (*options, *(["--", *arguments] if arguments else [])))
    try:
        found.make_context(name, list(line.arguments))
    except click.UsageError as error:
        raise UsageError(f"{where}: {error.format_message()}") from error
    return line


def _keys(found: click.Command) -> dict[str, click.Parameter]:
    """Return a command's parameters by their names in a recipe: the long option without its dashes, or the argument."""
    keys: dict[str, click.Parameter] = {}
    for parameter in found.params:
        names = parameter.opts if isinstance(parameter, click.Argument) else _long(parameter.opts)
        for name in names:
            keys[name.removeprefix("--").replace("_", "-")] = parameter
    return {name: parameter for name, parameter in keys.items() if name not in NOT_IN_RECIPES}


def _long(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("--")]


def _words(key: str, value: Any, parameter: click.Parameter, where: str) -> list[str]:  # noqa: ANN401  # any TOML value
    """Return what is typed for one key."""
    values = value if isinstance(value, list) else [value]
    if any(not isinstance(one, str | int | float) for one in values) or (
        isinstance(value, list) and any(isinstance(one, bool) for one in values)
    ):
        raise UsageError(f"{where}: {key} = {value!r}; wanted a text, a number, true or false, or a list of texts")
    if isinstance(parameter, click.Argument):
        return [str(one) for one in values]
    option = f"--{key.replace('_', '-')}"
    if isinstance(value, bool):
        off = _long(parameter.secondary_opts)
        return [option] if value else off[:1]
    several = getattr(parameter, "multiple", False)
    if len(values) != 1 and not several:
        raise UsageError(f"{where}: {key} has {counted(len(values), 'value')}; synth takes one --{key}")
    return [f"{option}={one}" for one in values]


def _run(line: Line, session: Session) -> object:
    """Run a command; return its result, which is printed only by ``--json``."""
    said = [*(["--json"] if session.as_json else []), *(["--quiet"] if session.quiet else [])]
    context = line.command.make_context(line.name, [*said, *line.arguments])
    printed = io.StringIO()
    with context:
        if not session.as_json:
            line.command.invoke(context)
            return {}
        with redirect_stdout(printed):
            line.command.invoke(context)
    return json.loads(printed.getvalue() or "{}")
