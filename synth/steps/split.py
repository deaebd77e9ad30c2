"""``synth split``: give each group of SOURCES a split, and prove that no group, chapter or recording is in two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from synth.errors import InfeasibleError, InputError, listed
from synth.planning import split as splitting
from synth.planning.request import clip_counts
from synth.planning.request import speakers as speaker_counts
from synth.recipe import MixOptions, over
from synth.steps.keywords import Clips, Shares, Speakers
from synth.steps.opened import read_sources
from synth.steps.progress import Progress, silent
from synth.steps.results import Result
from synth.store import arrays, atomic, parquet
from synth.tables import NOISE, SPLITS

MADE_BY = "synth index PATH -o sources.parquet"
BY_SHARE = "80/10/10"


@dataclass(frozen=True, slots=True, repr=False)
class Split(Result):
    """A SOURCES table with splits, and the proof: groups by (split, sex), and what is shared between splits (nothing).

    ``how``: the split, as --split takes it; ``told``: nobody asked for it, and it is that of the table that describes the
    recordings.
    """

    table: pa.Table
    groups: dict[tuple[str, str], int]
    shared: dict[str, list[str]]
    without: int
    told: bool = False
    how: str = BY_SHARE


def split(
    sources: str | Path | pa.Table,
    *,
    split: Shares | None = None,
    speakers: Speakers = "1-3",
    clips: Clips | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    progress: Progress = silent,
) -> Split:
    """Split sources by group: ``80/10/10``, ``subset:NAME=train,…`` or ``given`` (as a CSV said).

    Without ``split`` it is ``given`` where a table of one's own had a column split, else ``80/10/10``.
    A split that is to hold clips of up to n speakers of one sex gets at least n of each. Raises InfeasibleError with the
    numbers and the nearest feasible request when the groups are too few.
    """
    target = atomic.to_file(out, "split.parquet") if out else None
    asked = over(MixOptions(), {"split": split, "speakers": speakers, "clips": clips}, "synth.split()")
    speakers, clips = asked.speakers, None if clips is None else asked.clips
    table = sources if isinstance(sources, pa.Table) else read_sources(Path(sources), MADE_BY)
    groups, told = groups_of(table), asked.split is None and says_split(table)
    how = "given" if told else asked.split or BY_SHARE
    assigned: Mapping[str, str | None]
    if how == "given":
        assigned = given(table)
    elif how.startswith("subset:"):
        voices = [group for group in groups if not group.noise]
        assigned = splitting.by_subset(voices, splitting.parse_subsets(how))
        used = [name for name in SPLITS if name in set(assigned.values())]
        noise = [group for group in groups if group.noise]
        shares = splitting.parse_shares("/".join("1" if name in used else "0" for name in SPLITS))
        assigned = {**assigned, **splitting.by_share(noise, shares, seed, {})}
    else:
        shares = splitting.parse_shares(how)
        assigned = splitting.by_share(groups, shares, seed, _fewest(speakers, clips, list(shares)))
    done, proof = with_splits(table, assigned, how)
    counts = Counter((assigned[group.group_id] or "none", group.sex or "none") for group in groups if not group.noise)
    if target:
        parquet.write(done, target)
    return Split(done, dict(counts), proof, done.column("split").null_count, told, how)


def says_split(table: pa.Table) -> bool:
    """Tell whether a table of one's own named splits: the column is there, and no split was made since."""
    if "split" in parquet.metadata(table.schema):
        return False
    pairs = zip(table.column("split").to_pylist(), table.column("status").to_pylist(), strict=True)
    return any(name is not None and status == "ok" for name, status in pairs)


def with_splits(
    table: pa.Table, assigned: Mapping[str, str | None], split: str
) -> tuple[pa.Table, dict[str, list[str]]]:
    """Return SOURCES with the split of each group filled in, and the proof that splits share nothing.

    ``split`` is how that was asked for. Raises InfeasibleError naming what would be in two splits.
    """
    ids = table.column("group_id").to_pylist()
    status = table.column("status").to_pylist()
    names = [assigned.get(group) if state == "ok" else None for group, state in zip(ids, status, strict=True)]
    position = table.schema.get_field_index("split")
    done = table.set_column(position, table.schema.field("split"), arrays.texts(names))
    done = done.replace_schema_metadata({**parquet.metadata(done.schema), "split": split})  # for the recipe of the plan
    proof = shared(done)
    if any(proof.values()):
        torn = "; ".join(f"{len(v)} {k} ({v[0]})" for k, v in proof.items() if v)
        raise InfeasibleError(
            f"--split {split} puts the same {torn} into two splits; give what belongs together one group_id (in the CSV)"
        )
    return done, proof


def shared(table: pa.Table) -> dict[str, list[str]]:
    """Return the groups, speakers, chapters and recordings (by samples) that are in more than one split: none, if sound."""
    split = table.column("split").to_pylist()
    corpus = table.column("corpus").to_pylist()
    out = {}
    for column in ("group_id", "speaker_id", "chapter", "pcm_sha256"):
        seen: dict[str, str] = {}
        twice = []
        for value, name, where in zip(table.column(column).to_pylist(), split, corpus, strict=True):
            if value is None or name is None:
                continue
            key = f"{where}/{value}" if column == "chapter" else value
            if seen.setdefault(key, name) != name:
                twice.append(key)
        out[column] = sorted(set(twice))
    return out


def _fewest(text: str, clips: str | None, names: list[str]) -> dict[str, int]:
    """Return the fewest speakers of each sex by split: as many as one clip may hold, in the splits that get clips."""
    _, most = speaker_counts(text)
    wanted = clip_counts(clips) if clips else dict.fromkeys(names, 1)
    return {name: most if name in wanted else 0 for name in names}


def groups_of(table: pa.Table) -> list[splitting.Group]:
    """Return the groups that have a usable recording."""
    columns = ("group_id", "sex", "corpus", "subset", "status")
    found: dict[str, dict[str, set[str]]] = {}
    for group, sex, corpus, subset, status in zip(*(table.column(c).to_pylist() for c in columns), strict=True):
        if status != "ok" or group is None:
            continue
        entry = found.setdefault(group, {"sex": set(), "corpus": set(), "subset": set()})
        for key, value in (("sex", sex), ("corpus", corpus), ("subset", subset)):
            if value is not None:
                entry[key].add(value)
    return [
        splitting.Group(
            group_id=name,
            sex=next(iter(entry["sex"])) if len(entry["sex"]) == 1 else None,
            corpus=min(entry["corpus"]),
            subsets=tuple(sorted(entry["subset"])),
            noise=entry["corpus"] == {NOISE},
        )
        for name, entry in sorted(found.items())
    ]


def given(table: pa.Table) -> dict[str, str | None]:
    """Return the split that the sources themselves name, by group. Raises InputError for a group that is given two."""
    out: dict[str, str | None] = {}
    torn = []
    columns = ("group_id", "split", "status")
    for group, name, status in zip(*(table.column(column).to_pylist() for column in columns), strict=True):
        if status != "ok":
            continue
        before = out.setdefault(group, name)
        if before is None:
            out[group] = name
        elif name is not None and name != before:
            torn.append(f"{group} ({before}, {name})")
    if torn:
        raise InputError(
            f"--split given: {listed(dict.fromkeys(torn))} in two splits; a group (a speaker, a video) must be in one. "
            "Change the column split of the CSV, or split by share (80/10/10)"
        )
    return out
