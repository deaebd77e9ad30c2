"""The shortcut audit: what correlates with a class without being it must not tell it.

Three ways lead to a shortcut, and each is looked at where it shows:

- how the clip was put together: level, DC, bandwidth and noise floor of the clips themselves;
- which recordings a class was given: bandwidth, noise floor and corpus of the recordings, one speaker at a time and
  within his sex (so that nothing in it comes from summing, and a woman's brighter voice does not count);
- the order of the parts: the loudest speaker, or a sex, first more often than by chance.

Some of it cannot be got rid of: the sum of three voices is hardly ever as bright, as dull or as free of rumble as one
voice can be, and has fewer pauses to measure. So honest clips of 1 to 3 speakers (LibriSpeech, RAVDESS, both or the
demo voices, 1 s and 3 s) tell n by their bandwidth in 37 to 44 %, by their DC in 34 to 42 %, by their noise floor in 31
to 41 %, where chance is 33 %. For these three the bar lies above what the sum of the bare voices, made again from the
recordings, tells; where the recordings are not at hand, 0.15 above chance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.checking.features import Features
from synth.checking.findings import Finding
from synth.checking.predict import Accuracy, accuracy, pooled
from synth.checking.rows import Clips
from synth.checking.statistics import chi_square_tail

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Told = dict[str, tuple[Accuracy | None, float | None]]  # accuracy, and how much of it is inherent

MARGIN = 0.03  # a barred number may beat chance by so much, or by 3.5 standard errors where these are more
UNSURE = 0.15  # likewise where it is not known how much is inherent
IMPROBABLE = 1e-4  # of all tests of a finding together
SAYS = {
    "level": "loudness (RMS)",
    "dc": "DC (mean sample)",
    "bandwidth": "the bandwidth",
    "floor": "the noise floor",
    "peak": "the peak",
    "crest": "the crest factor",
    "active": "the share of active time",
}
INHERENT = ("dc", "bandwidth", "floor")
REPORTED = ("peak", "crest", "active")


def clips(found: Features, bare: Features | None, n: Ints, cell: Ints, rows: Ints) -> dict[str, Told]:
    """Return by name of a number how well it tells the classes of clips: ``n`` and ``cell`` (clips,).

    ``bare``: features of the sums of the voices alone (of clips in which nobody speaks, of their background), made again;
    None where the recordings are not at hand. Clips in which nobody speaks are nothing but background, so they do not take
    part in bandwidth and noise floor, and their DC is compared with that of all other clips.
    """
    out: dict[str, Told] = {}
    for name in SAYS:
        values = _spoken(getattr(found, name), name, n)
        told: Told = {}
        for target, classes in (("n_speakers", n), ("cell", cell)):
            inherent: float | None = 0.0
            one = accuracy(values, classes, rows)
            if name in INHERENT:
                same = bare is None or np.array_equal(values, _spoken(getattr(bare, name), name, n), equal_nan=True)
                other = one if same else accuracy(_spoken(getattr(bare, name), name, n), classes, rows)
                inherent = None if bare is None else other.accuracy if other else 0.0
            told[target] = one, inherent
        if name == "dc" and (n == 0).any():
            speaks = (n > 0).astype(np.int64)
            other = None if bare is None else accuracy(bare.dc, speaks, rows)
            told["somebody speaks"] = accuracy(found.dc, speaks, rows), other.accuracy if other else None
        out[name] = told
    return out


def _spoken(values: Floats, name: str, n: Ints) -> Floats:
    return np.where(n > 0, values, np.nan) if name in INHERENT else values


def leftover(rest: Floats, n: Ints, cell: Ints, rows: Ints) -> Told:
    """Return how well the level of what is not voice tells the classes of clips in which somebody speaks.

    ``rest`` (clips,): level of the clip less its re-made voices over the level of the clip, in dB. It finds background
    that is laid under one class even where the class has no pauses.
    """
    values = _spoken(rest, "floor", n)
    return {
        "n_speakers from what is not voice": (accuracy(values, n, rows), 0.0),
        "cell from what is not voice": (accuracy(values, cell, rows), 0.0),
    }


def recordings(all_clips: Clips, values: Floats, kinds: bool = False) -> Told:
    """Return how well a number of a recording (sources,) tells the classes of the clips that it was put into."""
    part = np.nonzero(all_clips.speaks & all_clips.known)[0]
    source, owner = all_clips.source[part], all_clips.clip_of_part[part]
    sex = all_clips.sources.sex[source]
    told: Told = {}
    for target, classes in (("n_speakers", all_clips.n), ("cell", all_clips.cell)):
        groups = [
            accuracy(values[source[here]], classes[owner[here]], owner[here], kinds=kinds)
            for here in (sex == code for code in (0, 1, -1))
            if here.any()
        ]
        told[f"{target} from one recording"] = pooled(groups), 0.0
    return told


def finding(name: str, what: str, told: Told, barred: bool = True) -> Finding:
    """Judge accuracies against chance and what is inherent, or only report them."""
    figures: dict[str, Any] = {}
    words, holds = [], True
    for target, (one, inherent) in told.items():
        if one is None:
            continue
        figures[target] = {
            "accuracy": round(one.accuracy, 4),
            "chance": round(one.chance, 4),
            "standard_error": round(one.error, 4),
            "clips": one.clips,
        }
        text = f"{_named(target)} {_percent(one.accuracy)} right (chance {_percent(one.chance)}"
        if barred:
            bar = one.bar(UNSURE) if inherent is None else one.bar(MARGIN, inherent)
            figures[target]["bar"] = round(bar, 4)
            holds &= one.accuracy <= bar
            if inherent:
                figures[target]["inherent"] = round(inherent, 4)
                text += f", the bare voices {_percent(inherent)}"
            text += f", at most {_percent(bar)}"
        words.append(text + ")")
    claim = f"shortcut-{name}"
    if not words:
        return Finding(claim, None, f"{what}: too few clips or classes to tell", figures)
    return Finding(claim, holds if barred else None, f"guessing from {what} alone: {'; '.join(words)}", figures)


def _named(target: str) -> str:
    """Return what is guessed, for people."""
    for name, words in (("n_speakers", "number of speakers"), ("cell", "class"), ("somebody", "whether somebody")):
        if target.startswith(name):
            return words + target.removeprefix(name)
    return target


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def order(all_clips: Clips, level_db: Floats) -> Finding:
    """Check that neither the loudest speaker nor a sex has a favourite place among the parts.

    ``level_db`` (parts,): level of each part in its clip. Pearson's chi-square for each number of speakers, by place; ties
    for the loudest are shared out.
    """
    speaks = all_clips.speaks
    owner = all_clips.clip_of_part[speaks]
    sex = all_clips.of_source(all_clips.sources.sex, -1)[speaks]
    count = np.bincount(owner, minlength=len(all_clips))
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    level = np.nan_to_num(level_db[speaks], nan=-999.0)
    tests: list[tuple[str, float, int, list[float]]] = []
    for n in np.unique(count[count > 1]).tolist():
        at = first[count == n][:, None] + np.arange(n)
        top = level[at] >= level[at].max(axis=1, keepdims=True) - 1e-6
        by_place = (top / top.sum(axis=1, keepdims=True)).sum(axis=0)
        tests.append((f"the loudest of {n}", *_even(by_place, len(at) / n), [round(x, 1) for x in by_place.tolist()]))
        female = sex[at] == 0
        mixed = female.any(axis=1) & ~female.all(axis=1)
        if mixed.any():
            f = female[mixed].sum(axis=1)
            spread = float((f * (n - f)).sum()) / (n * (n - 1))  # a place's variance × n / (n - 1)
            places = female[mixed].sum(axis=0).astype(np.float64)
            x = float(((places - places.mean()) ** 2).sum() / spread) if spread else 0.0
            tests.append((f"women among {n}", x, n - 1, places.tolist()))
    if not tests:
        return Finding("shortcut-order", None, "no clip has two speakers", {})
    p = [chi_square_tail(x, degrees) * len(tests) for _, x, degrees, _ in tests]
    worst = int(np.argmin(p))
    name, _, _, places = tests[worst]
    says = (
        f"the place among the parts of {name} is uneven with p = {min(p[worst], 1):.2g} ({len(tests)} tests together), "
        f"wanted at least {IMPROBABLE:g}; clips by place: {', '.join(f'{x:,.0f}' for x in places)}"
    )
    figures = {name: {"by_place": places, "chi_square": round(x, 2)} for name, x, _, places in tests}
    return Finding("shortcut-order", p[worst] >= IMPROBABLE, says, figures)


def _even(counts: Floats, expected: float) -> tuple[float, int]:
    return float(((counts - expected) ** 2).sum() / expected) if expected else 0.0, len(counts) - 1
