"""``synth clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from synth.cli.session import Session, output_options

if TYPE_CHECKING:
    from synth.steps.clean import Cleaned

MOST_LABELS = 30  # lines of the table on the screen


@click.command(
    "clean", epilog="Example:  synth clean sources.parquet --scores scores.csv --trial 0.1 -o verdicts.parquet"
)
@click.argument("sources")
@click.option(
    "--scores",
    default=None,
    metavar="FILE",
    help="Any model's scores: source_id (or path), label, score; or a column a label.",
)
@click.option(
    "--embeddings", default=None, metavar="FILE", help="Any model's embeddings: source_id and a list, or .npy."
)
@click.option(
    "--precision", default=0.9, show_default=True, help="Share of truly wrong labels to hold among the rejected."
)
@click.option(
    "--trial", type=float, default=None, metavar="SHARE", help="Plant wrong labels in so many clips; see what is found."
)
@click.option(
    "--review", default=None, metavar="FILE", help="Earlier verdicts: what people said there is kept and wins."
)
@click.option("--seed", default=0, show_default=True, help="Seed of every draw.")
@click.option("-o", "--out", required=True, metavar="FILE", help="The VERDICTS table to write.")
@output_options
def command(
    session: Session,
    sources: str,
    scores: str | None,
    embeddings: str | None,
    precision: float,
    trial: float | None,
    review: str | None,
    seed: int,
    out: str,
) -> None:
    """Judge the labels of clips by scores: keep, doubtful, wrong, or unjudged.

    SOURCES is a table with labels. A label is compared with the clips that do not carry it: no threshold to choose, only
    the precision that the rejected labels are to hold. Nothing is deleted: synth manifest --verdicts FILE drops what was
    judged wrong. Human verdicts in an earlier -o FILE stay. --trial leaves the data and the verdicts as they are.
    """
    from synth.steps.clean import clean

    done = clean(
        sources,
        scores=scores,
        embeddings=embeddings,
        precision=precision,
        trial=trial,
        review=review,
        seed=seed,
        out=out,
        progress=session.progress,
    )
    _say(session, done, precision)
    session.say(f"{out}: {done.table.num_rows:,} verdicts. Listen to what was rejected: synth review {out}")
    session.say(f"Use them: synth manifest {sources} --verdicts {out} --min-verdict keep -o DIR")
    session.result(
        {
            "out": out,
            "verdicts": done.counts,
            "judges": done.judges,
            "precision": precision,
            "classes": done.classes,
            "left_out": done.left_out,
            "suggested": done.suggested,
            "human": done.humans,
            "human_gone": done.gone,
            "trial": None if done.trial is None else done.trial.facts(),
        }
    )


def _say(session: Session, done: Cleaned, precision: float) -> None:
    for why, count in sorted(done.left_out.items()):
        session.say(f"  left out: {count:,} {why}")
    if done.gone:
        session.say(
            f"  {done.gone:,} human verdicts are about clips or labels that are not there any more: kept, not used"
        )
    width = min(max(map(len, done.classes)), 40)
    session.say(f"  {'label':<{width}}  {'clips':>7}  {'AUC':>4}  {'wrong':>6}  {'90 %':>11}  rejected")
    ordered = sorted(done.classes.items(), key=lambda item: -item[1]["clips"])
    for name, facts in ordered[:MOST_LABELS]:
        auc = "" if facts["auc"] is None else f"{facts['auc']:.2f}"
        line = f"  {name[:width]:<{width}}  {facts['clips']:>7,}  {auc:>4}  "
        if facts["noise"] is None:
            session.say(line + _why(facts))
            continue
        low, high = (f"{100 * facts[key]:.0f}" for key in ("low", "high"))
        said = f"{facts['rejected']:,}" if facts["decision"] == "judged" else _why(facts)
        session.say(line + f"{100 * facts['noise']:>4.0f} %  {f'{low}-{high} %':>11}  {said}")
    if len(ordered) > MOST_LABELS:
        session.say(f"  … {len(ordered) - MOST_LABELS:,} further labels (--json lists all)")
    counts = done.counts
    session.say(
        f"{counts['keep']:,} keep, {counts['doubtful']:,} doubtful, {counts['wrong']:,} wrong, {counts['unjudged']:,} unjudged "
        f"(asked: {precision:.0%} of the rejected truly wrong; human verdicts: {done.humans:,}); {done.suggested:,} labels look missing"
    )
    for sentence in done.trial.sentences() if done.trial else ():
        session.say(sentence)


def _why(facts: dict[str, object]) -> str:
    return {
        "too small": f"unjudged: {facts['scored']} scored clips are too few",
        "cannot judge": "unjudged: the judge cannot tell its clips from others",
        "no score": "unjudged: no scores",
        "withdrawn": "withdrawn: too many of the rejected were heard to be right",
    }[str(facts["decision"])]
