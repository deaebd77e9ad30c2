"""``synth verify``."""

from __future__ import annotations

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import ClaimError, listed
from synth.units import counted


@click.command("verify", epilog="Example:  synth verify demo-speakers-1-3 --all")
@click.argument("folder")
@click.option("--all", "everything", is_flag=True, help="Re-render every clip, not a sample of 200.")
@shared.ROOTS
@output_options
def command(session: Session, folder: str, everything: bool, roots: tuple[str, ...]) -> None:
    """Re-render a sample and compare it with the data; exit 1 if a sample differs."""
    from synth.steps.roots import parse_given
    from synth.steps.verify import verify

    done = verify(folder, everything=everything, roots=parse_given(roots), progress=session.progress)
    session.say(
        f"{folder}: {done.checked:,} of {counted(done.of, 'clip')} re-rendered, {counted(len(done.differing), 'differs', 'differ')}"
    )
    for problem in done.problems:
        session.say(f"  {problem}")
    session.result(
        {
            "out": folder,
            "holds": done.holds,
            "checked": done.checked,
            "of": done.of,
            "differing": list(done.differing),
            "problems": list(done.problems),
        }
    )
    if not done.holds:
        raise ClaimError(f"{folder} is not what its plan makes: {listed((*done.problems, *done.differing))}")
