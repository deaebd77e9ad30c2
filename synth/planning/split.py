"""Which group goes to which split: whole groups only, alike in sex and corpus, over all sources together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from synth.errors import InfeasibleError, InputError, UsageError, listed
from synth.planning.cells import laid_out
from synth.seeds import draw, key
from synth.tables import SPLITS
from synth.units import counted

_KIND = {"F": "female speaker", "M": "male speaker", "": "group without a sex"}


@dataclass(frozen=True, slots=True)
class Group:
    """What a split must not tear apart: a speaker with all recordings, a noise file, a video."""

    group_id: str
    sex: str | None
    corpus: str
    subsets: tuple[str, ...]
    noise: bool = False


def parse_shares(text: str) -> dict[str, Fraction]:
    """Parse ``80/10/10`` to shares by split; a zero means that there is no such split. Raises UsageError."""
    fields = text.split("/")
    try:
        values = [Fraction(field) for field in fields]
    except (ValueError, ZeroDivisionError):
        values = []
    if len(values) != len(SPLITS) or min(values, default=-1) < 0 or sum(values) <= 0:
        raise UsageError(
            f"--split {text}: wanted three shares such as 80/10/10 (train/val/test), or subset:NAME=train,…"
        )
    return {name: value / sum(values) for name, value in zip(SPLITS, values, strict=True) if value > 0}


def parse_subsets(text: str) -> dict[str, str]:
    """Parse ``subset:dev-clean=val,train-clean-100=train`` to a split by subset. Raises UsageError."""
    out: dict[str, str] = {}
    for pair in text.removeprefix("subset:").split(","):
        subset, equals, split = pair.partition("=")
        if not equals or split not in SPLITS or not subset or subset in out:
            raise UsageError(
                f"--split {text}: '{pair}' is not understood; wanted subset:NAME=SPLIT,… with a split of "
                f"{', '.join(SPLITS)}, each subset once"
            )
        out[subset] = split
    return out


def by_share(
    groups: Sequence[Group], shares: Mapping[str, Fraction], seed: int, fewest: Mapping[str, int]
) -> dict[str, str]:
    """Return the split of each group by id, from shares and the fewest speakers of each sex that a split needs.

    Speakers are dealt sex by sex, in a keyed order within each corpus, by an evenly laid out sequence of splits, so that
    each corpus is cut alike. Raises InfeasibleError with the numbers when there are too few.
    """
    out: dict[str, str] = {}
    by_sex = {
        sex: [group for group in groups if not group.noise and (group.sex or "") == sex] for sex in ("F", "M", "")
    }
    rarer = min((len(members) for sex, members in by_sex.items() if sex and members), default=0)
    for sex, members in by_sex.items():
        if sex and members:
            _check(len(members), rarer, sex, shares, fewest)
        out |= _dealt(members, shares, seed, {split: fewest.get(split, 1) if sex else 0 for split in shares})
    noise = [group for group in groups if group.noise]
    if noise and len(noise) < len(shares):
        raise InfeasibleError(
            f"{counted(len(noise), 'noise recording')} for {counted(len(shares), 'split')} ({', '.join(shares)}): each split needs its own, "
            "or the test set is heard in training. Add recordings, or ask for fewer splits (a zero in --split and --clips)"
        )
    return out | _dealt(noise, shares, seed, dict.fromkeys(shares, 1))


def counts(total: int, shares: Mapping[str, Fraction], fewest: Mapping[str, int]) -> dict[str, int]:
    """Return whole numbers that add up to ``total``, by share, none below its ``fewest`` (which together fit).

    Splits whose share is too small get their fewest; the rest is shared among the others by largest remainder.
    """
    fixed: dict[str, int] = {}
    while True:
        free = {split: share for split, share in shares.items() if split not in fixed}
        left = total - sum(fixed.values())
        whole = sum(free.values())
        short = [split for split, share in free.items() if share / whole * left < fewest.get(split, 0)]
        if not short:
            break
        fixed |= {split: fewest[split] for split in short}
        if len(fixed) == len(shares):
            last = max(shares, key=lambda split: shares[split])
            fixed[last] += total - sum(fixed.values())
            break
    out = dict(fixed)
    if free:
        exact = {split: share / whole * left for split, share in free.items()}
        floors = {split: int(value) for split, value in exact.items()}
        order = sorted(free, key=lambda split: (floors[split] - exact[split], SPLITS.index(split)))
        for split in order[: left - sum(floors.values())]:
            floors[split] += 1
        out |= floors
    return {split: out[split] for split in shares}


def _check(have: int, rarer: int, sex: str, shares: Mapping[str, Fraction], fewest: Mapping[str, int]) -> None:
    """Raise InfeasibleError when ``have`` speakers of a sex are too few; of the rarer sex there are ``rarer``."""
    need = {split: fewest.get(split, 1) for split in shares}
    wanted = sum(need.values())
    if have >= wanted:
        return
    most = max(need.values())
    advice = []
    if rarer // len(need) >= 1:
        advice.append(
            f"--speakers up to {rarer // len(need)} with {'this split' if len(need) == 1 else f'these {len(need)} splits'}"
        )
    if most <= rarer and len(need) > 1:
        advice.append(f"{counted(rarer // most, 'split')} with up to {counted(most, 'speaker')} (a zero in --split)")
    raise InfeasibleError(
        f"{counted(have, f'{_KIND[sex]} is', f'{_KIND[sex]}s are')} too few: {', '.join(f'{n} for {split}' for split, n in need.items())} make {wanted}, "
        f"because a clip may hold {most} of one sex and no speaker may be in two splits. "
        f"Nearest feasible: {'; or '.join(advice) or 'none: add speakers'}"
    )


def _dealt(
    members: Sequence[Group], shares: Mapping[str, Fraction], seed: int, fewest: Mapping[str, int]
) -> dict[str, str]:
    if not members:
        return {}
    order = sorted(members, key=lambda group: (group.corpus, _keyed(seed, group.group_id)))
    numbers = counts(len(order), shares, fewest)
    names = [split for split in numbers if numbers[split]]
    sequence = laid_out([numbers[name] for name in names])
    return {group.group_id: names[k] for group, k in zip(order, sequence.tolist(), strict=True)}


def _keyed(seed: int, group_id: str) -> tuple[int, str]:
    return int(draw(key(seed, "split", group_id), np.zeros(1, np.int64))[0]), group_id


def by_subset(groups: Sequence[Group], mapping: Mapping[str, str]) -> dict[str, str | None]:
    """Return the split of each group by the corpus' own subset; None where the subset is not named.

    Raises InputError for a subset that does not exist, or a group in subsets of two splits.
    """
    known = sorted({subset for group in groups for subset in group.subsets})
    unknown = [subset for subset in mapping if subset not in known]
    if unknown:
        raise InputError(f"--split: no subset {listed(unknown)}; these sources have {listed(known) or 'none'}")
    out: dict[str, str | None] = {}
    torn = []
    for group in groups:
        splits = sorted({mapping[subset] for subset in group.subsets if subset in mapping})
        if len(splits) > 1:
            torn.append(f"{group.group_id} ({', '.join(splits)})")
        out[group.group_id] = splits[0] if splits else None
    if torn:
        raise InputError(
            f"--split: {counted(len(torn), 'speaker is', 'speakers are')} in subsets of two splits: {listed(torn)}. "
            "Put these subsets into one split, or split by share (80/10/10)"
        )
    return out
