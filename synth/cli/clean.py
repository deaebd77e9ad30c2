"""``synth clean``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import ClaimError, UsageError, typed
from synth.units import counted, with_count

if TYPE_CHECKING:
    from synth.steps.clean import Cleaned

MOST_LABELS = 30  # lines of the table on the screen


@click.command(
    "clean", epilog="Example:  synth clean sources.parquet --scores scores.csv --trial 0.1 -o verdicts.parquet"
)
@click.argument("sources", required=False)
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
    "--checkpoint", default=None, metavar="NAME", help="CLAP hears the clips: 630k-best, 630k-audioset-best or a path."
)
@click.option(
    "--without-checkpoint",
    type=click.Choice(["stop", "unjudged"]),
    default="stop",
    show_default=True,
    help="Where the checkpoint is not there: stop, or leave all labels unjudged.",
)
@click.option(
    "--prompts", default=None, metavar="FILE", help="Sentences for CLAP: TOML, CSV (label, prompt), or ontology.json."
)
@click.option("--engine", default="transformers", show_default=True, help="Who runs CLAP: transformers or laion.")
@click.option("--device", default=None, metavar="NAME", help="cpu or cuda; by default a GPU where there is one.")
@click.option("--bfloat16", is_flag=True, help="Compute CLAP in bfloat16: faster on new processors, less exact.")
@click.option("--allow-pickle", is_flag=True, help="Run the code in a checkpoint: only if you trust its maker.")
@click.option("--self-test", is_flag=True, help="Only see whether the checkpoint knows sounds that everybody knows.")
@shared.ROOTS
@click.option(
    "--precision", default=0.9, show_default=True, help="Share of truly wrong labels to hold among the rejected."
)
@click.option(
    "--trial",
    type=float,
    default=None,
    metavar="SHARE",
    help="Plant wrong labels in this share of the clips; see how many are found.",
)
@click.option(
    "--review", default=None, metavar="FILE", help="Earlier verdicts: what people said there is kept and wins."
)
@click.option("--seed", default=0, show_default=True, help="Seed of every draw.")
@click.option("-o", "--out", default=None, metavar="FILE", help="The VERDICTS table to write.")
@output_options
def command(
    session: Session,
    sources: str | None,
    scores: str | None,
    embeddings: str | None,
    checkpoint: str | None,
    without_checkpoint: str,
    prompts: str | None,
    engine: str,
    device: str | None,
    bfloat16: bool,
    allow_pickle: bool,
    self_test: bool,
    roots: tuple[str, ...],
    precision: float,
    trial: float | None,
    review: str | None,
    seed: int,
    out: str | None,
) -> None:
    """Judge the labels of clips by scores: keep, doubtful, wrong, or unjudged.

    SOURCES is a table with labels. A label is compared with the clips that do not carry it: no threshold to choose, only
    the precision that the rejected labels are to hold. Nothing is deleted: synth manifest --verdicts FILE drops what was
    judged wrong. Human verdicts in an earlier -o FILE stay. --trial changes neither the data nor the verdicts: it shows how many planted wrong labels are found, not whether the judge is
    deaf to some clips or too sure of itself. Listening shows that (synth review).
    """
    if self_test:
        _self_test(session, checkpoint, engine, device, bfloat16, allow_pickle)
        return
    if not sources or not out:
        raise UsageError(
            "synth clean: wanted a SOURCES table and -o FILE, e.g. synth clean sources.parquet … -o verdicts.parquet"
        )
    from synth.steps.clean import clean
    from synth.steps.roots import parse_given

    done = clean(
        sources,
        scores=scores,
        embeddings=embeddings,
        checkpoint=checkpoint,
        prompts=prompts,
        engine=engine,
        device=device,
        bfloat16=bfloat16,
        allow_pickle=allow_pickle,
        without_checkpoint=without_checkpoint,
        roots=parse_given(roots),
        precision=precision,
        trial=trial,
        review=review,
        seed=seed,
        out=out,
        progress=session.progress,
    )
    for warning in done.warnings:
        session.say(f"  warning: {warning}")
    _say(session, done, precision, out)
    session.say(f"{out}: {counted(done.table.num_rows, 'verdict')}. {_next(done, out)}")
    words = ["synth", "manifest", sources, "--verdicts", out, "--min-verdict", "keep", "-o", "cleaned"]
    session.say(f"Use them: {shlex.join(words)}")
    session.result(
        {
            "out": out,
            "verdicts": done.counts,
            "judges": done.judges,
            "precision": precision,
            "classes": done.classes,
            "left_out": done.left_out,
            "warnings": done.warnings,
            "standard_prompts": done.standard,
            "absent": done.absent,
            "related": done.related,
            "ontology": done.ontology,
            "suggested": done.suggested,
            "rejected": done.rejected,
            "human": done.humans,
            "human_gone": done.gone,
            "trial": None if done.trial is None else done.trial.facts(),
        }
    )


def _self_test(
    session: Session, checkpoint: str | None, engine: str, device: str | None, bfloat16: bool, allow_pickle: bool
) -> None:
    """Say which known sounds the judge knows. Raises ClaimError where it does no better than chance."""
    if checkpoint is None:
        raise UsageError("--self-test: of which judge? e.g. synth clean --self-test --checkpoint 630k-audioset-best")
    from synth.steps.judges import Asked, self_test

    name, found = self_test(Asked(checkpoint, None, engine, allow_pickle, device, bfloat16))
    session.say(name)
    for sound, row, mine in zip(found.names, found.cosines, found.cosines.diagonal(), strict=True):
        best = found.names[int(row.argmax())]
        said = "its own sentence first" if best == sound else f"takes it for {best} ({row.max():+.2f})"
        session.say(f"  {sound:<10}  {mine:+.2f}  {said}")
    session.result({"judge": name, "z": found.z, "right": found.right, "sounds": found.names, "passed": found.passed})
    if not found.passed:
        raise ClaimError(f"the self-test failed: {found.says}. Do not let this checkpoint judge anything")
    session.say(f"passed: {found.says}")


def _say(session: Session, done: Cleaned, precision: float, out: str) -> None:
    for why, count in sorted(done.left_out.items()):
        session.say(f"  left out: {with_count(count, why)}")
    if done.gone:
        session.say(
            f"  {counted(done.gone, 'human verdict is about a clip or label that is', 'human verdicts are about clips or labels that are')} "
            "no longer there: kept, not used"
        )
    if not done.absent:
        _say_labels(session, done)
    counts = done.counts
    session.say(
        f"{counts['keep']:,} keep, {counts['doubtful']:,} doubtful, {counts['wrong']:,} wrong, {counts['unjudged']:,} unjudged "
        f"(requested: {precision:.0%} of the rejected truly wrong; human verdicts: {done.humans:,}); "
        f"{counted(done.suggested, 'label looks', 'labels look')} missing (column suggested)"
    )
    _say_kinds(session, done, out)
    for sentence in done.trial.sentences() if done.trial else ():
        session.say(sentence)


def _say_kinds(session: Session, done: Cleaned, out: str) -> None:
    """Say how many rejections show what is there instead, and how many may be sounds that the judge does not hear."""
    if not done.rejected or not sum(one["rejected"] for one in done.rejected.values()):
        return
    another, nothing = done.rejected["another_heard"], done.rejected["nothing_heard"]
    said = (
        f"{another['rejected'] + nothing['rejected']:,} rejected: in {another['rejected']:,} another label is heard; in "
        f"{nothing['rejected']:,} nothing listed is heard: wrong, or not heard by this judge."
    )
    if nothing["rejected"]:
        said += (
            f" Listen to the random check before dropping, {shared.LISTEN} rejected clips of each label or all that there are: "
            + typed("synth", "review", out)
        )
    session.say(said)
    heard = [
        f"{one['heard_wrong']:,} of {one['heard']:,} {'is' if one['heard'] == 1 else 'are'} wrong where {what}"
        for one, what in ((another, "another label is heard"), (nothing, "nothing listed is heard"))
        if one["heard"]
    ]
    if heard:
        session.say(f"The random check of the rejected, so far: {'; '.join(heard)}. p_wrong of the others follows it.")


def _say_labels(session: Session, done: Cleaned) -> None:
    together, above = done.related["together"], done.related["ontology"]
    if together or above:
        session.say(
            f"  labels that are no evidence against their parents: {counted(together, 'goes', 'go')} together nearly always"
            + (
                f", {counted(above, 'pair is', 'pairs are')} child and parent in {done.ontology}"
                if done.ontology
                else ""
            )
        )
    width = min(max(map(len, done.classes)), 40)
    session.say(f"  {'label':<{width}}  {'clips':>7}  {'AUC':>4}  {'wrong, 90 % range':>19}  rejected")
    ordered = sorted(done.classes.items(), key=lambda item: -item[1]["clips"])
    for name, facts in ordered[:MOST_LABELS]:
        auc = "" if facts["auc"] is None else f"{facts['auc']:.2f}"
        line = f"  {name[:width]:<{width}}  {facts['clips']:>7,}  {auc:>4}  "
        if facts["noise"] is None:
            session.say(line + _why(facts))
            continue
        low, high = (f"{100 * facts[key]:.0f}" for key in ("low", "high"))
        said = _rejected(facts) if facts["decision"] == "judged" else _why(facts)
        session.say(line + f"{100 * facts['noise']:>4.0f} %  {f'{low}-{high} %':>11}  {said}")
    if len(ordered) > MOST_LABELS:
        session.say(f"  … {counted(len(ordered) - MOST_LABELS, 'further label')} (--json lists all)")


def _rejected(facts: dict[str, Any]) -> str:
    """Return how many labels of a class are rejected, and what precision is to be expected, by the heard sample if there is one."""
    said = f"{facts['rejected']:,}"
    if facts["expected"] is None or not facts["rejected"]:
        return said
    if not facts["heard"]:
        return f"{said}, {facts['expected']:.2f} of them wrong by the scores"
    low, high = facts["precision_low"], facts["precision_high"]
    return (
        f"{said}, {facts['expected']:.2f} of them wrong ({facts['heard_wrong']:,} of {facts['heard']:,} heard: "
        f"{low:.2f}-{high:.2f})"
    )


def _next(done: Cleaned, out: str) -> str:
    if done.absent:
        return "When the judge is there, type the same command again"
    what = "what was rejected" if done.counts["wrong"] else "the clips, the most doubtful first"
    return f"Listen to {what}: {typed('synth', 'review', out)}"


def _why(facts: dict[str, object]) -> str:
    from synth.cleaning.decision import LEAST, LEAST_NULL

    scored, null = (int(str(facts[name])) for name in ("scored", "null"))
    few = f"{counted(scored, 'scored clip is', 'scored clips are')} too few (wanted {LEAST})"
    if scored >= LEAST:
        few = f"{counted(null, 'scored clip without it is', 'scored clips without it are')} too few to compare with (wanted {LEAST_NULL})"
    return {
        "too small": f"unjudged: {few}",
        "cannot judge": "unjudged: the judge cannot tell its clips from others",
        "no score": "unjudged: no scores",
        "no clip without it": "unjudged: no scored clip without it to compare with",
        "withdrawn": "withdrawn: too many of the rejected were heard to be right",
    }[str(facts["decision"])]
