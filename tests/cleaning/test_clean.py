"""``synth clean``: files in, verdicts out, and what it says to tables that cannot be used."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import synth
from synth.cleaning.hearing import interval, upper_precision, withdrawn
from synth.errors import UsageError
from synth.tables import SCORES, VERDICTS
from tests.cleaning import simulated
from tests.cleaning.tables import cleaned, long, refused, run, sources

NAMES = ("bell", "cat", "drum", "engine")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with sources of 200 clips of four labels and their scores; which labels are wrong."""
    folder = tmp_path_factory.mktemp("clean")
    scores, given, wrong = simulated.together(50, 4, 3.5, 0.15, 0.0, 11)
    ids = sources(folder / "sources.parquet", [[NAMES[k]] for k in given])
    rows = [
        (one, name, score)
        for one, line in zip(ids, scores, strict=True)
        for name, score in zip(NAMES, line, strict=True)
    ]
    long(folder / "long.csv", rows)
    long(
        folder / "wide.csv",
        [(one.removeprefix("clips/"), *line) for one, line in zip(ids, scores, strict=True)],
        ("path", *NAMES),
    )
    table = pa.table({"source_id": [r[0] for r in rows], "label": [r[1] for r in rows], "score": [r[2] for r in rows]})
    pq.write_table(table.cast(SCORES.schema()), folder / "long.parquet")
    return folder, rows, wrong


def test_verdicts_are_a_table_with_reasons_and_facts(made):
    folder, _, wrong = made
    before = (folder / "sources.parquet").read_bytes()
    said = cleaned(folder / "sources.parquet", "--scores", folder / "long.csv", "-o", folder / "verdicts.parquet")
    table = pq.read_table(folder / "verdicts.parquet")
    assert table.schema.names == [*VERDICTS.names, "heard_instead"]
    assert table.num_rows == 200 == sum(said["verdicts"].values())
    rows = table.to_pylist()
    flags = np.array([row["verdict"] == "wrong" for row in rows])
    assert wrong[flags].mean() >= 0.8
    assert flags[wrong].mean() >= 0.6
    assert all(row["reason"] and row["by"] == "model" and 0 <= row["p_wrong"] <= 1 for row in rows)
    one = next(row for row in rows if row["verdict"] == "wrong" and "is heard" in row["reason"])
    assert one["reason"].startswith(f"scores like clips without '{one['label']}'")
    meta = {key.decode(): value.decode() for key, value in pq.read_schema(folder / "verdicts.parquet").metadata.items()}
    assert (meta["table"], meta["precision"], meta["judge"]) == ("verdicts", "0.9", "scores long.csv")
    classes = json.loads(meta["classes"])
    assert set(classes) == set(NAMES) == set(said["classes"])
    assert all(one["low"] <= one["noise"] <= one["high"] and one["decision"] == "judged" for one in classes.values())
    assert (folder / "sources.parquet").read_bytes() == before


def test_long_and_wide_csv_and_parquet_say_the_same(made, tmp_path):
    folder, _, _ = made
    found = []
    for name in ("long.csv", "wide.csv", "long.parquet"):
        cleaned(folder / "sources.parquet", "--scores", folder / name, "-o", tmp_path / "v.parquet")
        found.append(pq.read_table(tmp_path / "v.parquet").select(["source_id", "label", "verdict"]).to_pylist())
    assert found[0] == found[1] == found[2]


def test_people_are_told_each_label_and_what_to_do_next(made, tmp_path):
    folder, _, _ = made
    out = tmp_path / "v.parquet"
    found = run("clean", folder / "sources.parquet", "--scores", folder / "long.csv", "-o", out)
    text = " ".join(found.stdout.split())
    assert all(name in text for name in NAMES)
    assert f"synth review {out}" in text
    assert "--min-verdict keep" in text


