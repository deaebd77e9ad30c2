"""What ``synth fetch-audioset`` chooses and says before it fetches anything: on the real lists, and on none at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from synth.cli.main import main
from synth.corpora.audioset import classes, segments
from tests.fetching.loopback import Fault, serving
from tests.real_data import DATA, needs_data

REAL = DATA / "audioset" if DATA else Path("audioset")
HEAD = "# Segments csv created\n# num_ytids={n}, num_segs={n}\n# YTID, start_seconds, end_seconds, positive_labels\n"
NAMES = 'index,mid,display_name\n0,/m/0mkg,"Accordion"\n1,/m/05zppz,"Male speech, man speaking"\n2,/m/09x0r,"Speech"\n'


@pytest.fixture
def site(monkeypatch, tmp_path):
    """A server for AudioSet's files, and a cache that has none of them; nothing else can be reached."""
    with serving() as site:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, site.base)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "127.0.0.1")
        monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        yield site


@pytest.fixture
def own(tmp_path):
    """A folder with five segments, three damaged lines and the names of three classes."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "class_labels_indices.csv").write_text(NAMES)
    (folder / "mine.csv").write_text(
        HEAD.format(n=8)
        + "".join(f'accord_{k:04d}, {k}0.000, {k}5.000, "/m/0mkg"\n' for k in range(3))
        + 'voice__0000, 0.000, 10.000, "/m/0mkg,/m/05zppz"\nvoice__0001, 0.000, 10.000, "/m/0mkg,/m/09x0r"\n'
        + '#NAME?, 0.000, 10.000, "/m/0mkg"\n#NAME?, 0.000, 10.000, "/m/0mkg"\naccord_0009, 10.000, 5.000, "/m/0mkg"\n'
    )
    return folder


def run(*words: object, code: int = 0):
    found = CliRunner().invoke(main, ["fetch-audioset", *map(str, words)], prog_name="synth")
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    assert found.exit_code == code, found.output
    return found


def dry(*words: object) -> dict:
    return json.loads(run(*words, "--dry-run", "--json").stdout)


def says(found) -> str:
    return " ".join(found.output.split())


@needs_data
@pytest.mark.parametrize(
    ("label", "balanced", "evaluation"),
    [
        ("Accordion", 61, 61),
        ("ACCORDION", 61, 61),
        ("/m/0mkg", 61, 61),
        ("Baby cry, infant cry", 60, 60),
        ("musical instrument", 532, 406),
    ],
)
def test_direct_labels_of_the_real_lists(site, label, balanced, evaluation):
    name = {"/m/0mkg": "Accordion", "ACCORDION": "Accordion", "musical instrument": "Musical instrument"}.get(
        label, label
    )
    for subset, expected in (("balanced", balanced), ("eval", evaluation)):
        found = dry("--label", label, "--csv", REAL, "--subset", subset)
        assert found["selected"] == expected
        assert found["labels"] == {name: expected}
    both = dry("--label", label, "--csv", REAL / "balanced_train_segments.csv", "--csv", REAL / "eval_segments.csv")
    assert both["selected"] == balanced + evaluation
    assert (both["rows"], both["skipped"]) == (22_160 + 20_371, 0)
    assert both["candidates"] == both["labels"]
    assert not site.requests, "all that is needed lies beside the lists"


@needs_data
def test_without_a_subset_all_lists_of_a_folder_count_and_a_partial_one_is_named(site):
    found = run("--label", "Accordion", "--csv", REAL, "--dry-run")
    assert "221 clips chosen" in says(found)
    assert "partial: 107,288 rows, its header claims 2,041,789" in says(found)
    assert dry("--label", "Accordion", "--csv", REAL)["rows"] == 149_819


@needs_data
def test_descendants_are_those_of_the_graph(site):
    found = dry("--label", "Musical instrument", "--descendants", "--csv", REAL, "--subset", "balanced")
    graph = json.loads((REAL / "ontology.json").read_text())
    below, waiting = set(), ["/m/04szw"]
    while waiting:
        mid = waiting.pop()
        if mid not in below:
            below.add(mid)
            waiting += next(node["child_ids"] for node in graph if node["id"] == mid)
    rows = segments.read(REAL / "balanced_train_segments.csv")
    direct = [set(rows.labels(k)) for k in range(len(rows))]
    assert found["selected"] == sum(bool(one & below) for one in direct) > 532
    names = classes.read(REAL / "class_labels_indices.csv").names
    assert found["labels"] == {
        names[mid]: count for mid in below if mid in names and (count := sum(mid in one for one in direct))
    }
    assert found["labels"]["Musical instrument"] == 532
    abstract = dry("--label", "Human sounds", "--descendants", "--csv", REAL, "--subset", "balanced")
    assert abstract["selected"] > 0, "a class without segments of its own"


@needs_data
def test_unwanted_labels_one_label_and_limits(site):
    where = ("--csv", REAL, "--subset", "balanced")
    rows = segments.read(REAL / "balanced_train_segments.csv")
    direct = [set(rows.labels(k)) for k in range(len(rows)) if "/m/0mkg" in rows.labels(k)]
    music, man = "/m/04rlf", "/m/05zppz"
    alone = sum(len(one) == 1 for one in direct)
    assert dry("--label", "Accordion", "--single-label", *where)["selected"] == alone
    assert 0 < alone < 61
    kept = sum(not one & {music, man} for one in direct)
    for words in (("Music,Male speech, man speaking",), ("Male speech, man speaking", "--without", "music")):
        assert dry("--label", "Accordion", "--without", *words, *where)["selected"] == kept < 61
    found = dry("--label", "Accordion", "--label", "Music", "--max-per-label", 20, *where)
    assert found["labels"] == {"Accordion": 20, "Music": 20}
    union = sum(bool({"/m/0mkg", music} & set(rows.labels(k))) for k in range(len(rows)))
    assert found["left_out"] == {"beyond the limits": union - found["selected"]}
    assert 20 <= found["selected"] <= 40
    assert dry("--label", "Accordion", "--limit", 7, *where)["selected"] == 7


@needs_data
def test_quality_leaves_out_what_was_rated_lower_or_never(site):
    quality = classes.read_quality(REAL / "qa_true_counts.csv")
    names = classes.read(REAL / "class_labels_indices.csv").names
    unrated = next(mid for mid, share in quality.items() if share is None)
    where = ("--csv", REAL, "--subset", "balanced")
    found = dry("--label", "Accordion", "--label", "Zither", "--label", unrated, "--min-quality", 0.9, *where)
    assert set(found["labels"]) == {"Accordion"}
    assert f"never rated: {names[unrated]}" in " ".join(found["notes"])
    assert "rated lower: Zither" in " ".join(found["notes"])
    assert "no asked label is left" in says(run("--label", "Zither", "--min-quality", 0.9, *where, code=3))


@needs_data
def test_excluded_ids(site, tmp_path):
    rows = segments.read(REAL / "balanced_train_segments.csv")
    mine = [k for k in range(len(rows)) if "/m/0mkg" in rows.labels(k)]
    one, other = mine[:2]
    (tmp_path / "ids.txt").write_text(
        f"# not these\n{rows.ytid[one].decode()}, 1.0, 2.0\n"
        f"{rows.ytid[other].decode()}_{round(rows.start_s[other] * 1000)}\n\n"
    )
    where = ("--label", "Accordion", "--csv", REAL, "--subset", "balanced")
    found = dry(*where, "--exclude-ids", tmp_path / "ids.txt")
    assert found["selected"] == 59
    assert found["left_out"] == {"excluded by their ids": 2}
    found = dry(*where, "--subset", "eval", "--exclude-ids", REAL / "balanced_train_segments.csv")
    assert found["selected"] == 61, "a list of segments excludes its videos"
    (tmp_path / "ids.txt").write_text("ytid\n../../etc/passwd\n")
    assert "line 2: '../../etc/passwd' is no id" in says(run(*where, "--exclude-ids", tmp_path / "ids.txt", code=3))


def test_every_line_that_is_not_used_is_counted_with_its_reason(site, own):
    found = dry("--label", "accordion", "--csv", own)
    assert (found["selected"], found["rows"], found["skipped"]) == (5, 5, 3)
    assert sum(found["reasons"].values()) == 3
    assert [one["line"] for one in found["skipped_lines"]] == [9, 10, 11]
    assert found["files"][0]["subset"] is None
    told = says(run("--label", "accordion", "--csv", own, "--dry-run"))
    for kind, count in found["reasons"].items():
        assert f"not used: {count} {kind}, e.g. line" in told
    assert dry("--label", "accordion", "--csv", own / "mine.csv")["selected"] == 5
    assert "does not say which list it is" in says(
        run("--label", "accordion", "--csv", own, "--subset", "eval", "--dry-run", code=3)
    )


def test_a_clip_in_two_lists_counts_once(site, own):
    shutil.copy(own / "mine.csv", own / "copy.csv")
    found = dry("--label", "accordion", "--csv", own)
    assert found["selected"] == 5
    assert found["left_out"] == {"listed twice": 5}


@needs_data
@pytest.mark.parametrize("path", sorted(REAL.glob("variants/*")), ids=lambda path: path.name[:2])
def test_damaged_copies_end_in_counts_or_in_a_reason(site, tmp_path, path):
    shutil.copyfile(path, tmp_path / path.name)
    shutil.copyfile(REAL / "class_labels_indices.csv", tmp_path / "class_labels_indices.csv")
    words = ("--label", "Speech", "--csv", tmp_path / path.name, "--dry-run")
    found = CliRunner().invoke(main, ["fetch-audioset", *map(str, words), "--json"])
    if found.exit_code == 3:
        assert path.name[:2] in ("01", "03", "14", "18")
        assert path.name in found.stderr
        return
    assert found.exit_code == 0, found.output
    counts = json.loads(found.stdout)
    lines = [line for line in path.read_bytes().decode().splitlines() if line.strip(", ")]
    heads = sum(line.startswith(("# ", "YTID", "Column1")) for line in lines)
    assert counts["rows"] + counts["skipped"] == len(lines) - heads
    assert counts["selected"] == counts["labels"]["Speech"] <= counts["rows"]
    assert sum(counts["reasons"].values()) == counts["skipped"] == len(counts["skipped_lines"])


def test_hostile_rows_are_named_and_asked_for_by_nobody(site, own):
    ids = ("--exec", "../../../xx", "AAAAAAAAA", "AAAAAAAAAAAA", "AAAAA\0AAAAA", "$(touch x)a")
    (own / "mine.csv").write_text(
        "".join(f'{one}, 0.000, 10.000, "/m/0mkg"\n' for one in ("accord_0000", "accord_0001", "accord_0002", *ids))
    )
    found = dry("--label", "Accordion", "--csv", own)
    assert (found["selected"], found["rows"], found["skipped"]) == (3, 3, 6)
    assert [one["line"] for one in found["skipped_lines"]] == [4, 5, 6, 7, 8, 9]
    assert "no label of AudioSet" in says(run("--label", "$(touch x); rm -rf ~", "--csv", own, "--dry-run", code=2))


def test_a_folder_of_lists_is_read_by_their_form(site, own):
    (own / "notes.txt").write_text("nothing of the kind\n")
    (own / "qa.csv").write_text("label_id,num_rated,num_true\n/m/0mkg,10,9\n")
    (own / "more.tsv").write_text("accord_0000\t0.000\t5.000\t/m/0mkg\nAAAAAAAAAAA\t0.000\t5.000\t/m/0mkg\n")
    found = dry("--label", "Accordion", "--csv", own)
    assert [Path(one["file"]).name for one in found["files"]] == ["mine.csv", "more.tsv"]
    assert (found["selected"], found["rows"], found["left_out"]) == (6, 7, {"listed twice": 1})
    for name in ("mine.csv", "more.tsv"):
        (own / name).unlink()
    assert "no list of segments in that folder" in says(run("--label", "Accordion", "--csv", own, "--dry-run", code=3))


def test_what_it_takes_is_said_at_the_pace(site, own):
    told = says(run("--label", "Accordion", "--csv", own, "--dry-run", "--pace", "1/h"))
    for text in (
        "5 clips chosen, 0.01 h: 5 Accordion",
        "5 videos to request at 1/h: 5.0 h at best",
        "84.3 % of balanced, 84.1 % of eval, 85.2 % of unbalanced",
        "expect 4 of 5 clips at most",
        "to download",
        "of clips in audioset-accordion",
    ):
        assert text in told
    for pace, seconds in (("300/h", 60), ("5/min", 60), ("1/min", 300), ("300", 60), ("1e9", 15)):
        assert dry("--label", "Accordion", "--csv", own, "--pace", pace)["eta_s"] == seconds


def test_unknown_labels_get_suggestions(site, own):
    told = says(run("--label", "Acordion", "--csv", own, "--dry-run", code=2))
    assert "'Acordion' is no label of AudioSet; did you mean 'Accordion'" in told
    told = says(run("--label", "Speech,Accordion", "--csv", own, "--dry-run", code=2))
    assert "'Speech,Accordion' is no label" in told, "a label is never split at commas"
    told = says(run("--label", "Accordion", "--without", "Speech,man", "--csv", own, "--dry-run", code=2))
    assert "'man' is no label" in told
    told = says(run("--label", "Accordion", "--without", "Accordion", "--csv", own, "--dry-run", code=2))
    assert "--without takes away all that --label asks for" in told


def test_unwanted_names_hold_commas(site, own):
    found = dry("--label", "Accordion", "--without", "Male speech, man speaking", "--csv", own)
    assert (found["selected"], found["left_out"]) == (4, {"with an unwanted label": 1})
    assert dry("--label", "Accordion", "--without", "Speech,Male speech, man speaking", "--csv", own)["selected"] == 3


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--label", "x", "--limit", "0"], 2, "--limit 0: wanted 1 or more"),
        (["--label", "x", "--max-per-label", "-1"], 2, "--max-per-label -1"),
        (["--label", "x", "--min-quality", "7"], 2, "--min-quality 7.0: wanted a share from 0 to 1"),
        (["--label", "x", "--subset", "evil"], 2, "did you mean 'eval'?"),
        (["--label", "x", "--pace", "fast"], 2, "--pace fast: wanted downloads over time"),
        (["--label", "x", "--pace", "0/h"], 2, "--pace 0/h"),
        (["--label", "x", "--rate", "44"], 2, "--rate 44"),
        (["--label", " "], 2, "--label"),
        ([], 2, "Missing option '--label'"),
        (["--label", "x", "--cookies", "none.txt"], 3, "--cookies none.txt: no such file"),
        (["--label", "x", "--adopt", "nowhere"], 3, "--adopt nowhere: no such file"),
        (["--label", "x"], 3, "--csv missing.csv: no such file or folder"),
    ],
)
def test_wrong_options_end_before_anything_is_read(site, words, code, text):
    assert text in says(run(*words, "--csv", "missing.csv", "--dry-run", code=code))
    assert not site.requests


def test_offline_it_says_what_to_get_and_where_to_put_it(site, own, tmp_path):
    told = says(run("--label", "Accordion", "--dry-run", code=3))
    cache = str(tmp_path / "cache" / "audioset")
    for text in ("'Accordion' is a name", "class_labels_indices.csv", f"put it into {cache}", "by its mid"):
        assert text in told
    told = says(run("--label", "/m/0mkg", "--dry-run", code=3))
    for text in ("balanced_train_segments.csv could not be fetched: http://storage.googleapis.com/us_audioset", cache):
        assert text in told
    (own / "class_labels_indices.csv").unlink()
    found = dry("--label", "/m/0mkg", "--without", "/m/05zppz,/m/09x0r", "--csv", own)
    assert (found["selected"], found["labels"]) == (3, {"/m/0mkg": 3})
    assert found["out"] == "audioset-m-0mkg"
    assert "without names" in " ".join(found["notes"])
    assert "ontology.json could not be fetched" in says(
        run("--label", "/m/0mkg", "--descendants", "--csv", own, "--dry-run", code=3)
    )


@needs_data
def test_lists_are_downloaded_once(site, monkeypatch, tmp_path):
    monkeypatch.setenv("SYNTH_AUDIOSET_URL", f"{site.base}/lists/")
    official = ("balanced_train_segments.csv", "eval_segments.csv", "class_labels_indices.csv", "ontology.json")
    for name in official:
        site.files[f"/lists/{name}"] = (REAL / name).read_bytes()
    site.files["/lists/unbalanced_train_segments.csv"] = (
        HEAD.format(n=1) + 'x__________, 0.000, 9.000, "/m/0mkg"\n'
    ).encode()
    for _ in range(2):
        found = dry("--label", "Accordion")
        assert found["selected"] == 123
        assert [one["subset"] for one in found["files"]] == ["balanced", "eval", "unbalanced"]
        asked = sorted(path for path, _ in site.requests)
        assert asked == sorted(f"/lists/{name}" for name in (*official[:3], "unbalanced_train_segments.csv"))
    assert dry("--label", "Accordion", "--descendants", "--subset", "eval")["selected"] == 61
    assert len(site.requests) == 5, "and the ontology once it is needed"
    assert sorted(path.name for path in (tmp_path / "cache" / "audioset").iterdir()) == sorted(
        (*official, "unbalanced_train_segments.csv")
    )


@needs_data
@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(content=b"<html>not this</html>"), "another checksum"),
        (Fault(cut_after=1000), "cut after"),
        (Fault(status=404), "HTTP 404"),
        (Fault(status=503), "HTTP 503"),
    ],
)
def test_a_wrong_or_cut_list_is_never_kept(site, monkeypatch, tmp_path, fault, text):
    monkeypatch.setenv("SYNTH_AUDIOSET_URL", site.base)
    site.for_ever = True
    for name in ("class_labels_indices.csv", "eval_segments.csv"):
        site.files[f"/{name}"] = (REAL / name).read_bytes()
    site.faults["/eval_segments.csv"] = [fault]
    words = ("--label", "Accordion", "--subset", "eval", "--dry-run")
    assert text in says(run(*words, code=3))
    assert [path.name for path in (tmp_path / "cache" / "audioset").iterdir()] == ["class_labels_indices.csv"]
    site.faults.clear()
    assert "61 clips chosen" in says(run(*words))


def test_a_list_without_a_known_checksum_is_held_to_its_own_count(site, monkeypatch, tmp_path):
    monkeypatch.setenv("SYNTH_AUDIOSET_URL", site.base)
    site.files["/unbalanced_train_segments.csv"] = (
        HEAD.format(n=2) + 'x__________, 0.000, 9.000, "/m/0mkg"\n'
    ).encode()
    told = says(run("--label", "/m/0mkg", "--subset", "unbalanced", "--dry-run", code=3))
    assert "not whole: 4 lines, its header claims 2 segments" in told
    cache = tmp_path / "cache" / "audioset"
    assert list(cache.iterdir()) == []
    (cache / "unbalanced_train_segments.csv").write_bytes(site.files["/unbalanced_train_segments.csv"])
    assert "1 clip chosen" in says(run("--label", "/m/0mkg", "--subset", "unbalanced", "--dry-run")), (
        "put there by hand"
    )
