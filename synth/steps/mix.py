"""``synth mix``: index, split, plan, render and audit, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Unpack

from synth.audio.cache import Cache
from synth.recipe import MixOptions, over, run_of
from synth.steps import roots as where
from synth.steps.audit import Audited, audit
from synth.steps.index import Indexed, index
from synth.steps.keywords import MixKeywords
from synth.steps.opened import open_plan
from synth.steps.plan import Planned, check_speakers, planned
from synth.steps.progress import Note, Progress, silent, unsaid, workers
from synth.steps.render import Rendered, rendered_to
from synth.steps.results import Result, made
from synth.steps.split import Split, split
from synth.store.memory import give_back


@dataclass(frozen=True, slots=True, repr=False)
class Mixed(Result):
    """What each step gave."""

    indexed: Indexed
    split: Split
    planned: Planned
    rendered: Rendered
    audited: Audited
    demo: bool

    def in_short(self) -> dict[str, object]:
        """Return what was made and whether it holds; each step's result has the rest."""
        return made(self.rendered, self.audited, "indexed, split, planned, rendered, audited")


def default_folder(options: MixOptions) -> Path:
    """Return the output folder of a data set without a name: a first look with the demo voices is called so."""
    demo = set(options.source) <= {where.DEMO}
    return Path(f"{'demo-' if demo else ''}speakers-{options.speakers}")


def folders(options: MixOptions, roots: Mapping[str, Path]) -> list[Path]:
    """Return where the recordings of a mix lie, wherever their roots are; none for the demo voices. Raises as index does."""
    with Cache() as cache:
        noise = [options.noise] if options.noise else []
        return [root.folder for root in where.named(cache, options.source, noise, roots) if root.name != where.DEMO]


def mix(
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    recipe: MixOptions | str | Path | None = None,
    roots: Mapping[str, Path] | None = None,
    progress: Progress = silent,
    note: Note = unsaid,
    **options: Unpack[MixKeywords],
) -> Mixed:
    """Make a balanced data set of speaker mixtures: index, split, plan, render and audit in one go.

    The options are those of the command, in the types of Python: ``speakers=3``, ``(1, 3)`` or ``"1-3"``, ``source``
    one path or several, ``clips=(90, 9, 9)``, ``level_dbfs=(-30, -22)``. ``recipe``: a TOML file with a table [mix], or
    options, over which the others win; ``roots``: where corpora lie now; ``jobs``: processes, by default one a core. Raises UsageError for
    options that are none, InputError for what the sources cannot give.

    ``note`` is told, before anything is rendered, where the licences forbid sharing the clips. Without a source, the
    demo voices. The folder is the same as that of the five commands run one after another.
    """
    base, settings = run_of(recipe)
    chosen = over(base, options, "synth.mix()")
    out, jobs = out or settings.get("out"), settings.get("jobs") if jobs is None else jobs
    roots = roots or where.parse_given(settings.get("root", ()))
    folder = Path(out) if out else default_folder(chosen)
    noise = [chosen.noise] if chosen.noise else []
    indexed = index(
        chosen.source, csv=chosen.csv, noise=noise, rate=chosen.rate, roots=roots, jobs=jobs, progress=progress
    )
    check_speakers(indexed.table)  # before their number is compared with the splits
    done = split(
        indexed.table,
        split=chosen.split,
        speakers=chosen.speakers,
        clips=chosen.clips,
        seed=chosen.seed,
        progress=progress,
    )
    names = tuple(root.name for root, _ in indexed.corpora if not root.noise)
    with TemporaryDirectory(prefix="synth-") as scratch:
        plan = planned(done.table, chosen, Path(scratch) / "plan.parquet", progress)
        opened = open_plan(plan.path, None, done.table)
        opened = replace(opened, options=opened.options.with_changes({"store": chosen.store}))
        rendered = rendered_to(opened, folder, {}, workers(jobs), progress, note)
    give_back()
    audited = audit(folder, progress=progress, pictures=False)
    return Mixed(indexed, done, plan, rendered, audited, demo=names == (where.DEMO,))