def test_embeddings_alone_judge_without_text(made, tmp_path):
    folder, _, wrong = made
    rows = pq.read_table(folder / "sources.parquet", columns=["source_id", "labels"]).to_pylist()
    random = np.random.default_rng(0)
    centres = random.normal(size=(4, 24))
    truth = np.arange(200) % 4
    vectors = (centres[truth] + 0.7 * random.normal(size=(200, 24))).astype(np.float32)
    np.save(tmp_path / "e.npy", vectors)
    (tmp_path / "e.txt").write_text("".join(f"{row['source_id']}\n" for row in rows))
    table = pa.table({"source_id": [row["source_id"] for row in rows], "embedding": vectors.tolist()})
    pq.write_table(table, tmp_path / "e.parquet")
    found = []
    for name in ("e.npy", "e.parquet"):
        said = cleaned(folder / "sources.parquet", "--embeddings", tmp_path / name, "-o", tmp_path / "v.parquet")
        assert said["judges"] == [f"embeddings {name}"]
        found.append(pq.read_table(tmp_path / "v.parquet").column("verdict").to_pylist())
    assert found[0] == found[1]
    flags = np.array(found[0]) == "wrong"
    assert wrong[flags].mean() >= 0.8
    assert flags[wrong].mean() >= 0.5
    both = cleaned(
        folder / "sources.parquet",
        "--scores",
        folder / "long.csv",
        "--embeddings",
        tmp_path / "e.npy",
        "-o",
        tmp_path / "v.parquet",
    )
    assert len(both["judges"]) == 2
    flags = np.array(pq.read_table(tmp_path / "v.parquet").column("verdict").to_pylist()) == "wrong"
    assert wrong[flags].mean() >= 0.8


def test_a_trial_says_what_the_verdicts_are_worth_and_changes_nothing(made, tmp_path):
    folder, _, _ = made
    words = (folder / "sources.parquet", "--scores", folder / "long.csv")
    plain = cleaned(*words, "-o", tmp_path / "plain.parquet")
    first = cleaned(*words, "--trial", "0.1", "-o", tmp_path / "trial.parquet")
    again = cleaned(*words, "--trial", "0.1", "-o", tmp_path / "trial.parquet")
    other = cleaned(*words, "--trial", "0.1", "--seed", "5", "-o", tmp_path / "other.parquet")
    assert plain["trial"] is None
    assert pq.read_table(tmp_path / "plain.parquet") == pq.read_table(tmp_path / "trial.parquet")
    trial = first["trial"]
    assert trial == again["trial"] != other["trial"]
    assert trial["planted"] == trial["judged"] == 20
    assert trial["recall"] >= 0.6
    assert trial["precision"] >= 0.75
    assert trial["calibration"] <= 0.1
    low, high = trial["recall_interval"]
    assert low <= trial["recall"] <= high
    text = " ".join(run("clean", *words, "--trial", "0.1", "-o", tmp_path / "t.parquet").stdout.split())
    assert f"of 20 planted wrong labels {trial['found']} were rejected" in text
    assert "requested: 0.90" in text
    assert "It cannot show that the judge is too sure" in text


def test_a_trial_of_a_judge_that_knows_nothing_says_so(made, tmp_path):
    folder, rows, _ = made
    random = np.random.default_rng(1)
    scores = long(tmp_path / "s.csv", [(one, name, random.normal()) for one, name, _ in rows])
    found = run("clean", folder / "sources.parquet", "--scores", scores, "--trial", "0.1", "-o", tmp_path / "v.parquet")
    text = " ".join(found.stdout.split())
    assert "0 keep, 0 doubtful, 0 wrong, 200 unjudged" in text
    assert "this judge cannot clean these labels" in text
    reasons = pq.read_table(tmp_path / "v.parquet").column("reason").to_pylist()
    assert all("does not tell clips with" in reason for reason in reasons)


def test_unusable_clips_scores_and_labels_are_counted_and_the_rest_goes_on(made, tmp_path):
    folder, rows, _ = made
    labels = [one["labels"] for one in pq.read_table(folder / "sources.parquet", columns=["labels"]).to_pylist()]
    status = ["ok"] * 200
    status[0], status[1] = "silent", "unreadable"
    labels[2] = []
    labels[3] = [*labels[3], "zither"]
    sources(tmp_path / "s.parquet", labels, status)
    kept = [row for row in rows if row[0] != "clips/4.wav"]
    kept[100] = (*kept[100][:2], "nan")
    more = [("clips/gone.wav", "bell", 1.0), ("clips/7.wav", "trumpet", 1.0)]
    scores = long(tmp_path / "s.csv", [*kept, *more])
    said = cleaned(tmp_path / "s.parquet", "--scores", scores, "-o", tmp_path / "v.parquet")
    assert said["left_out"]["silent"] == said["left_out"]["unreadable"] == said["left_out"]["no label"] == 1
    assert said["left_out"]["scores of labels that the sources do not have"] == 1
    assert said["left_out"]["scores that are no number"] == 1
    assert said["left_out"]["scores of clips that the sources do not have"] == 1 + 3 * len(NAMES)
    found = {(row["source_id"], row["label"]): row for row in pq.read_table(tmp_path / "v.parquet").to_pylist()}
    assert len(found) == 198
    assert found["clips/3.wav", "zither"]["reason"] == "no score of 'zither' for this clip"
    assert found["clips/4.wav", labels[4][0]]["verdict"] == "unjudged"
    assert found["clips/4.wav", labels[4][0]]["reason"].startswith("no score of")
    assert said["verdicts"]["keep"] > 100


