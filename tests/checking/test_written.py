"""What the card counts and what recipe.toml says are claims: a changed figure or option is named."""

from __future__ import annotations

import re

import pytest

from synth.steps.audit import audit
from tests.checking.wrong_sets import copied, found


@pytest.fixture
def folder(made, tmp_path):
    return copied(made("written", clips="24/4/4", seconds=0.6, speakers="1-2"), tmp_path / "set")


CHANGES = [
    ("README.md", "| FF | 4 |", "| FF | 5 |", "card", "of FF"),
    ("README.md", "32 clips of 0.6 s", "33 clips of 0.6 s", "card", "33 clips"),
    ("README.md", "16000 Hz mono", "8000 Hz mono", "card", "8000 Hz"),
    ("README.md", "data/val-*.parquet", "data/train-*.parquet", "card", "its head loads"),
    ("README.md", "split: val", "split: validation", "card", "its head loads"),
    ("README.md", "configs:", "dataset_info:\n  features: []\nconfigs:", "card", "dataset_info"),
    (
        "README.md",
        "configs:",
        "configs:\n  - config_name: all\n    data_files: manifest.parquet",
        "card",
        "config_name: all",
    ),
    ("README.md", " in train (", "0 in train (", "card", "- Speakers: "),
    ("README.md", " F, ", "0 F, ", "card", "- Speakers: "),
    ("README.md", "- Recordings used: ", "- Recordings used: 1", "card", "Recordings used: 1"),
    ("README.md", "over the clip): -", "over the clip): -1", "card", "over the clip): -1"),
    ("README.md", "is used in ", "is used in 1", "card", "is used in 1"),
    ("recipe.toml", "seed = 0", "seed = 1", "recipe", "seed = 1, wanted 0"),
    ("recipe.toml", 'codec = "wav"', 'codec = "flac"', "recipe", "codec"),
    ("recipe.toml", "stems = false", "stems = true", "recipe", "stems"),
    ("recipe.toml", "[mix]", "[[mix", "recipe", "cannot be read"),
]


@pytest.mark.parametrize(("name", "old", "new", "claim", "says"), CHANGES, ids=[change[2] for change in CHANGES])
def test_a_changed_word(folder, name, old, new, claim, says):
    before = (folder / name).read_text()
    assert old in before
    (folder / name).write_text(before.replace(old, new, 1))
    finding = found(audit(folder, pictures=False), claim)
    assert finding.holds is False
    assert says in finding.says


def test_splits_that_change_their_names(folder):
    card = folder / "README.md"
    words = {"split: val": "split: test", "split: test": "split: val"}
    card.write_text(re.sub("split: (val|test)", lambda found: words[found[0]], card.read_text()))
    assert "its head loads" in found(audit(folder, pictures=False), "card").says


def test_credits_that_are_not_there(folder):
    (folder / "attribution.txt").unlink()
    finding = found(audit(folder, pictures=False), "licence")
    assert finding.holds is False and "attribution.txt is missing" in finding.says


def test_an_honest_folder_and_a_card_of_ones_own(folder):
    result = audit(folder, pictures=False)
    assert found(result, "card").holds and found(result, "recipe").holds
    card = (folder / "README.md").read_text()
    own = card.replace(
        "# 1 to 2 speakers per clip of 0.6 s", "# Voices of a town, 2 of 3\n\nRecorded in 1998 by 12 people."
    )
    own = own.replace("## Facts\n", "## Facts\n\nAll 4 rooms were alike.\n").replace(
        "license:", "pretty_name: Voices\nlicense:"
    )
    own += "\n## Thanks\n\n- Speakers of our 3 clubs\n- 40 clips of 9 s were bad\n"
    (folder / "README.md").write_text(own)
    assert found(audit(folder, pictures=False), "card").holds, "what the owner adds is no claim of synth"
    (folder / "README.md").write_text("# My voices\n")
    assert found(audit(folder, pictures=False), "card").holds is None
    (folder / "README.md").unlink()
    assert found(audit(folder, pictures=False), "card").holds is False
