"""Verdicts know the sources that they were made from, and what is printed runs as printed."""

from __future__ import annotations

import re
import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import synth
from synth.cli.main import main
from synth.errors import InputError
from synth.steps import review as step
from tests.cleaning.tables import long
from tests.publishing.reviewed import Running, human, recordings

NAMES = ("cat", "dog")


@pytest.fixture
def made(tmp_path):
    """Sources of another name than usual in a folder with a blank, and verdicts beside them and elsewhere."""
    sources = recordings(tmp_path / "my set" / "sounds", clips=60, seconds=0.5)
    sources = sources.rename(sources.with_name("clips.parquet"))
    ids = pq.read_table(sources, columns=["source_id"]).column(0).to_pylist()
    rows = [(one, name, (k % 2 == n) * 3 + 0.01 * k) for k, one in enumerate(ids) for n, name in enumerate(NAMES)]
    return sources, long(tmp_path / "my set" / "scores.csv", rows)


def clean(sources, scores, out):
    found = CliRunner().invoke(
        main, ["clean", str(sources), "--scores", str(scores), "-o", str(out)], prog_name="synth"
    )
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.parametrize("where", ["my set", "my set/below", "beside"])
@pytest.mark.parametrize("cwd", [".", "my set", "elsewhere"])
def test_review_finds_the_sources_from_any_folder(made, tmp_path, monkeypatch, where, cwd):
    sources, scores = made
    out = tmp_path / where / "v.parquet"
    for one in (out.parent, tmp_path / cwd):
        one.mkdir(exist_ok=True)
    clean(sources, scores, out)
    meta = pq.read_schema(out).metadata
    assert (
        meta[b"sources"].decode()
        == {"my set": "", "my set/below": "../", "beside": "../my set/"}[where] + "clips.parquet"
    )
    monkeypatch.chdir(tmp_path / cwd)
    with Running(out) as running:
        pair = running.decide("keep")
        done = running.interrupt()
    assert human(out) == {pair: "keep"}
    assert done["warnings"] == []
    assert done["sources"] == str(sources)


def test_a_folder_that_moved_as_a_whole_is_found(made, tmp_path):
    sources, scores = made
    clean(sources, scores, sources.with_name("v.parquet"))
    (tmp_path / "my set").rename(tmp_path / "moved")
    out = tmp_path / "moved" / "v.parquet"
    with Running(out, "--root", f"sounds={tmp_path / 'moved' / 'sounds'}") as running:
        running.decide("keep")
        assert running.interrupt()["sources"] == str(out.with_name("clips.parquet"))


def test_sources_that_moved_or_changed_are_said(made, tmp_path):
    sources, scores = made
    out = tmp_path / "beside" / "v.parquet"
    out.parent.mkdir()
    clean(sources, scores, out)
    table = pq.read_table(sources)
    moved = out.with_name("clips.parquet")
    sources.rename(moved)
    with Running(out) as running:
        done = running.interrupt()
    assert done["warnings"] == [
        f"{out} was made from ../my set/clips.parquet, which is not there any more; {moved} is used"
    ]
    pq.write_table(table.slice(1), moved)
    with Running(out) as running:
        said = running.interrupt()["warnings"]
    assert len(said) == 2
    assert f"{moved} is not the table that {out} was made from, or has changed since" in said[1]
    moved.unlink()
    with pytest.raises(InputError, match=r"was made from \.\./my set/clips\.parquet .*--sources FILE"):
        step.review(out)


def test_verdicts_that_remember_nothing_use_the_usual_name(made, tmp_path):
    sources, scores = made
    out = sources.with_name("v.parquet")
    clean(sources, scores, out)
    table = pq.read_table(out)
    pq.write_table(table.replace_schema_metadata({"precision": "0.9"}), out)
    with pytest.raises(InputError, match=r"sources\.parquet does not exist"):
        step.review(out)
    sources.rename(sources.with_name("sources.parquet"))
    with Running(out) as running:
        assert running.interrupt()["sources"] == str(sources.with_name("sources.parquet"))


def printed(text: str) -> list[list[str]]:
    """Return the commands in what a command printed."""
    found = [shlex.split(one) for one in re.findall(r"synth (?:manifest|review|clean) [^\n]*", text)]
    return [words[1:] for words in found if words[-1] != "again:"]


@pytest.mark.usefixtures("made")
def test_the_commands_that_are_printed_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = clean("my set/clips.parquet", "my set/scores.csv", "my set/my verdicts.parquet")
    commands = {words[0]: words for words in printed(said)}
    assert set(commands) == {"review", "manifest"}
    with Running(commands["review"][1]) as running:
        running.decide("keep")
        running.interrupt()
    after = " ".join(running.said)
    assert printed(after)[-1] == commands["manifest"]
    found = CliRunner().invoke(main, commands["manifest"], prog_name="synth")
    assert found.exit_code == 0, found.output
    assert (tmp_path / "cleaned" / "manifest.parquet").exists()
    exported = CliRunner().invoke(main, [*commands["review"], "--export", "my decisions.csv"], prog_name="synth")
    back = CliRunner().invoke(main, printed(exported.output)[0], prog_name="synth")
    assert back.exit_code == 0, back.output
    assert printed(back.output)[-1] == commands["manifest"]


def test_changed_columns_that_verdicts_do_not_use_are_no_error(made):
    """A split gives SOURCES another digest: it is said, and the review goes on."""
    sources, scores = made
    out = sources.with_name("v.parquet")
    synth.clean(sources, scores=scores, out=out)
    table = pq.read_table(sources)
    place = table.schema.get_field_index("split")
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(["train"] * table.num_rows)), sources)
    with Running(out) as running:
        running.decide("wrong")
        done = running.interrupt()
    assert len(done["warnings"]) == 1
    assert done["decided"] == {"wrong": 1}
