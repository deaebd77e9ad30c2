"""``synth clean --without-checkpoint``: a judge that is not there may be done without, a bad one never."""

from __future__ import annotations

import json
import shutil
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.tables import VERDICTS
from tests.cleaning import judges
from tests.cleaning.tables import cleaned, refused, run, sources

WITHOUT = ("--without-checkpoint", "unjudged")
NAMES = ("bell", "cat")
GET_IT = "https://huggingface.co/lukewys/laion_clap/resolve/main/630k-best.pt (1.9 GB) and put it at"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Sources of 40 clips of two labels, whose folder is empty, in a place without any checkpoint."""
    for variable in ("SYNTH_CACHE_DIR", "HF_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    (tmp_path / "clips").mkdir()
    sources(tmp_path / "sources.parquet", [[NAMES[k % 2]] for k in range(40)])
    return tmp_path


def words(here, checkpoint):
    table, out = here / "sources.parquet", here / "verdicts.parquet"
    return table, "--root", f"clips={here / 'clips'}", "--checkpoint", checkpoint, "-o", out


def verdicts(here):
    return pq.read_table(here / "verdicts.parquet").to_pylist()


def test_the_default_stops_and_says_what_to_get_and_where_to_put_it(here):
    asked = words(here, "630k-best")
    assert GET_IT in refused(*asked) == refused(*asked, "--without-checkpoint", "stop")
    assert not (here / "verdicts.parquet").exists()


def test_without_it_every_label_is_unjudged_and_the_screen_says_what_the_error_says(here):
    error = refused(*words(here, "630k-best")).removeprefix("Error: ")
    done = run("clean", *words(here, "630k-best"), *WITHOUT, "--trial", 0.1)
    text = " ".join(done.stdout.split())
    assert done.exit_code == 0
    assert f"warning: NO LABEL IS JUDGED: {error}" in text
    assert "0 keep, 0 doubtful, 0 wrong, 40 unjudged" in text
    assert "When the judge is there, type the same command again" in text
    assert "Trial" not in text
    found = verdicts(here)
    assert [(row["source_id"], row["label"]) for row in found] == [(f"clips/{k}.wav", NAMES[k % 2]) for k in range(40)]
    assert {(row["verdict"], row["by"], row["score"], row["p_wrong"], row["reason"]) for row in found} == {
        ("unjudged", "model", None, None, "not judged: the checkpoint 630k-best is not on this machine")
    }
    said = cleaned(*words(here, "630k-best"), *WITHOUT)
    assert said["verdicts"] == {"keep": 0, "doubtful": 0, "wrong": 0, "unjudged": 40}
    assert (said["judges"], said["trial"]) == ([], None)
    assert " ".join(said["absent"].split()) == error
    assert error in " ".join(said["warnings"][0].split())
    assert pq.read_table(here / "verdicts.parquet").schema.names == VERDICTS.names


@pytest.mark.parametrize("checkpoint", ["630k-audioset-best", "nowhere/model.pt"])
def test_what_people_said_stays(here, checkpoint):
    cleaned(*words(here, checkpoint), *WITHOUT)
    rows = verdicts(here)
    rows[3] |= {"verdict": "wrong", "by": "human", "reason": "heard worst first: the label is wrong"}
    pq.write_table(pa.Table.from_pylist(rows, VERDICTS.schema()), here / "verdicts.parquet")
    said = cleaned(*words(here, checkpoint), *WITHOUT)
    assert (said["human"], said["verdicts"]["wrong"], said["verdicts"]["unjudged"]) == (1, 1, 39)
    assert (verdicts(here)[3]["by"], verdicts(here)[3]["verdict"]) == ("human", "wrong")


def test_what_a_judge_said_when_it_was_there_stays(here):
    cleaned(*words(here, "630k-best"), *WITHOUT)
    rows = verdicts(here)
    rows[3] |= {"verdict": "wrong", "score": 0.1, "p_wrong": 0.99, "reason": "scores like clips without 'cat'"}
    rows[4] |= {"verdict": "keep", "by": "human", "reason": "the label is right"}
    table = pa.Table.from_pylist(rows, VERDICTS.schema({"judge": "CLAP of old"}))
    pq.write_table(table, here / "verdicts.parquet")
    said = cleaned(*words(here, "630k-best"), *WITHOUT)
    assert said["verdicts"] == {"keep": 1, "doubtful": 0, "wrong": 1, "unjudged": 38}
    assert f"what {here / 'verdicts.parquet'} holds of an earlier run (CLAP of old) stays" in said["warnings"]
    assert [{name: row[name] for name in VERDICTS.names} for row in verdicts(here)] == rows
    sources(here / "sources.parquet", [[NAMES[k % 2]] for k in range(41)])
    assert cleaned(*words(here, "630k-best"), *WITHOUT)["verdicts"]["unjudged"] == 39
    assert [{name: row[name] for name in VERDICTS.names} for row in verdicts(here)[:40]] == rows
    assert pq.read_schema(here / "verdicts.parquet").metadata[b"judge"] == b"CLAP of old"


def test_without_the_packages_that_run_it(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install 'synth[clap]'" in refused(*words(here, judges.TINY))
    said = cleaned(*words(here, judges.TINY), *WITHOUT)
    assert said["verdicts"]["unjudged"] == 40
    assert "pip install 'synth[clap]'" in said["absent"]
    assert all(row["reason"].startswith("not judged: CLAP needs PyTorch") for row in verdicts(here))


def test_packages_that_are_there_and_broken_are_an_error(here, monkeypatch):
    broken = here / "broken"
    broken.mkdir()
    (broken / "torch.py").write_text("raise ImportError('libtorch.so: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(str(broken))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert "cannot be imported (libtorch.so" in refused(*words(here, judges.TINY), *WITHOUT)


def cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5000])


def other_words(folder):
    known = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**known, "zither": len(known)}))


def no_words(folder):
    (folder / "merges.txt").unlink()


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def malicious(folder):
    import torch

    class Bomb:
        def __reduce__(self):
            return (open, (str(folder / "ran"), "w"))

    torch.save({"bomb": Bomb()}, folder / "pytorch_model.bin")
    no_weights(folder)


BAD = {
    cut: "damaged or cut short",
    other_words: "belongs to another model",
    no_words: "holds weights and no tokenizer",
    no_weights: "lacks model.safetensors",
    malicious: "is refused",
}


@pytest.mark.parametrize("damage", BAD)
def test_a_bad_checkpoint_is_an_error_all_the_same(here, damage):
    judges.needs_clap()
    folder = judges.copy(here / "judge")
    damage(folder)
    assert BAD[damage] in refused(*words(here, folder), *WITHOUT)
    assert not (here / "verdicts.parquet").exists()
    assert not (folder / "ran").exists()


def test_a_judge_that_fails_its_self_test_is_an_error_all_the_same(here):
    judges.needs_clap()
    done = run("clean", *words(here, judges.blank(here / "blank")), *WITHOUT)
    assert (done.exit_code, (here / "verdicts.parquet").exists()) == (1, False)
    assert "cannot judge" in " ".join(done.output.split())


def test_weights_whose_words_are_missing_are_an_error_all_the_same(here):
    """Who got the greater part wants the judge, and is told what is still to get."""
    place = here / "SYNTH_CACHE_DIR" / "clap"
    place.mkdir(parents=True)
    shutil.copyfile(judges.TINY / "model.safetensors", place / "630k-best.pt")
    assert "is there, but not the tokenizer of its text side" in refused(*words(here, "630k-best"), *WITHOUT)


def test_requests_that_make_no_sense_are_refused(here):
    for asked in (words(here, "630k-bset"), words(here, "630k-fusion-best")):
        assert run("clean", *asked, *WITHOUT).exit_code == 2
    done = run("clean", here / "sources.parquet", "--scores", "s.csv", "-o", here / "verdicts.parquet", *WITHOUT)
    assert done.exit_code == 2
    assert "with a --checkpoint" in done.output
    assert run("clean", *words(here, "630k-best"), "--without-checkpoint", "keep").exit_code == 2