def test_a_class_of_one_clip_is_too_small(made, tmp_path):
    folder, rows, _ = made
    labels = [one["labels"] for one in pq.read_table(folder / "sources.parquet", columns=["labels"]).to_pylist()]
    labels[3] = ["zither"]
    sources(tmp_path / "s.parquet", labels)
    scores = long(tmp_path / "s.csv", [*rows, *((f"clips/{k}.wav", "zither", k) for k in range(200))])
    said = cleaned(tmp_path / "s.parquet", "--scores", scores, "-o", tmp_path / "v.parquet")
    assert said["classes"]["zither"]["decision"] == "too small"
    row = next(row for row in pq.read_table(tmp_path / "v.parquet").to_pylist() if row["label"] == "zither")
    assert (row["verdict"], row["p_wrong"]) == ("unjudged", None)
    assert row["reason"] == "too few scored clips: 1 with 'zither' (wanted 10), 199 that speak against it (wanted 20)"


BAD = {
    "no such file": (None, None, "does not exist"),
    "other columns": (("file", "tag", "p"), [("a", "b", 1)], "has the columns file, tag, p; wanted source_id"),
    "no label": (("source_id", "score"), [("clips/0.wav", 1)], "wanted source_id, label, score"),
    "no row": (("source_id", "label", "score"), [], "has no rows"),
    "ids missing": (("source_id", "label", "score"), [("", "cat", 1), ("clips/0.wav", "cat", 1)], "1 of 2 rows have no source_id"),
    "doubled": (
        ("source_id", "label", "score"),
        [("clips/0.wav", "cat", 1), ("clips/1.wav", "cat", 1), ("clips/0.wav", "cat", 2)],
        "1 clips and labels have more than one score, e.g. clips/0.wav with 'cat'",
    ),
    "doubled, wide": (("source_id", "cat"), [("clips/0.wav", 1), ("clips/0.wav", 1)], "1 clips are there more than once, e.g. source_id clips/0.wav"),
    "a column twice": (("source_id", "cat", "cat"), [("clips/0.wav", 1, 1)], "the column cat is there twice"),
    "other clips": (("source_id", "label", "score"), [("x.wav", "cat", 1)], "none of its 1 rows is about one of the sources"),
    "other labels": (("source_id", "label", "score"), [("clips/0.wav", "cats", 1)], "none of its labels is one of the sources' (it has, e.g., 'cats'"),
    "other labels, wide": (("source_id", "Cats", "Bells"), [("clips/0.wav", 1, 2)], "no column is a label of the sources"),
    "words": (("source_id", "label", "score"), [("clips/0.wav", "cat", "high")], "the column score holds 'high'; wanted numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_scores_that_cannot_be_used_are_explained(made, tmp_path, name):
    folder, _, _ = made
    header, rows, message = BAD[name]
    path = tmp_path / "scores.csv"
    if header is not None:
        long(path, rows, header)
    said = refused(folder / "sources.parquet", "--scores", path, "-o", tmp_path / "v.parquet")
    assert message in said
    assert str(path) in said
    assert not (tmp_path / "v.parquet").exists()


def test_embeddings_that_cannot_be_used_are_explained(made, tmp_path):
    folder, _, _ = made
    np.save(tmp_path / "e.npy", np.zeros((3, 4), np.float32))
    words = (folder / "sources.parquet", "-o", tmp_path / "v.parquet", "--embeddings")
    assert "e.txt does not exist" in refused(*words, tmp_path / "e.npy")
    (tmp_path / "e.txt").write_text("clips/0.wav\nclips/1.wav\n")
    assert "shape (3, 4) and" in refused(*words, tmp_path / "e.npy")
    (tmp_path / "e.txt").write_text("clips/0.wav\nclips/1.wav\nclips/1.wav\n")
    assert "1 clips are there more than once" in refused(*words, tmp_path / "e.npy")
    pq.write_table(
        pa.table({"source_id": ["clips/0.wav", "clips/1.wav"], "embedding": [[1.0], [1.0, 2.0]]}),
        tmp_path / "e.parquet",
    )
    assert "embeddings of the lengths 1, 2" in refused(*words, tmp_path / "e.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no table")
    assert "is not readable" in refused(*words, tmp_path / "broken.parquet")
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "o.txt").write_text("clips/0.wav\n")
    assert "is not readable as a numpy array" in refused(*words, tmp_path / "o.npy")


def test_paths_in_two_roots_need_ids(made, tmp_path):
    folder, _, _ = made
    table = pq.read_table(folder / "sources.parquet")
    paths = table.column("path").to_pylist()
    paths[1] = paths[0]
    table = table.set_column(table.schema.get_field_index("path"), "path", pa.array(paths))
    pq.write_table(table, tmp_path / "s.parquet")
    said = refused(tmp_path / "s.parquet", "--scores", folder / "wide.csv", "-o", tmp_path / "v.parquet")
    assert "0.wav is in two roots of the sources; name them by source_id" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [({}, "wanted a judge"), ({"scores": "s", "precision": 1.0}, "--precision 1"), ({"scores": "s", "precision": 0.2}, "--precision 0.2"),
     ({"scores": "s", "trial": 0.0}, "--trial 0"), ({"scores": "s", "trial": 0.7}, "--trial 0.7")],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(words, message):
    with pytest.raises(UsageError, match=message):
        synth.clean("sources.parquet", **words)


def test_sources_without_labels_are_refused(tmp_path):
    sources(tmp_path / "s.parquet", [[], []])
    long(tmp_path / "s.csv", [("clips/0.wav", "cat", 1)])
    assert "none of its 2 recordings is usable and has a label" in refused(
        tmp_path / "s.parquet", "--scores", tmp_path / "s.csv", "-o", tmp_path / "v.parquet"
    )


def judged_by_people(path, out, chosen, wrong):
    """Write what people said of some rows of a table of verdicts."""
    rows = pq.read_table(path).to_pylist()
    for k in chosen:
        rows[k] |= {"verdict": "wrong" if wrong[k] else "keep", "reason": "heard", "by": "human"}
    table = pa.Table.from_pylist(rows, VERDICTS.schema())
    pq.write_table(table.replace_schema_metadata(pq.read_schema(path).metadata), out)


@pytest.mark.parametrize(("deaf", "decision"), [(0.25, "withdrawn"), (0.0, "judged")])
def test_hearing_thirty_rejected_clips_withdraws_what_a_deaf_judge_rejects(tmp_path, deaf, decision):
    """A quarter of the right clips of a class score like other clips: no statistic of the scores can tell."""
    carriers, others, wrong = simulated.alone(800, 3.5, 0.1, 21, deaf)
    wrong = np.r_[wrong, np.zeros(len(others), bool)]
    ids = sources(tmp_path / "s.parquet", [["oboe"]] * len(carriers) + [["other"]] * len(others))
    scores = long(tmp_path / "s.csv", list(zip(ids, ["oboe"] * len(ids), np.r_[carriers, others], strict=True)))
    words = (tmp_path / "s.parquet", "--scores", scores)
    before = cleaned(*words, "-o", tmp_path / "model.parquet")
    rows = pq.read_table(tmp_path / "model.parquet").to_pylist()
    gone = np.array([k for k, row in enumerate(rows) if row["verdict"] == "wrong"])
    assert len(gone) >= 30
    assert before["classes"]["oboe"]["expected"] >= 0.9
    chosen = np.random.default_rng(0).permutation(gone)[:30]
    judged_by_people(tmp_path / "model.parquet", tmp_path / "heard.parquet", chosen, wrong)
    after = cleaned(*words, "--review", tmp_path / "heard.parquet", "-o", tmp_path / "after.parquet")
    assert after["classes"]["oboe"]["decision"] == decision
    assert after["human"] == 30
    rows = pq.read_table(tmp_path / "after.parquet").to_pylist()
    by_model = [row for row in rows if row["label"] == "oboe" and row["by"] == "model"]
    left = [row for row in by_model if row["verdict"] == "wrong"]
    assert len(left) == (0 if decision == "withdrawn" else len(gone) - 30)
    if decision == "withdrawn":
        heard_wrong = int(wrong[chosen].sum())
        reason = f"not rejected: of 30 rejected clips that were heard, {heard_wrong} were wrong"
        assert sum(row["reason"].startswith(reason) for row in by_model) >= len(gone) - 30


def test_what_people_said_stays_in_the_same_file(made, tmp_path):
    folder, _, _ = made
    out = tmp_path / "v.parquet"
    words = (folder / "sources.parquet", "--scores", folder / "long.csv", "-o", out)
    cleaned(*words)
    rows = pq.read_table(out).to_pylist()
    flipped = np.array([row["verdict"] != "wrong" for row in rows])
    judged_by_people(out, out, [0, 1, 2], flipped)
    gone = pa.Table.from_pylist(
        [{**rows[0], "source_id": "clips/gone.wav", "by": "human", "verdict": "keep"}], VERDICTS.schema()
    )
    meta = pq.read_schema(out).metadata
    pq.write_table(
        pa.concat_tables([pq.read_table(out).replace_schema_metadata(None), gone]).replace_schema_metadata(meta), out
    )
    said = cleaned(*words)
    assert (said["human"], said["human_gone"]) == (3, 1)
    after = pq.read_table(out).to_pylist()
    assert [row["by"] for row in after[:4]] == ["human"] * 3 + ["model"]
    assert [row["verdict"] for row in after[:3]] == ["wrong" if flipped[k] else "keep" for k in range(3)]
    assert [row["p_wrong"] for row in after[:3]] == [row["p_wrong"] for row in rows[:3]]
    assert (after[-1]["source_id"], after[-1]["by"]) == ("clips/gone.wav", "human")


@pytest.mark.parametrize(
    ("wrong", "heard", "upper"), [(30, 30, 1.0), (0, 30, 0.0950), (15, 30, 0.6613), (27, 30, 0.9722)]
)
def test_limits_of_a_share_are_those_of_clopper_and_pearson(wrong, heard, upper):
    assert upper_precision(wrong, heard) == pytest.approx(upper, abs=2e-4)
    assert interval(wrong, heard)[0] == pytest.approx(1 - upper_precision(heard - wrong, heard))


def test_few_heard_clips_withdraw_nothing():
    assert not withdrawn(0, 4, 0.9)
    assert withdrawn(15, 30, 0.9)
    assert not withdrawn(26, 30, 0.9)


def test_the_verdicts_never_replace_an_input(made):
    folder, _, _ = made
    with pytest.raises(UsageError, match="is one of the inputs"):
        synth.clean(folder / "sources.parquet", scores=folder / "long.csv", out=folder / "sources.parquet")


def test_a_recipe_may_clean(made, tmp_path):
    folder, _, _ = made
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        f'[clean]\nsources = "{folder / "sources.parquet"}"\nscores = "{folder / "long.csv"}"\n'
        f'precision = 0.8\nout = "{tmp_path / "v.parquet"}"\n'
    )
    assert run("run", recipe).exit_code == 0
    assert pq.read_schema(tmp_path / "v.parquet").metadata[b"precision"] == b"0.8"


