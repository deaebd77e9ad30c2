"""What the audit writes and says, whatever the data set: storage, missing corpora, determinism."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from synth.errors import InputError, UsageError
from synth.steps.audit import audit, sampled
from synth.steps.index import index
from synth.steps.verify import Folder, verify
from tests.checking.wrong_sets import audit_json, copied, failed, found
from tests.real_data import DATA, needs_data


@pytest.fixture
def elsewhere(tmp_path_factory):
    """The demo voices as a corpus at a place that will be forgotten: gives its folder and a table made from it."""
    from synth.demo import folder

    place = tmp_path_factory.mktemp("corpus") / "voices-of-mine"
    shutil.copytree(folder(), place)
    return place, index([place]).table


@pytest.mark.parametrize(
    "rendering",
    [{"codec": "flac"}, {"store": "files"}, {"stems": True}, {"store": "files", "codec": "flac", "stems": True}],
)
def test_every_way_to_store(made, rendering):
    folder = made("-".join(map(str, rendering)), clips="200/40/40", rendering=rendering)
    result = audit(folder, pictures=False)
    assert result.holds, [f.says for f in result.findings if f.holds is False]
    assert ("stems" in {f.claim for f in result.findings}) == bool(rendering.get("stems"))
    done = verify(folder, everything=True)
    assert done.holds
    assert done.checked == done.of == 280


@pytest.mark.parametrize(
    "options",
    [{"seconds": 1.6, "overlap": "0:1", "min_active": 0.3}, {"speakers": "2", "seconds": 0.5}, {"speakers": "1"}],
)
def test_other_recipes(made, options):
    folder = made("-".join(map(str, options.values())), clips="120/24/24", **options)
    result = audit(folder, pictures=False)
    assert result.holds, [f.says for f in result.findings if f.holds is False]


def test_the_report_says_nothing_of_time_and_place(honest, tmp_path):
    again = copied(honest, tmp_path / "again")
    audit(honest, pictures=False)
    audit(again, pictures=False)
    assert (honest / "audit.json").read_bytes() == (again / "audit.json").read_bytes()
    assert str(tmp_path) not in (again / "audit.json").read_text()
    assert audit_json(honest)["holds"] is True
    assert {f["claim"] for f in audit_json(honest)["findings"]} >= {"cells", "active", "render", "use", "licence"}


def test_the_pictures(honest, tmp_path):
    folder = copied(honest, tmp_path / "drawn")
    result = audit(folder)
    assert [path.name for path in result.pictures] == ["classes.png", "speakers.png", "levels.png", "examples.png"]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in result.pictures)
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


def test_without_the_corpus(made, elsewhere, tmp_path):
    place, table = elsewhere
    folder = made("lost", clips="120/24/24", table=table)
    moved = tmp_path / "moved"
    place.rename(moved)
    result = audit(folder, pictures=False)
    assert result.holds
    for claim in ("active", "render"):
        assert found(result, claim).holds is None
        assert "--root voices-of-mine=PATH" in found(result, claim).says
    assert str(place) not in (folder / "audit.json").read_text()
    with pytest.raises(InputError, match="--root voices-of-mine=PATH"):
        verify(folder)
    there = {"voices-of-mine": moved}
    assert found(audit(folder, pictures=False, roots=there), "active").holds
    assert verify(folder, roots=there).holds
    with pytest.raises(UsageError, match="no such root"):
        verify(folder, roots={"other": moved})


def test_without_the_corpus_but_with_stems(made, elsewhere):
    place, table = elsewhere
    folder = made("lost-with-stems", clips="120/24/24", table=table, rendering={"stems": True})
    shutil.rmtree(place)
    result = audit(folder, pictures=False)
    assert found(result, "active").holds
    assert "stems" in found(result, "active").says
    assert found(result, "stems").holds
    assert found(result, "render").holds is None


def test_what_is_no_data_set(tmp_path):
    for wrong in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputError):
            audit(wrong, pictures=False)
        with pytest.raises(InputError):
            verify(wrong)


def test_the_sample_is_spread(made):
    folder = Folder.opened(made("many", clips="2600/300/300"))
    rows = sampled(folder, everything=False)
    assert 1000 <= len(rows) <= 2000
    by_split = np.histogram(rows, [0, 2600, 2900, 3200])[0]
    assert (by_split > 100).all()
    assert len(sampled(folder, everything=True)) == 3200


@needs_data
def test_real_speech_holds(made):
    assert DATA is not None
    table = index([DATA / "LibriSpeech", DATA / "ravdess"]).table
    result = audit(made("real", clips="1600/200/200", table=table), pictures=False)
    assert not failed(result), [f.says for f in result.findings if f.holds is False]
    assert found(result, "shortcut-level").figures["n_speakers"]["accuracy"] <= 0.37
    assert found(result, "shortcut-corpus").holds
    assert found(result, "licence").figures["whole"] == "CC-BY-NC-SA-4.0"


@needs_data
def test_noise_is_no_shortcut_when_every_class_has_it(made):
    from synth.steps.index import index

    assert DATA is not None
    noise = index([DATA / "LibriSpeech"], noise=[DATA / "esc10" / "audio"]).table
    result = audit(made("noise", clips="600/100/100", table=noise, speakers="0-3"), pictures=False)
    assert not {claim for claim in failed(result) if claim.startswith("shortcut")}
    assert found(result, "active").holds
