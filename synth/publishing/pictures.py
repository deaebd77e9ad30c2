"""Pictures of a data set: clips by class, levels and activity, use of the speakers, and an example of each class.

Plain arrays in; out come a PNG file of twice a screen's resolution and, beside it, an SVG file for slides. A colour means
one thing in all of them: a number of speakers, a sex, or nothing (labels). matplotlib is imported when a picture is drawn and never earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.store.atomic import replacing
from synth.tables import SEXES
from synth.units import counted

Floats = NDArray[np.float64]
Pcm = NDArray[np.int16]

# Okabe, Ito: "Color universal design" (2008): told apart with any kind of colour vision
OF_NUMBERS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#F0E442",
)  # 1 speaker, 2 speakers, …, and again from the first
NOBODY = "#000000"
OF_SEXES = {"F": "#CC79A7", "M": "#56B4E9"}
PLAIN = "#5B6770"  # where a colour says nothing
DPI = 220
MOST_CLASSES = 24  # bars in the picture of classes; with more, clips are counted by number of speakers
MOST_EXAMPLES = 12
FLOOR_DB = 70  # the spectrogram's colours span so much below its loudest point
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "synth",
}


def classes(target: Path, counts: Mapping[str, Mapping[str, int]], what: str = "class (sexes of the speakers)") -> Path:
    """Draw the clips of each class (``what`` it is), a panel a split; ``counts``: split, class, clips.

    Where there are many cells, clips are counted by number of speakers.
    """
    names = list(dict.fromkeys(name for cells in counts.values() for name in cells))
    many = len(names) > MOST_CLASSES
    if many:
        counts = {split: _by_number(cells) for split, cells in counts.items()}
        names = list(dict.fromkeys(name for cells in counts.values() for name in cells))
    with _figure(1, max(len(counts), 1), 3.1, 1.1 + 0.26 * len(names), sharey=True) as (figure, axes):
        for ax, (split, cells) in zip(axes[0], counts.items(), strict=False):
            values = [cells.get(name, 0) for name in names]
            ax.barh(names, values, color=[_colour(name) for name in names], height=0.75)
            for k, value in enumerate(values):
                ax.text(value, k, f" {value:,}", va="center", fontsize=8)
            ax.set_title(f"{split}: {counted(sum(values), 'clip')}")
            ax.set_xlim(0, max([*values, 1]) * 1.22)
            ax.tick_params(left=False)
            ax.xaxis.set_major_locator(_ticks(4))
            ax.xaxis.set_major_formatter("{x:,.0f}")
        axes[0][0].invert_yaxis()
        axes[0][0].set_ylabel("number of speakers" if many else what)
        figure.supxlabel("clips", fontsize=10)
        return _saved(figure, target)


def levels(target: Path, level_db: Mapping[str, Floats], active: Mapping[str, Floats]) -> Path:
    """Draw how levels (dBFS) and active shares (0 to 1) are distributed in each class; ``{"1 speaker": (clips,), …}``."""
    with _figure(1, 2, 4.2, 3.1) as (figure, axes):
        left, right = axes[0]
        _steps(left, level_db, _edges(level_db, 1.0))
        left.set_title("Level: must not tell the class")
        left.set_xlabel("RMS over the clip, dBFS")
        left.set_ylabel("share of the class's clips, %")
        _steps(right, {name: 100 * values for name, values in active.items()}, np.linspace(0, 100, 21))
        right.set_title("Activity: belongs to the class")
        right.set_xlabel("share of the clip in which somebody speaks, %")
        right.set_ylabel("share of the class's clips, %")
        right.legend(loc="upper center", fontsize=9)
        return _saved(figure, target)


def speakers(target: Path, uses: Mapping[str, Mapping[str, NDArray[np.int64]]]) -> Path:
    """Draw how often each speaker is used, a panel a split; ``uses``: split, then ``F`` or ``M``, a count per speaker."""
    words = {"F": "female", "M": "male"}
    with _figure(1, max(len(uses), 1), 3.1, 2.9) as (figure, axes):
        for ax, (split, by_sex) in zip(axes[0], uses.items(), strict=False):
            first = 0
            for sex, counts in by_sex.items():
                ordered = np.sort(counts)[::-1]
                at = np.arange(first, first + len(ordered))
                if len(ordered) <= 60:
                    ax.bar(
                        at,
                        ordered,
                        color=OF_SEXES.get(sex, PLAIN),
                        width=0.8,
                        label=f"{len(ordered)} {words.get(sex, sex)}",
                    )
                else:
                    ax.fill_between(
                        at,
                        ordered,
                        step="mid",
                        color=OF_SEXES.get(sex, PLAIN),
                        linewidth=0,
                        label=f"{len(ordered)} {words.get(sex, sex)}",
                    )
                first += len(ordered) + 1
            highest = max([1, *(int(counts.max(initial=0)) for counts in by_sex.values())])
            ax.set_ylim(0, highest * 1.35)
            ax.set_title(split)
            ax.set_xticks([])
            ax.yaxis.set_major_locator(_ticks(5))
            ax.yaxis.set_major_formatter("{x:,.0f}")
            ax.legend(loc="upper right", ncols=2, fontsize=8, handlelength=1, columnspacing=1)
        axes[0][0].set_ylabel("clips with this speaker")
        figure.supxlabel("speakers of the split, the most used first", fontsize=10)
        return _saved(figure, target)


def examples(target: Path, clips: Mapping[str, tuple[str, Pcm]], rate_hz: int) -> Path:
    """Draw a waveform and a spectrogram a class; ``clips``: class to the clip's id and its samples."""
    chosen = list(clips.items())[:MOST_EXAMPLES]
    columns = min(3, max(len(chosen), 1))
    blocks = max(-(-len(chosen) // columns), 1)
    highest = max([1, *(int(np.abs(samples.astype(np.int32)).max(initial=0)) for _, (_, samples) in chosen)]) / 32768
    with _figure(blocks, columns, 3.1, 2.35) as (figure, axes):
        image = None
        for k, ax in enumerate(axes.flat):
            ax.set_axis_off()
            if k >= len(chosen):
                continue
            name, (clip_id, samples) = chosen[k]
            wave, spectrum = ax.inset_axes((0, 0.66, 1, 0.34)), ax.inset_axes((0, 0, 1, 0.64))
            seconds = len(samples) / rate_hz
            colour = _colour(name)
            at, low, high = _outline(samples)
            wave.fill_between(at * seconds, low, high, color=colour, linewidth=0.3)
            wave.set_xlim(0, seconds)
            wave.set_ylim(-highest, highest)
            wave.set_xticks([])
            wave.set_yticks([])
            wave.spines[["left", "bottom"]].set_visible(False)
            wave.set_title(name, pad=2)
            wave.text(1, 1.04, clip_id, transform=wave.transAxes, ha="right", fontsize=7, color="0.35")
            image = spectrum.imshow(
                spectrogram(samples, rate_hz),
                origin="lower",
                aspect="auto",
                cmap="magma",
                vmin=-FLOOR_DB,
                vmax=0,
                extent=(0, seconds, 0, rate_hz / 2000),
            )
            spectrum.xaxis.set_major_locator(_ticks(4, whole=False))
            spectrum.yaxis.set_major_locator(_ticks(4, whole=False))
            spectrum.tick_params(labelsize=8, labelleft=k % columns == 0, labelbottom=k + columns >= len(chosen))
            if k % columns == 0:
                spectrum.set_ylabel("frequency, kHz", fontsize=9)
            if k + columns >= len(chosen):
                spectrum.set_xlabel("time, s", fontsize=9)
        if image is not None:
            bar = figure.colorbar(image, ax=axes, shrink=min(1, 1.6 / blocks), pad=0.01, aspect=25)
            bar.set_label("dB under the loudest point", fontsize=9)
            bar.outline.set_visible(False)
        return _saved(figure, target)


def _outline(samples: Pcm, points: int = 700) -> tuple[Floats, Floats, Floats]:
    """Return places (0 to 1) and the lowest and highest sample near each, in full scales: what a waveform looks like."""
    step = max(1, len(samples) // points)
    cut = samples[: len(samples) // step * step].reshape(-1, step) / 32768
    return np.linspace(0, 1, len(cut)), cut.min(axis=1), cut.max(axis=1)


def spectrogram(samples: Pcm, rate_hz: int, frame_s: float = 0.025, hop_s: float = 0.005) -> Floats:
    """Return a spectrogram in dB under its loudest point, shape (frequencies, times): Hann windows, power."""
    frame, hop = max(round(frame_s * rate_hz), 2), max(round(hop_s * rate_hz), len(samples) // 2000, 1)
    padded = np.pad(samples.astype(np.float64), (frame // 2, frame))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, frame)[: len(samples) : hop]
    power = np.abs(np.fft.rfft(pieces * np.hanning(frame), n=max(512, frame), axis=1)) ** 2
    level = 10 * np.log10(np.maximum(power, 1e-9))
    return np.asarray((level - level.max(initial=-90)).T, np.float64)


class _figure:  # noqa: N801  # used as a function
    """Makes a figure of rows by columns panels, with the style of all pictures, and closes it."""

    def __init__(self, rows: int, columns: int, width: float, height: float, sharey: bool = False) -> None:
        self._shape, self._size, self._sharey = (rows, columns), (width * columns, height * rows), sharey

    def __enter__(self) -> tuple[Any, Any]:
        import matplotlib as mpl

        mpl.use("Agg", force=False)
        from matplotlib import pyplot as plt

        self._context = mpl.rc_context(STYLE)
        self._context.__enter__()
        self._figure, axes = plt.subplots(
            *self._shape,
            figsize=self._size,
            squeeze=False,
            sharey=self._sharey,
            layout="constrained",
        )
        return self._figure, axes

    def __exit__(self, *_: object) -> None:
        from matplotlib import pyplot as plt

        plt.close(self._figure)
        self._context.__exit__(None, None, None)


def _saved(figure: Any, target: Path) -> Path:  # noqa: ANN401  # matplotlib has no types
    """Write a figure as PNG, and as SVG beside it; return the PNG. The bytes depend on what is drawn alone."""
    with replacing(target) as temporary:
        figure.savefig(temporary, dpi=DPI, format="png", metadata={"Software": None})
    with replacing(target.with_suffix(".svg")) as temporary:
        figure.savefig(temporary, dpi=DPI, format="svg", metadata={"Date": None, "Creator": None})
    return target


def _ticks(most: int, whole: bool = True) -> Any:  # noqa: ANN401  # matplotlib has no types
    """Return a rule for at most so many ticks and one, at round (``whole``) numbers."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(most, integer=whole, steps=[1, 2, 5, 10])


def _steps(ax: Any, values: Mapping[str, Floats], edges: Floats) -> None:  # noqa: ANN401  # matplotlib has no types
    """Draw histograms as outlines, the share of each class in percent."""
    styles = ("-", "--", "-.", ":")
    for k, (name, found) in enumerate(values.items()):
        share = 100 * np.histogram(np.clip(found, edges[0], edges[-1]), edges)[0] / max(len(found), 1)
        ax.stairs(share, edges, color=_colour(name), linewidth=1.8, linestyle=styles[k % 4], label=name)
    ax.set_ylim(bottom=0)
    ax.set_xlim(edges[0], edges[-1])


def _edges(values: Mapping[str, Floats], step: float) -> Floats:
    every = np.concatenate([np.zeros(0), *values.values()])
    low, high = (np.floor(every.min() / step), np.ceil(every.max() / step)) if len(every) else (-1.0, 0.0)
    step *= max(1.0, np.ceil((high - low) / 40))
    return (
        np.arange(low, max(high, low + 1) + 1) * step if high - low <= 40 else np.linspace(every.min(), every.max(), 41)
    )


def _by_number(cells: Mapping[str, int]) -> dict[str, int]:
    out: dict[str, int] = {}
    for name, count in cells.items():
        number = str(_number(name))
        out[number] = out.get(number, 0) + count
    return out


def _colour(name: str) -> str:
    """Return the colour of a class (``FM``, ``none``, ``2``, ``2 speakers``): by its number of speakers; of a label, none."""
    first, _, rest = name.partition(" ")
    number = first if first.isdecimal() and rest in ("", "speaker", "speakers") else name
    if not (number.isdecimal() or number == "none" or not set(number) - set(SEXES)):
        return PLAIN
    count = _number(number)
    return OF_NUMBERS[(count - 1) % len(OF_NUMBERS)] if count else NOBODY


def _number(name: str) -> int:
    """Return how many speakers a class has, by its name."""
    return int(name) if name.isdecimal() else 0 if name == "none" else len(name)
