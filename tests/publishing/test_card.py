"""The data card: each figure is counted from the tables, and it says what a model has to beat."""

from __future__ import annotations

import json
import re
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from synth.cli import report
from synth.cli.session import Session
from synth.steps.audit import audit
from synth.steps.index import index
from synth.steps.mix import mix
from synth.steps.split import split


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """Make a set of 0 to 2 demo voices at a time that come and go, over noise; return its folder."""
    folder = tmp_path_factory.mktemp("card")
    (folder / "rain").mkdir()
    for k in range(6):
        soundfile.write(folder / "rain" / f"{k}.wav", np.random.default_rng(k).normal(0, 0.05, 5 * 16000), 16000)
    options = {
        "speakers": "0-2",
        "clips": "120/30/30",
        "noise": str(folder / "rain"),
        "snr_db": "0:20",
        "overlap": "0:0.5",
    }
    mix(out=folder / "set", jobs=1, **options)
    return folder / "set"


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    folder = tmp_path_factory.mktemp("single") / "set"
    mix(out=folder, speakers="1", clips="40/10/10", jobs=1)
    return folder


def card(folder):
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_card_counts_what_is_in_the_tables(noisy):
    text = card(noisy)
    rows = pq.read_table(noisy / "manifest.parquet").to_pylist()
    sources = {row["source_id"]: row for row in pq.read_table(noisy / "sources.parquet").to_pylist()}
    uses = Counter(part["source_id"] for row in rows for part in row["parts"])
    spoken = sorted(count for name, count in uses.items() if sources[name]["corpus"] != "noise")
    beds = [name for name in uses if sources[name]["corpus"] == "noise"]
    at_once = Counter(row["max_concurrent"] for row in rows)
    ratios = [row["snr_db"] for row in rows if row["snr_db"] is not None]
    assert "# 0 to 2 speakers per clip of 1 s" in text
    assert f"used in {spoken[0]} to {spoken[-1]} clips, {np.median(spoken):g} in the median" in text
    assert ", ".join(f"{number} in {count:,} clips" for number, count in sorted(at_once.items())) in text
    assert f"Background noise in every clip, from {len(beds)} recordings" in text
    assert f"speech over noise {min(ratios):.1f} to {max(ratios):.1f} dB" in text
    assert f"{len(beds)} from background noise, {len(spoken)} from the demo voices" in text
    assert f"{np.mean([row['overlap'] for row in rows]):.2f} on average" in text


def test_one_speaker_is_one_speaker(single):
    assert "# 1 speaker per clip of 1 s" in card(single)
    assert "with 1 speaker per clip" in card(single)
    assert "1-1" not in card(single)


def test_the_card_links_to_no_package(noisy, single):
    for folder in (noisy, single):
        assert "pypi" not in card(folder)
        assert "](http" not in card(folder)


def test_the_card_says_what_one_number_guesses(noisy):
    section = card(noisy).split("## What to beat\n")[1].split("\n## ")[0]
    findings = {one["claim"]: one["figures"] for one in json.loads((noisy / "audit.json").read_text())["findings"]}
    for claim, words in (
        ("shortcut-active", "the share of the clip in which somebody speaks"),
        ("shortcut-level", "loudness (RMS)"),
    ):
        assert f"{words}: {findings[claim]['n_speakers']['accuracy']:.0%}" in section
    assert f"({findings['shortcut-level']['n_speakers']['chance']:.0%} by chance, 180 clips)" in section
    shares = [int(found) for found in re.findall(r": (\d+)%", section)]
    assert shares == sorted(shares, reverse=True)
    assert "Results vary by voices" in section


def test_an_audit_renews_that_section_and_nothing_else(noisy):
    before = card(noisy)
    changed = before.replace("A model has to beat these.", "A model may do anything.")
    (noisy / "README.md").write_text(changed, encoding="utf-8")
    audit(noisy, pictures=False)
    assert card(noisy) == before


def test_a_changed_guess_is_named_before_it_is_renewed(noisy):
    before = card(noisy)
    for words, share in re.findall(
        r"(?:; |: )([^:;]+): (\d+)%", before.split("## What to beat\n")[1].split("\n## ")[0]
    ):
        changed = before.replace(f"{words}: {share}%", f"{words}: {int(share) + 5}%")
        (noisy / "README.md").write_text(changed, encoding="utf-8")
        (finding,) = [one for one in audit(noisy, pictures=False).findings if one.claim == "guesses"]
        assert finding.holds is False and f"{int(share) + 5} % of guesses by {words}" in finding.says
    assert card(noisy) == before


def said(capsys, *, shares, speakers):
    report.split(
        Session(quiet=False, as_json=False), split(index([]).table, split=shares, speakers=speakers), shares, speakers
    )
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("shares", "speakers", "wanted"),
    [
        ("80/10/10", "1-3", "val and test have more than 80/10/10 would give: a clip may hold 3 speakers of one sex"),
        ("80/20/0", "1-3", "val has more than 80/20/0 would give"),
        ("80/10/10", "1", None),
        ("60/20/20", "1-2", None),
    ],
)
def test_shares_that_cannot_be_kept_are_explained(capsys, shares, speakers, wanted):
    text = said(capsys, shares=shares, speakers=speakers)
    assert (wanted in text) if wanted else ("would give" not in text)
