"""Roots: the names under which folders appear in tables, and where these folders lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from synth import demo
from synth.audio.cache import Cache
from synth.corpora import Place
from synth.corpora.walk import shown
from synth.errors import InputError, UsageError, typed

DEMO = "demo-voices"
TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")  # what may describe recordings


Root = Place  # a folder of recordings, its name in the tables, and how it was given


def named(
    cache: Cache,
    paths: Sequence[str | Path],
    noise: Sequence[str | Path] = (),
    given: Mapping[str, Path] | None = None,
) -> list[Root]:
    """Return the roots of paths given as PATH, NAME=PATH, or the name of a root seen before or ``given`` by --root.

    Without a path at all, the demo voices. A name that is taken gets a number. Raises InputError for a missing path.
    """
    roots: list[Root] = []
    known = cache.roots()
    unused = sorted(set(given or {}) - {str(text) for text in (*paths, *noise)})
    if unused:
        raise UsageError(
            f"--root {unused[0]}: no source of that name; the sources are {', '.join(map(str, paths)) or DEMO}"
        )
    for is_noise, text in [*((False, path) for path in paths or [DEMO]), *((True, path) for path in noise)]:
        name, folder = _parsed(str(text), known, given or {})
        if not folder.is_dir():
            raise InputError(_no_folder(folder, is_noise))
        taken = {root.name for root in roots}
        unique = next(n for n in (name, *(f"{name}-{k}" for k in range(2, len(taken) + 3))) if n not in taken)
        roots.append(Root(unique, folder, str(text), is_noise))
    for root in roots:
        cache.remember_root(root.name, root.folder)
    return roots


def _no_folder(folder: Path, is_noise: bool) -> str:
    """Say what is wrong with the path of a root, what was wanted, and what to do."""
    name = shown(str(folder))
    wanted = f"wanted a folder of {'background noise' if is_noise else 'recordings'}"
    if not folder.exists():
        fetch = ". For LibriSpeech: synth fetch-librispeech train-clean-5; then the same command again with LibriSpeech"
        return f"{name} does not exist; {wanted}{'' if is_noise else fetch}"
    if folder.suffix.lower() in TABLES:
        return f"{name} is a file; {wanted}. A table that describes them is given beside it: --csv {name}"
    return f"{name} is a file; {wanted}, e.g. the one that it lies in: {shown(str(folder.parent))}"


def located(cache: Cache, names: Iterable[str], given: Mapping[str, Path]) -> dict[str, Path]:
    """Return where each root lies: as given by --root, else the demo voices, else as remembered.

    Raises UsageError for a --root that no source uses, InputError for a root that is nowhere.
    """
    wanted = list(names)
    for name in given:
        if name not in wanted:
            raise UsageError(f"--root {name}: no such root in these sources; they use {', '.join(wanted) or 'none'}")
    remembered = cache.roots()
    out: dict[str, Path] = {}
    for name in wanted:
        folder = given.get(name) or (demo.folder() if name == DEMO else remembered.get(name))
        if folder is None or not folder.is_dir():
            seen = f"is not at {folder}" if folder else "has not been seen on this machine"
            raise InputError(f"the corpus '{name}' {seen}; say where it lies: {typed('--root', f'{name}=PATH')}")
        out[name] = folder
        if name in given:
            cache.remember_root(name, folder)
    return out


def parse_given(texts: Iterable[str]) -> dict[str, Path]:
    """Parse the values of --root NAME=PATH. Raises UsageError."""
    out = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--root {text}: wanted NAME=PATH, e.g. LibriSpeech=/data/LibriSpeech")
        out[name] = Path(path).expanduser()
    return out


def _parsed(text: str, known: Mapping[str, Path], given: Mapping[str, Path]) -> tuple[str, Path]:
    if text in given:
        return text, given[text]
    if text == DEMO:
        return DEMO, demo.folder()
    path = Path(text).expanduser()
    if path.exists():
        return shown(Path(os.path.abspath(path)).name), path  # noqa: PTH100  # links keep their name, dots go
    name, equals, rest = text.partition("=")
    if equals and name and "/" not in name:
        return name, Path(rest).expanduser()
    return path.name, known.get(text, path)
