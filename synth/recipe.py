"""Recipes: the options of a data set, their defaults, and the TOML file that holds them.

An option on the command line wins over the recipe, the recipe over the default. What is resolved is written out in
full, so that an output folder says everything that made it, and nothing about the machine it was made on.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from synth import kinds
from synth.errors import InputError, UsageError, listed, nearest, typed


def _option(default: Any, kind: kinds.Kind) -> Any:  # noqa: ANN401  # the type stands beside the name
    return field(default=default, metadata={"kind": kind})


@dataclass(frozen=True, slots=True)
class MixOptions:
    """The options of ``synth mix``; ``content`` ones change a sample or a label, the others do not."""

    command: ClassVar[str] = "mix"

    speakers: str = _option("1-3", kinds.SPEAKERS)
    source: tuple[str, ...] = _option((), kinds.PATHS)
    csv: tuple[str, ...] = _option((), kinds.TABLES)
    noise: str | None = _option(None, kinds.PATH)
    clips: str = _option("3600/360/360", kinds.CLIPS)
    seconds: float = _option(1.0, kinds.NUMBER)
    rate: int = _option(16000, kinds.WHOLE)
    balance: str = _option("nested", kinds.PATH)
    split: str | None = _option(None, kinds.SHARES)
    seed: int = _option(0, kinds.WHOLE)
    min_active: float | None = _option(None, kinds.NUMBER)
    sir_db: float = _option(5.0, kinds.NUMBER)
    level_dbfs: str = _option("-33:-22", kinds.SPAN)
    overlap: str = _option("full", kinds.OVERLAP)
    snr_db: str = _option("0:20", kinds.SPAN)
    store: str = _option("parquet", kinds.TEXT)
    codec: str = _option("wav", kinds.TEXT)
    stems: bool = _option(False, kinds.YES)

    def with_changes(self, changes: Mapping[str, Any]) -> MixOptions:
        """Return a copy with the options that were given (those that are not None)."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    @property
    def least_active_s(self) -> float:
        """Seconds for which each speaker is active: ``min_active``, or half the clip (in frames of 20 ms), at most 1 s."""
        if self.min_active is not None:
            return self.min_active
        frames = min(-(-round(self.seconds * 50) // 2), 50)
        return frames / 50

    def content(self) -> dict[str, Any]:
        """Return the options that change a sample or a label, in a fixed order."""
        return _content(self)


@dataclass(frozen=True, slots=True)
class ManifestOptions:
    """The options of ``synth manifest``: labelled clips that are used as they are."""

    command: ClassVar[str] = "manifest"
    stems: ClassVar[bool] = False  # a clip has one part

    sources: str | None = _option(None, kinds.PATH)
    label: tuple[str, ...] = _option((), kinds.TEXTS)
    verdicts: str | None = _option(None, kinds.PATH)
    min_verdict: str = _option("keep", kinds.TEXT)
    windows: str = _option("start", kinds.TEXT)
    split: str | None = _option(None, kinds.SHARES)
    seconds: float = _option(10.0, kinds.NUMBER)
    rate: int = _option(48000, kinds.WHOLE)
    seed: int = _option(0, kinds.WHOLE)
    store: str = _option("parquet", kinds.TEXT)
    codec: str = _option("wav", kinds.TEXT)

    def with_changes(self, changes: Mapping[str, Any]) -> ManifestOptions:
        """Return a copy with the options that were given (those that are not None)."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def content(self) -> dict[str, Any]:
        """Return the options that change a sample or a label, in a fixed order."""
        return _content(self)


Options = MixOptions | ManifestOptions
_Kind = TypeVar("_Kind", bound=Options)
# which sources were used is covered by the digest of SOURCES, which labels by that of the plan
_WHERE = ("source", "csv", "noise", "store", "sources", "verdicts")
SETTINGS = {"out": kinds.PATH, "jobs": kinds.WHOLE, "root": kinds.TEXTS}  # of a run: where, and by how many
_OPTIONS: dict[str, type[MixOptions] | type[ManifestOptions]] = {"mix": MixOptions, "manifest": ManifestOptions}
COMMANDS = (
    "fetch-audioset", "fetch-librispeech", "fetch-ravdess",
    "index", "split", "plan", "render", "mix", "clean", "manifest", "audit", "verify",
)  # fmt: skip


def _content(options: Options) -> dict[str, Any]:
    return {name: value for name, value in asdict(options).items() if name not in _WHERE and value is not None}


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Read a recipe: one table per command. Raises InputError or UsageError with the nearest known name."""
    if not path.is_file():
        raise InputError(f"{path}: no such recipe; wanted a TOML file with a table [mix]")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    for command, table in tables.items():
        if command not in COMMANDS or not isinstance(table, dict):
            raise UsageError(
                f"{path}: [{command}] is no command with a recipe (known: {listed(COMMANDS)}){nearest(command, COMMANDS)}"
            )
    return tables


def mix_options(table: Mapping[str, Any], where: str) -> MixOptions:
    """Return the options of a [mix] table over the defaults. Raises UsageError for unknown keys and wrong types."""
    return _made(MixOptions(), table, where)


def mix_run(table: Mapping[str, Any], where: str) -> tuple[MixOptions, dict[str, Any]]:
    """Return the options of a [mix] table, and the settings of its run (``SETTINGS``); errors as in :func:`mix_options`."""
    settings = {key: read_value(key, table[key], SETTINGS[key], where) for key in SETTINGS if key in table}
    rest = {key: value for key, value in table.items() if key not in SETTINGS}
    return _made(MixOptions(), rest, where, more=tuple(SETTINGS)), settings


def run_of(recipe: MixOptions | str | Path | None) -> tuple[MixOptions, dict[str, Any]]:
    """Return the options of a recipe, or of a file with one, and the settings of its run; the folder of a file that names
    none is called like it. Raises InputError or UsageError, also for a file whose tables are about other commands.
    """
    if recipe is None or isinstance(recipe, MixOptions):
        return recipe or MixOptions(), {}
    path = Path(recipe)
    tables = read(path)
    if tables and "mix" not in tables:
        raise UsageError(
            f"{path} has no table [mix], but {listed(f'[{name}]' for name in tables)}: {typed('synth', 'run', path)}"
        )
    options, settings = mix_run(tables.get("mix", {}), str(path))
    return options, {"out": path.stem, **settings}


def options(command: str, table: Mapping[str, Any], where: str) -> Options:
    """Return the options of any command's table; errors as in :func:`mix_options`."""
    return _made(_OPTIONS[command](), table, where)


def of_folder(path: Path) -> Options:
    """Return the options in the recipe.toml of an output folder: its one table says which command made it."""
    tables = read(path)
    command = next(iter(tables), MixOptions.command)
    return options(command, tables.get(command, {}), str(path))


def over(base: _Kind, given: Mapping[str, object], where: str) -> _Kind:
    """Return options with those that were given from Python over them; None is not given.

    ``where`` begins the message. Raises UsageError for unknown names and values that are not of the option's kind.
    """
    return _made(base, {name: value for name, value in given.items() if value is not None}, where, "option")


def read_value(name: str, value: object, kind: kinds.Kind, where: str) -> Any:  # noqa: ANN401  # any option's value
    """Return a value in the one form of its kind. Raises UsageError naming what was found and what is wanted."""
    try:
        return kind.read(value)
    except ValueError:
        raise UsageError(f"{where}: {name} = {value!r} ({type(value).__name__}); wanted {kind.wanted}") from None


def kinds_of(command: str) -> dict[str, kinds.Kind]:
    """Return the kinds of a command's options by their names with underscores; none where it has no such options."""
    options = ManifestOptions if command == "manifest" else MixOptions
    known = {one.name: one.metadata["kind"] for one in fields(options)}
    return known | SETTINGS if command in ("mix", "split", "plan", "manifest") else {}


def _made(base: _Kind, table: Mapping[str, object], where: str, what: str = "key", more: tuple[str, ...] = ()) -> _Kind:
    known = {one.name: one.metadata["kind"] for one in fields(base)}
    changes: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            names = (*known, *more)
            raise UsageError(
                f"{where}: unknown {what} '{key}'{nearest(name, names) or '.'} Known {what}s: {', '.join(names)}"
            )
        changes[name] = read_value(key, value, known[name], where)
    return replace(base, **changes)


def written(options: Options, header: str) -> str:
    """Return the TOML text of resolved options, every default written out; None is left out, as TOML has no null."""
    lines = [f"# {line}" for line in header.splitlines()] + [f"[{options.command}]"]
    for name, value in asdict(options).items():
        if value is None:
            continue
        text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
        lines.append(
            f"{name.replace('_', '-')} = {text}".replace("\x7f", "\\u007f")
        )  # all that TOML escapes and JSON does not
    return "\n".join(lines) + "\n"
