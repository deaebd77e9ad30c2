"""Material: where the samples of a plan's sources come from, each recording checked against its hash first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np

from synth.audio import arena
from synth.audio.cache import Cache, Place, Stamp
from synth.audio.decode import seeks
from synth.audio.measured import Measured
from synth.errors import InputError, UnlikeError
from synth.steps import roots as where
from synth.steps.opened import Opened
from synth.steps.progress import Progress
from synth.store import atomic

SPARSE = 0.2  # clip seconds per corpus second below which reading windows is cheaper than decoding everything


def material(
    opened: Opened, given: Mapping[str, Path], progress: Progress, doubted: Collection[int] = ()
) -> tuple[dict[str, Place], dict[str, Path]]:
    """Return by source_id where its samples are: in the arena, or in a file; ``given`` says where roots lie now.

    ``doubted`` are rows of SOURCES whose files are read to be hashed, even where nothing shows that they changed.
    Raises UnlikeError naming the recordings that are missing or are not those the plan was made for, InputError where a root
    is not to be found.
    """
    with Cache() as cache:
        return _samples(cache, opened, where.located(cache, _roots_used(opened), given), progress, frozenset(doubted))


def _roots_used(opened: Opened) -> list[str]:
    names = opened.sources.column("root").to_pylist()
    return sorted({names[k] for k in np.nonzero(opened.used)[0].tolist()})


def _samples(
    cache: Cache, opened: Opened, folders: Mapping[str, Path], progress: Progress, doubted: frozenset[int]
) -> tuple[dict[str, Place], dict[str, Path]]:
    """Check every used source against its hash, and return where its samples are: in the arena, or in the file."""
    rate = opened.options.rate
    columns = ("source_id", "root", "path", "sha256", "frames", "rate_hz", "format")
    rows = list(zip(*(opened.sources.column(name).to_pylist() for name in columns), strict=True))
    numbers = np.nonzero(opened.used)[0].tolist()
    used = [rows[k] for k in numbers]
    paths = {row[0]: folders[row[1]] / row[2] for row in used}
    _check_hashes(cache, used, paths, progress, {rows[k][0] for k in numbers if k in doubted})
    places = arena.present(cache.places(rate), rate)
    missing = [row for row in used if row[3] not in places]
    clip_s = float(opened.used.sum()) * opened.length_n / rate
    corpus_s = sum(row[4] / row[5] for row in missing)
    plain = all(row[5] == rate and seeks(row[6] or "") for row in missing)
    if (
        missing
        and not (plain and clip_s < SPARSE * corpus_s)
        and arena.fits(sum(paths[r[0]].stat().st_size for r in missing))
    ):
        _fill_arena(cache, [(row[3], paths[row[0]]) for row in missing], rate, progress)
        places = arena.present(cache.places(rate), rate)
    inside = {row[0]: places[row[3]] for row in used if row[3] in places}
    return inside, {row[0]: paths[row[0]] for row in used if row[0] not in inside}


def _check_hashes(
    cache: Cache,
    used: Iterable[tuple[str, str, str, str, int, int, str]],
    paths: Mapping[str, Path],
    progress: Progress,
    doubted: Collection[str],
) -> None:
    """Raise UnlikeError naming the sources that are missing or differ from those the plan was made for."""
    rows = list(used)
    there: list[tuple[str, str]] = []  # source_id and wanted hash of the files that are there
    stamps: list[Stamp] = []
    missing = []
    for row in rows:
        try:
            stamps.append(Stamp.of(paths[row[0]]))
            there.append((row[0], row[3]))
        except OSError:
            missing.append(row[0])
    known = cache.hashes(stamps)
    changed: dict[str, str] = {}
    fresh = []
    for k, ((name, wanted), stamp_, sha) in enumerate(zip(there, stamps, known, strict=True)):
        found = None if name in doubted else sha
        if found is None:
            try:
                found = sha256(Path(stamp_.path).read_bytes()).hexdigest()
            except OSError as error:
                raise InputError(f"{name} cannot be read ({error.strerror}). Put the original file back") from error
            fresh.append((stamp_, found))
            progress("checking sources", k + 1, len(there))
        if found != wanted:
            changed[name] = f"{name} (sha256 {found[:12]}, the plan was made with {wanted[:12]})"
    cache.remember_hashes(fresh)
    if changed or missing:
        raise UnlikeError(len(rows), missing, changed)


def _fill_arena(cache: Cache, missing: list[tuple[str, Path]], rate: int, progress: Progress) -> None:
    step = 128
    for first in range(0, len(missing), step):
        chunk = missing[first : first + step]
        results = arena.measure_chunk([path for _, path in chunk], rate, keep=atomic.replacing)
        rows: list[tuple[Stamp, Measured, Place | None]] = []
        for (_, path), (fact, place) in zip(chunk, results, strict=True):
            rows.append((Stamp.of(path), fact, place))
        cache.remember(rate, rows)
        progress("decoding sources", min(first + step, len(missing)), len(missing))