def test_rejected_labels_are_the_ones_that_a_manifest_drops(made, tmp_path):
    from synth.planning.verdicts import counting, kept

    folder, _, _ = made
    cleaned(folder / "sources.parquet", "--scores", folder / "long.csv", "-o", tmp_path / "v.parquet")
    rows = pq.read_table(tmp_path / "v.parquet").to_pylist()
    ids = [row["source_id"] for row in rows]
    found = kept(ids, [[row["label"]] for row in rows], (), counting(rows), "doubtful")
    assert [bool(one) for one in found.labels] == [row["verdict"] != "wrong" for row in rows]


@pytest.mark.parametrize(("share", "foreign", "d", "said"), [(0.02, 1.0, 2.5, True), (0.1, 0.0, 3.0, False)])
def test_a_number_of_wrong_labels_that_is_hardly_known_is_said(share, foreign, d, said, tmp_path):
    scores, given, _ = simulated.together(300, 3, d, share, foreign, 4)
    ids = sources(tmp_path / "sources.parquet", [[NAMES[k]] for k in given])
    rows = [(one, *line) for one, line in zip(ids, scores, strict=True)]
    long(tmp_path / "wide.csv", rows, ("source_id", *NAMES[:3]))
    words = ("--scores", tmp_path / "wide.csv", "--precision", "0.8", "-o", tmp_path / "v.parquet")
    found = cleaned(tmp_path / "sources.parquet", *words)
    assert found["verdicts"]["wrong"] > 0
    assert any("too few to be sure of the requested precision" in one for one in found["warnings"]) == said
