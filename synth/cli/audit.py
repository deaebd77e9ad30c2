"""``synth audit``."""

from __future__ import annotations

import click

from synth.cli import options as shared
from synth.cli.session import Session, output_options
from synth.errors import ClaimError


@click.command("audit", epilog="Example:  synth audit demo-speakers-1-3")
@click.argument("folder")
@click.option("--all", "everything", is_flag=True, help="Look at every clip, not at 2,000.")
@shared.ROOTS
@output_options
def command(session: Session, folder: str, everything: bool, roots: tuple[str, ...]) -> None:
    """Check every claim of a data set; exit 1 if one does not hold.

    Are the classes balanced, the splits disjoint, all speakers audible? Does loudness, or anything else that should not,
    tell the class? Writes audit.json and pictures into FOLDER.
    """
    from synth.cli import report
    from synth.steps.audit import audit
    from synth.steps.roots import parse_given

    done = audit(folder, everything=everything, roots=parse_given(roots), progress=session.progress)
    report.audited(session, done)
    if done.pictures:
        session.say(f"Pictures: {', '.join(str(path) for path in done.pictures)}; each also as .svg")
    session.result(
        {
            "out": folder,
            "holds": done.holds,
            "findings": [
                {"claim": f.claim, "holds": f.holds, "says": f.says, "figures": f.figures} for f in done.findings
            ],
        }
    )
    if not done.holds:
        failed = [finding.claim for finding in done.findings if finding.holds is False]
        raise ClaimError(
            f"{folder}: {len(failed)} of {len(done.findings)} claims {'does' if len(failed) == 1 else 'do'} not hold: {', '.join(failed)}"
        )
