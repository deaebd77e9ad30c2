"""``synth clean --checkpoint``: zero-shot decisions on sounds whose labels are partly wrong."""

from __future__ import annotations

import csv
import json

import pyarrow.parquet as pq
import pytest
import soundfile as sf
from click.testing import CliRunner

from synth.cleaning.clap import sounds
from synth.cli.main import main
from tests.cleaning import judges

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.usefixtures("one_thread")
TAKES, WRONG = 40, 5
STRANGERS = ("guitar", "applause", "beep", "speech")  # sounds that no label of the table names


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Clips of six labels, a tenth of them wrong: sounds of another label, or of none."""
    home = tmp_path_factory.mktemp("noisy")
    (home / "clips").mkdir()
    labels, kinds = list(judges.LABELS), list(judges.LABELS.values())
    rows, wrong = [], set()
    for k, label in enumerate(labels):
        for take in range(TAKES):
            kind, number = kinds[k], take
            if take < WRONG:  # takes that no other label has
                kind = STRANGERS[(k + take) % 4] if take < 3 else kinds[(k + 1) % len(kinds)]
                number = 50 + 5 * k + take
            name = f"{k}-{take:02d}.flac"
            sf.write(home / "clips" / name, sounds.sound(kind, number, 1.0), 48_000)
            rows.append((name, json.dumps([label])))  # a list: commas belong to the names
            if take < WRONG:
                wrong.add((f"clips/{name}", label))
    with (home / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "labels"), *rows])
    return home, wrong


def command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def cleaned(data):
    home, _ = data
    sources, out = home / "sources.parquet", home / "verdicts.parquet"
    done = command("index", home / "clips", "--csv", home / "labels.csv", "-o", sources)
    assert done.exit_code == 0, done.output
    done = command("clean", sources, "--checkpoint", judges.TINY, "-o", out, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), pq.read_table(out)


def test_wrong_labels_are_rejected_and_right_ones_kept(cleaned, data):
    said, table = cleaned
    verdict = {(row["source_id"], row["label"]): row for row in table.to_pylist()}
    wrong = {key for key, row in verdict.items() if row["verdict"] == "wrong"}
    kept = {key for key, row in verdict.items() if row["verdict"] == "keep"}
    truly = data[1]
    assert len(verdict) == 6 * TAKES
    assert len(wrong & truly) >= 0.6 * len(truly)
    assert len(wrong - truly) <= 0.1 * len(wrong)
    assert len(kept - truly) >= 0.85 * (len(verdict) - len(truly))
    assert len(kept & truly) <= 0.1 * len(truly)
    assert said["verdicts"]["wrong"] == len(wrong)


def test_the_judge_is_on_record_with_its_hash(cleaned):
    from synth.cleaning.clap import places

    said, table = cleaned
    digest = places.find(str(judges.TINY)).sha256
    assert digest in said["judges"][0]
    assert digest in table.schema.metadata[b"judge"].decode()


def test_none_of_these_is_a_competitor_and_no_label(data, cleaned):
    home, truly = data
    (home / "own.toml").write_text(
        'none_of_these = ["plucked strings", "clapping hands", "a bleep", "somebody talking"]\n'
    )
    out = home / "none.parquet"
    done = command(
        "clean",
        home / "sources.parquet",
        "--checkpoint",
        judges.TINY,
        "--prompts",
        home / "own.toml",
        "-o",
        out,
        "--json",
    )
    assert done.exit_code == 0, done.output
    table = pq.read_table(out)
    assert set(table.column("label").to_pylist()) == set(judges.LABELS)
    assert set(json.loads(done.stdout)["classes"]) == set(judges.LABELS)
    rows = table.to_pylist()
    wrong = {(row["source_id"], row["label"]) for row in rows if row["verdict"] == "wrong"}
    assert len(wrong & truly) >= 0.5 * len(truly)
    assert not any("none of these" in (row["suggested"] or []) for row in rows)


def test_the_self_test_passes_a_judge_and_fails_a_damaged_one(tmp_path):
    done = command("clean", "--self-test", "--checkpoint", judges.TINY)
    assert done.exit_code == 0, done.output
    assert "10 of 10" in done.output
    blank = judges.blank(tmp_path / "blank")
    done = command("clean", "--self-test", "--checkpoint", blank)
    assert done.exit_code == 1
    assert "self-test failed" in done.output


def test_a_judge_that_fails_its_self_test_judges_nothing(data, cleaned, tmp_path):
    out = tmp_path / "verdicts.parquet"
    done = command("clean", data[0] / "sources.parquet", "--checkpoint", judges.blank(tmp_path / "blank"), "-o", out)
    assert done.exit_code == 1
    assert "--self-test" in done.output
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--checkpoint", "630k-bset", "-o", "v.parquet"), 2, "did you mean '630k-best'"),
        (("--checkpoint", "630k-best", "-o", "v.parquet"), 3, "630k-best.pt"),
        (("--checkpoint", judges.TINY, "--engine", "x", "-o", "v.parquet"), 2, "transformers or laion"),
        (("--checkpoint", judges.TINY, "--scores", "s.csv", "-o", "v.parquet"), 2, "leave out --scores"),
        (("--checkpoint", judges.TINY, "--prompts", "no.toml", "-o", "v.parquet"), 3, "no such file"),
        (("--checkpoint", judges.TINY), 2, "-o FILE"),
        (("--self-test",), 2, "--checkpoint"),
    ],
)
def test_what_cannot_be_done_is_said(options, code, says, data, cleaned, tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = command("clean", data[0] / "sources.parquet", "--root", f"clips={data[0] / 'clips'}", *options)
    assert done.exit_code == code, done.output
    assert says in done.output
