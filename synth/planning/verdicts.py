"""What judges said of the labels of recordings, and which labels are kept by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from synth.errors import InputError, UsageError, listed, nearest, typed
from synth.labels import said_of, spelled
from synth.tables import VERDICT_ORDER

UNJUDGED = "unjudged"
NO_LABEL = "recordings without a label"
NOT_REQUESTED = "recordings without a requested label"
BELOW = "recordings with every label below --min-verdict {}"
Judged = Mapping[tuple[str, str], str]  # (source_id, label) to the verdict that counts


@dataclass(slots=True)
class Kept:
    """Labels of recordings after a choice, and what was taken away: recordings by reason, labels by verdict.

    ``judged``: whether any of the labels, kept or not, was judged at all; ``unjudged``: how many of the kept ones were not.
    """

    labels: list[tuple[str, ...]]
    verified: list[tuple[bool, ...]]
    recordings: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    judged: bool = False
    unjudged: int = 0


def counting(rows: Iterable[Mapping[str, str | None]]) -> dict[tuple[str, str], str]:
    """Return the verdict that counts for each (source_id, label): a human's before a model's, a later row's before an earlier.

    Raises InputError for a verdict that is not known.
    """
    out: dict[tuple[str, str], str] = {}
    human: set[tuple[str, str]] = set()
    known = (*VERDICT_ORDER, UNJUDGED)
    for number, row in enumerate(rows, 1):
        what = str(row["source_id"]), str(row["label"])
        if row["verdict"] not in known:
            raise InputError(f"verdicts, row {number}: '{row['verdict']}' of {what}; wanted {', '.join(known)}")
        by_human = row["by"] == "human"
        if by_human or what not in human:
            out[what] = str(row["verdict"])
        if by_human:
            human.add(what)
    return out


def kept(
    ids: Sequence[str],
    labels: Sequence[Sequence[str]],
    asked: Sequence[str],
    judged: Judged | None,
    min_verdict: str,
) -> Kept:
    """Return which labels of each recording are kept: the requested ones (``asked``; none: all), none judged worse than wanted.

    ``judged``: None where no judge was asked. A label without a verdict, or an unjudged one, is kept and not verified: a
    judge that knows nothing takes nothing away. Raises UsageError for a minimum that is no verdict.
    """
    if min_verdict not in VERDICT_ORDER:
        raise UsageError(f"--min-verdict {min_verdict}: wanted one of {', '.join(VERDICT_ORDER)}")
    allowed = (*VERDICT_ORDER[: VERDICT_ORDER.index(min_verdict) + 1], UNJUDGED)
    wanted = set(asked)
    out = Kept([], [])
    for source, mine in zip(ids, labels, strict=True):
        here = sorted({label for label in mine if not wanted or label in wanted})
        said = [judged.get((source, label), UNJUDGED) if judged is not None else "keep" for label in here]
        good = [(label, verdict) for label, verdict in zip(here, said, strict=True) if verdict in allowed]
        out.labels.append(tuple(label for label, _ in good))
        out.verified.append(tuple(verdict == "keep" for _, verdict in good))
        if judged is not None:
            out.verdicts.update(verdict for verdict in said if verdict not in allowed)
            out.judged |= any(verdict != UNJUDGED for verdict in said)
            out.unjudged += said.count(UNJUDGED)
        if not good:
            out.recordings[NO_LABEL if not mine else NOT_REQUESTED if not here else BELOW.format(min_verdict)] += 1
    return out


def named(texts: Sequence[str], known: Mapping[str, str], note: Callable[[str], None]) -> tuple[str, ...]:
    """Return the labels that some texts mean, and say which were spelled otherwise; ``known``: label by name and machine id.

    Raises UsageError for one that no source has, with the nearest.
    """
    meant = {text: spelled(text, known) for text in texts}
    unknown = [text for text, label in meant.items() if label is None]
    if unknown:
        have = sorted(set(known.values()))
        each = [spelled(one.strip(), known) for one in unknown[0].split(",")]
        several = [label for label in each if label is not None]
        if len(several) > 1 and len(several) == len(each):
            flags = typed(*(word for label in several for word in ("--label", label)))
            raise UsageError(f"--label {unknown[0]}: no source has a label of that name; for each of them: {flags}")
        raise UsageError(
            f"--label {unknown[0]}: no source has it{nearest(unknown[0], known) or '.'} These sources have "
            f"{listed(have) or 'no labels at all'}"
        )
    found = {text: label for text, label in meant.items() if label is not None}
    said_of(found, note)
    return tuple(dict.fromkeys(found.values()))
