"""Which clip and which label a table means: by the exact name, or else by one that differs only in how it is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth.errors import InputError
from synth.store.arrays import as_numpy

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips that a table may speak of: their ids (root, slash, path) and paths, row by row."""

    ids: Sequence[str]
    paths: Sequence[str]


def labels_of(given: pa.ChunkedArray, labels: Sequence[str]) -> Ints:
    """Return which of ``labels`` each name is, -1 for none: the same, or the only one that differs in case or spaces alone.

    Where a label is given by its exact name, other spellings of it are other names.
    """
    out = _exact(given, labels)
    if (out >= 0).all():
        return out
    folded: dict[str, list[int]] = defaultdict(list)
    for k, name in enumerate(labels):
        folded[_folded(name)].append(k)
    exact = set(np.unique(out[out >= 0]).tolist())
    rest = pc.unique(given.filter(pa.array(out < 0))).to_pylist()
    spelt: dict[int, list[str]] = defaultdict(list)
    for name in rest:
        found = folded.get(_folded(str(name)), []) if name is not None else []
        if len(found) == 1 and found[0] not in exact:
            spelt[found[0]].append(str(name))
    known = {names[0]: k for k, names in spelt.items() if len(names) == 1}
    return _also(out, given, known)


def clips_of(path: Path, given: pa.ChunkedArray, key: str, clips: Clips) -> Ints:
    """Return which clip each name of the column ``key`` (source_id or path) is about, -1 for none.

    A name is an id or a path; a path may begin with folders above the root (the same ones for all clips of a root), lack
    folders where only one clip ends so, or be written with backslashes. Raises InputError for a path that several clips
    have.
    """
    out = _exact(given, clips.ids)
    if key == "path":  # a path that reads like another clip's id is a path
        by_path = _exact(given, clips.paths)
        out = np.where(by_path >= 0, by_path, out)
        twice = {name for name, count in Counter(clips.paths).items() if count > 1}
        if twice:
            used = [name for name in pc.unique(given).to_pylist() if name in twice]
            if used:
                raise InputError(
                    f"{path} names clips by path, and {used[0]} is in two roots of the sources; name them by source_id"
                )
    if (out >= 0).all():
        return out
    rest = [name for name in pc.unique(given.filter(pa.array(out < 0))).to_pylist() if name is not None]
    known = _with_folders(rest, clips)
    known |= _without_folders(path, [name for name in rest if name not in known], clips)
    return _also(out, given, known)


def _with_folders(names: Sequence[str], clips: Clips) -> dict[str, int]:
    """Return the clips of paths that begin with folders above the root: of each root those with its commonest folders."""
    ids = {name: k for k, name in enumerate(clips.ids)}
    count = Counter(clips.paths)
    paths = {name: k for k, name in enumerate(clips.paths) if count[name] == 1}
    found: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))  # root, folders, name
    for name in names:
        text = _slashed(name)
        parts = text.split("/")
        for k in range(len(parts)):
            tail = "/".join(parts[k:])
            which = ids.get(tail, paths.get(tail))
            if which is not None:
                root = clips.ids[which].removesuffix(clips.paths[which])
                above = text.removesuffix(clips.paths[which]).removesuffix(root)
                found[root][above][name] = which
                break
    return {name: which for by in found.values() for name, which in max(by.values(), key=len).items()}


def _without_folders(path: Path, names: Sequence[str], clips: Clips) -> dict[str, int]:
    """Return the clips whose paths end like these, each the only one. Raises InputError for an end that several have."""
    ends: dict[str, list[int]] = defaultdict(list)
    if names:
        for k, one in enumerate(clips.paths):
            ends[one.rpartition("/")[2]].append(k)
    out = {}
    for name in names:
        text = "/" + _slashed(name)
        alike = [k for k in ends.get(text.rpartition("/")[2], ()) if ("/" + clips.paths[k]).endswith(text)]
        if len(alike) > 1:
            raise InputError(
                f"{path}: {name} may be {clips.ids[alike[0]]} or {clips.ids[alike[1]]}; name the clips by source_id"
            )
        if alike:
            out[name] = alike[0]
    return out


def _exact(given: pa.ChunkedArray, known: Sequence[str]) -> Ints:
    at = pc.index_in(given, value_set=pa.array(list(known), pa.string()))
    return np.asarray(as_numpy(pc.fill_null(at, -1).combine_chunks(), np.int32), np.int64)


def _also(out: Ints, given: pa.ChunkedArray, known: dict[str, int]) -> Ints:
    if not known:
        return out
    at = _exact(given, list(known))
    return np.where((out < 0) & (at >= 0), np.array(list(known.values()), np.int64)[at], out)


def _folded(name: str) -> str:
    return " ".join(normalize("NFC", name).casefold().split())


def _slashed(name: str) -> str:
    text = name.strip().replace("\\", "/")
    while text.startswith("./"):
        text = text[2:]
    return text
