"""Recipes: the options of a data set, their defaults, and the TOML file that holds them.

An option on the command line wins over the recipe, the recipe over the default. What is resolved is written out in
full, so that an output folder says everything that made it, and nothing about the machine it was made on.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from synth.errors import InputError, UsageError, listed, nearest


@dataclass(frozen=True, slots=True)
class MixOptions:
    """The options of ``synth mix``; ``content`` ones change a sample or a label, the others do not."""

    command: ClassVar[str] = "mix"

    speakers: str = "1-3"
    source: tuple[str, ...] = ()
    csv: str | None = None
    noise: str | None = None
    clips: str = "3600/360/360"
    seconds: float = 1.0
    rate: int = 16000
    balance: str = "nested"
    split: str = "80/10/10"
    seed: int = 0
    min_active: float | None = None
    sir_db: float = 5.0
    level_dbfs: str = "-33:-22"
    overlap: str = "full"
    snr_db: str = "0:20"
    store: str = "parquet"
    codec: str = "wav"
    stems: bool = False

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

    sources: str | None = None
    label: tuple[str, ...] = ()
    verdicts: str | None = None
    min_verdict: str = "keep"
    windows: str = "start"
    split: str = "80/10/10"
    seconds: float = 10.0
    rate: int = 48000
    seed: int = 0
    store: str = "parquet"
    codec: str = "wav"

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
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str,),
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float),
    "bool": (bool,),
    "tuple[str, ...]": (list, str),
}
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
    return _made(MixOptions, table, where)


def options(command: str, table: Mapping[str, Any], where: str) -> Options:
    """Return the options of any command's table; errors as in :func:`mix_options`."""
    return _made(_OPTIONS[command], table, where)


def of_folder(path: Path) -> Options:
    """Return the options in the recipe.toml of an output folder: its one table says which command made it."""
    tables = read(path)
    command = next(iter(tables), MixOptions.command)
    return options(command, tables.get(command, {}), str(path))


def _made(kind: type[_Kind], table: Mapping[str, Any], where: str) -> _Kind:
    known = {field.name: str(field.type) for field in fields(kind)}
    changes: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise UsageError(
                f"{where}: unknown key '{key}'{nearest(name, known) or '.'} Known keys: {', '.join(known)}"
            )
        changes[name] = _checked(key, value, _KINDS[known[name]], where)
    return kind(**changes)


def _checked(key: str, value: Any, kinds: tuple[type, ...], where: str) -> Any:  # noqa: ANN401  # any TOML value
    """Return a recipe's value in the type of its option. Raises UsageError."""
    fits = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if isinstance(value, list):
        fits = fits and all(isinstance(one, str) for one in value)
    if not fits:
        wanted = "a list of texts" if list in kinds else " or ".join(kind.__name__ for kind in kinds)
        raise UsageError(f"{where}: {key} = {value!r} is a {type(value).__name__}; wanted {wanted}")
    if list in kinds:
        return (value,) if isinstance(value, str) else tuple(value)
    return float(value) if float in kinds else value


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
