"""From a label to clips: what is selected from the real lists, what that takes, and what a fetch leaves."""

from __future__ import annotations

import json
import lzma
import shutil
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from synth.cli.main import main
from synth.errors import InputError, UsageError
from synth.fetching import download, lists
from synth.steps.fetch_audioset import fetch_audioset
from tests.audio.media import encoded, noise
from tests.corpora import audioset_real as real
from tests.fetching.server import Site, Video
from tests.real_data import needs_data

BOTH = (real.BALANCED, real.EVAL)
NAME = {real.ACCORDION: "Accordion", real.BABY_CRY: "Baby cry, infant cry", real.INSTRUMENT: "Musical instrument"}


@lru_cache(maxsize=1)
def published() -> dict[str, real.Row]:
    """Return the rows of the balanced and the evaluation list."""
    with lzma.open(real.UNBALANCED, "rt") as file:
        others = {line[:11] for line in file}
    return {ytid: row for ytid, row in real.rows().items() if ytid not in others}


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """Nothing is to be had from the network unless a test says so, and the cache is empty."""
    monkeypatch.setenv(lists.BASE_VARIABLE, "http://127.0.0.1:9")
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)


def command(*words: object) -> tuple[int, str, str]:
    found = CliRunner().invoke(main, ["fetch-audioset", *map(str, words)], prog_name="synth")
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.stdout, " ".join(found.stderr.split())


def dry(*words: object) -> dict:
    code, out, said = command(*words, "--dry-run", "--json")
    assert code == 0, said
    return json.loads(out)


def small(folder: Path, *rows: str, classes: bool = True) -> Path:
    """A folder with a list of segments of one's own, and the classes."""
    folder.mkdir(exist_ok=True)
    (folder / "mine.csv").write_text("".join(f"{row}\n" for row in rows))
    if classes:
        (folder / "class_labels_indices.csv").write_text(
            'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man speaking"\n2,/m/0mkg,"Accordion"\n'
        )
    return folder


MINE = (
    'AAAAAAAAAA0, 0.000, 10.000, "/m/0mkg"',
    'AAAAAAAAAA1, 0.000, 10.000, "/m/0mkg,/m/09x0r"',
    'AAAAAAAAAA2, 0.000, 10.000, "/m/0mkg,/m/05zppz"',
    'AAAAAAAAAA3, 0.000, 10.000, "/m/09x0r"',
)


# --- the real lists


@needs_data
@pytest.mark.parametrize(
    ("mid", "counts"), [(real.ACCORDION, (61, 61)), (real.BABY_CRY, (60, 60)), (real.INSTRUMENT, (532, 406))]
)
def test_direct_labels_of_the_real_lists(mid, counts):
    by_name = dry("--label", NAME[mid].upper(), "--csv", real.BALANCED, "--csv", real.EVAL)
    by_mid = dry("--label", mid, "--csv", real.BALANCED, "--csv", real.EVAL)
    assert by_name == by_mid
    assert by_name["labels"] == {NAME[mid]: sum(counts)}
    assert by_name["details"][0]["direct"] == dict(zip(("balanced", "eval"), counts, strict=True))
    assert (by_name["selected"], by_name["rows"], by_name["skipped"]) == (sum(counts), 42_531, 0)
    seconds = sum(end - start for start, end, mids in published().values() if mid in mids)
    assert by_name["hours"] == pytest.approx(seconds / 3600, abs=1e-3)
    assert by_name["eta_h"] == pytest.approx(by_name["videos"] / 300, abs=1e-3)
    assert by_name["expected"] == round(0.84 * sum(counts))


@needs_data
def test_the_whole_folder_counts_all_three_and_names_the_partial_one():
    found = dry("--label", "Accordion", "--csv", real.FOLDER)
    assert found["details"][0]["direct"] == {"balanced": 61, "eval": 61, "unbalanced": 99}
    [part] = [one for one in found["lists"] if one["partial"]]
    assert part["subset"] == "unbalanced"
    assert "107,288" in part["notes"][0]
    assert "2,041,789" in part["notes"][0]
    code, said, _ = command("--label", "Accordion", "--csv", real.FOLDER, "--dry-run")
    assert code == 0
    assert "partial: 107,288 rows, its header claims 2,041,789" in said
    assert "221 clips selected" in said
    assert "44 min" in said
    assert "about 186 (84%)" in said


@needs_data
@pytest.mark.parametrize(("subset", "count"), [("balanced", 61), ("eval", 61), ("unbalanced", 99)])
def test_subsets(subset, count):
    assert dry("--label", "Accordion", "--csv", real.FOLDER, "--subset", subset)["selected"] == count


@needs_data
def test_descendants_are_the_graph_walk():
    nodes = {node["id"]: node["child_ids"] for node in json.loads((real.FOLDER / "ontology.json").read_text())}

    def below(mid: str) -> set[str]:
        return {mid}.union(*(below(child) for child in nodes[mid]))

    wanted = below(real.INSTRUMENT)
    truth = sum(bool(wanted & set(mids)) for _, _, mids in published().values())
    found = dry("--label", "Musical instrument", "--descendants", "--csv", real.FOLDER, "--subset", "balanced")
    both = dry(
        "--label", "Musical instrument", "--descendants", "--csv", real.FOLDER, "--subset=balanced", "--subset=eval"
    )
    assert both["selected"] == truth
    assert found["selected"] > 532


@needs_data
def test_without_single_label_and_quality():
    rows = [mids for _, _, mids in published().values() if real.ACCORDION in mids]
    base = ("--label", "Accordion", "--csv", real.FOLDER, "--subset", "balanced", "--subset", "eval")
    assert dry(*base)["selected"] == len(rows) == 122
    music = sum("/m/04rlf" not in mids for mids in rows)
    assert dry(*base, "--without", "Music")["selected"] == music == 105
    either = sum(not {"/m/04rlf", "/m/05zppz"} & set(mids) for mids in rows)
    assert dry(*base, "--without", "Music,Male speech, man speaking")["selected"] == either
    assert dry(*base, "--without", "Male speech, man speaking", "--without", "Music")["selected"] == either
    assert dry(*base, "--single-label")["selected"] == sum(len(mids) == 1 for mids in rows)
    assert dry(*base, "--min-quality", 0.9)["selected"] == 122
    code, _, said = command(*base, "--min-quality", 0.95, "--dry-run")
    assert code == 3
    assert "Accordion (90% true)" in said


@needs_data
def test_raising_the_limit_keeps_what_was_chosen():
    labels = ("Accordion", "Baby cry, infant cry", "Musical instrument")

    def chosen(**more: object) -> set[str]:
        return {one.item_id for one in fetch_audioset(labels, csv=BOTH, dry_run=True, **more).wanted}

    before: set[str] = set()
    for limit in (1, 10, 100, 500, 5000):
        now = chosen(limit=limit)
        assert before <= now
        assert len(now) <= limit
        before = now
    before = set()
    for most in (1, 20, 61, 400):
        now = chosen(max_per_label=most)
        assert before <= now
        before = now
    assert chosen(limit=50, seed=1) != chosen(limit=50)


@needs_data
@pytest.mark.parametrize("path", sorted(real.FOLDER.glob("variants/*")), ids=lambda path: path.name[:2])
def test_damaged_copies_end_in_a_count_or_in_a_reason(path, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    shutil.copyfile(real.FOLDER / "class_labels_indices.csv", folder / "class_labels_indices.csv")
    shutil.copyfile(path, folder / path.name)
    code, out, said = command("--label", "/m/09x0r", "--csv", folder / path.name, "--dry-run", "--json")
    if code == 0:
        found = json.loads(out)
        lines = [line for line in path.read_bytes().decode().splitlines() if line.strip(", ")]
        heads = sum(line.startswith(("# ", "YTID", "Column1")) for line in lines)
        assert found["rows"] + found["skipped"] == len(lines) - heads
        assert found["selected"] == found["labels"]["Speech"] <= found["rows"]
        assert sum(sum(one["skipped"].values()) for one in found["lists"]) == found["skipped"]
    else:
        assert code == 3
        assert path.name[:2] in ("01", "03", "14", "18")
        assert path.name in said or "no segment is as asked" in said


# --- what is asked for, and where names come from


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "--label"),
        (("--label", "Akkordeon"), 2, "did you mean 'Accordion'?"),
        (("--label", "Speech,Accordion"), 2, "no label of AudioSet"),
        (("--label", "$(touch x); rm -rf ~"), 2, "no label of AudioSet"),
        (("--label", "Accordion", "--without", "Speach"), 2, "did you mean 'Speech'?"),
        (("--label", "Accordion", "--without", "Accordion"), 2, "asked for by --label and excluded by --without"),
        (("--label", "Accordion", "--subset", "test"), 2, "balanced, eval, unbalanced"),
        (("--label", "Accordion", "--limit", "0"), 2, "--limit 0"),
        (("--label", "Accordion", "--max-per-label", "-1"), 2, "--max-per-label -1"),
        (("--label", "Accordion", "--min-quality", "90"), 2, "0 to 1"),
        (("--label", "Accordion", "--pace", "fast"), 2, "300/h"),
        (("--label", "Accordion", "--pace", "0/h"), 2, "300/h"),
        (("--label", "/m/0zzzz"), 3, "no segment is as asked"),
        (("--label", "Accordion", "--subset", "eval"), 3, "its subset is not known"),
        (("--label", "Accordion", "--descendants"), 3, "ontology.json is not here"),
        (("--label", "Accordion", "--exclude-ids", "none.txt"), 3, "none.txt"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(tmp_path, words, code, says):
    folder = small(tmp_path / "lists", *MINE)
    found, out, said = command(*words, "--csv", folder, "--dry-run")
    assert found == code, said
    assert out == ""
    assert says in said
    assert not any(path.name not in ("lists", "cache") for path in tmp_path.iterdir())


def test_names_need_the_class_list_and_mids_do_not(tmp_path):
    folder = small(tmp_path / "lists", *MINE, classes=False)
    assert dry("--label", "/m/0mkg", "--csv", folder)["labels"] == {"/m/0mkg": 3}
    code, _, said = command("--label", "Accordion", "--csv", folder, "--dry-run")
    assert code == 3
    assert all(text in said for text in ("class_labels_indices.csv", str(tmp_path / "cache" / "audioset"), "/m/0mkg"))
    cached = tmp_path / "cache" / "audioset"
    small(cached, *MINE)
    (cached / "mine.csv").unlink()
    assert dry("--label", "Accordion", "--csv", folder)["labels"] == {"Accordion": 3}


@needs_data
def test_without_csv_the_lists_are_downloaded_once_and_cached(tmp_path, monkeypatch):
    from tests.fetching.loopback import serving

    with serving() as site:
        monkeypatch.setenv(lists.BASE_VARIABLE, site.base)
        for name in ("balanced_train_segments.csv", "eval_segments.csv", "class_labels_indices.csv", "ontology.json"):
            site.files[f"/{name}"] = (real.FOLDER / name).read_bytes()
        words = ("--label", "Accordion", "--descendants", "--subset", "balanced", "--subset", "eval")
        assert dry(*words)["selected"] == 122
        assert dry(*words)["selected"] == 122
        assert Counter(path for path, _ in site.requests) == Counter(list(site.files))
        code, _, said = command("--label", "Accordion", "--dry-run")
        assert code == 3
        assert "unbalanced_train_segments.csv is not here" in said
    assert sorted(path.name for path in (tmp_path / "cache" / "audioset").iterdir()) == sorted(
        name.strip("/") for name in site.files
    )


def test_a_folder_of_lists_is_read_by_their_form(tmp_path):
    folder = small(tmp_path / "lists", *MINE)
    (folder / "notes.txt").write_text("nothing of the kind\n")
    (folder / "qa.csv").write_text("label_id,num_rated,num_true\n/m/0mkg,10,9\n")
    (folder / "again.tsv").write_text(MINE[0].replace(", ", "\t") + "\n")
    found = dry("--label", "Accordion", "--csv", folder)
    assert [Path(one["file"]).name for one in found["lists"]] == ["again.tsv", "mine.csv"]
    assert (found["selected"], found["rows"], found["repeated"]) == (3, 5, 1)
    (folder / "mine.csv").unlink()
    (folder / "again.tsv").unlink()
    with pytest.raises(InputError, match="none of its files is a list of segments"):
        fetch_audioset(["Accordion"], csv=[folder], dry_run=True)


@pytest.mark.parametrize(
    "content", ["AAAAAAAAAA0\n", "# mine\nytid\n", "ytid,why\nAAAAAAAAAA0,noisy\n\n", "\ufeffAAAAAAAAAA0\r\n"]
)
def test_ids_that_are_not_wanted(tmp_path, content):
    folder, path = small(tmp_path / "lists", *MINE), tmp_path / "ids.txt"
    path.write_bytes(content.encode())
    if "AAAAAAAAAA0" in content:
        assert dry("--label", "Accordion", "--csv", folder, "--exclude-ids", path)["selected"] == 2
    else:
        assert command("--label", "Accordion", "--csv", folder, "--exclude-ids", path, "--dry-run")[0] == 3
    path.write_bytes(content.encode() + b"../../etc\n")
    with pytest.raises(InputError, match=r"\.\./\.\./etc"):
        fetch_audioset(["Accordion"], csv=[folder], exclude_ids=path, dry_run=True)


def test_hostile_rows_are_named_and_reach_nothing(tmp_path):
    folder = small(
        tmp_path / "lists",
        *MINE,
        '--exec, 0, 10, "/m/0mkg"',
        '../../../xx, 0, 10, "/m/0mkg"',
        'AAAAAAAAA, 0, 10, "/m/0mkg"',
        'AAAAAAAAAAAA, 0, 10, "/m/0mkg"',
        'AAAAA\0AAAAA, 0, 10, "/m/0mkg"',
    )
    found = dry("--label", "Accordion", "--csv", folder)
    assert (found["selected"], found["rows"], found["skipped"]) == (3, 4, 5)
    assert [row["line"] for row in found["lists"][0]["not_used"]] == [5, 6, 7, 8, 9]


# --- the whole way, through the real yt-dlp against a server on this machine


@pytest.fixture(scope="module")
def media() -> bytes:
    return encoded("webm", noise(6, 48000))


def test_clips_a_ledger_and_a_sources_table(tmp_path, monkeypatch, media):
    folder = small(
        tmp_path / "lists",
        'AAAAAAAAAA0, 1.000, 3.000, "/m/0mkg"',
        '-AAAAAAAAA1, 0.000, 2.000, "/m/0mkg,/m/05zppz"',
        '-AAAAAAAAA1, 2.500, 4.500, "/m/0mkg"',
        '_AAAAAAAAA2, 0.000, 5.000, "/m/0mkg"',
        'AAAAAAAAAA3, 0.000, 5.000, "/m/09x0r"',
    )
    gone = Video(error="Video unavailable. This video has been removed by the uploader")
    videos = {"AAAAAAAAAA0": Video(media, 6), "-AAAAAAAAA1": Video(media, 6), "_AAAAAAAAA2": gone}
    words = ("--label", "accordion", "--csv", folder, "--pace", "100000000/h")
    with Site(videos) as site:
        monkeypatch.setattr(download, "EXTRACTORS", [site.extractor()])
        code, out, said = command(*words, "--json")
        assert code == 4, said
        found = json.loads(out)
        assert site.asked["watch", "-AAAAAAAAA1"] == 1, "one download for both segments"
        assert site.ids() == set(videos)
        site.forget()
        assert command(*words, "--json")[0] == 4
        assert site.ids() == set(), "what is had or gone for good is not asked for again"
        assert dry(*words)["videos"] == 0
    assert "1 of 4 clips are missing" in said
    assert (found["out"], found["asked"], found["had"]) == ("accordion", 4, 3)
    assert found["by_status"] == {"ok": 3, "gone": 1}
    assert found["yield"]["share"] == 0.75
    assert 0 < found["yield"]["low"] < 0.75 < found["yield"]["high"] < 1
    ledger = pq.read_table("accordion/ledger.parquet").to_pylist()
    assert {row["item_id"]: row["status"] for row in ledger} == {
        "AAAAAAAAAA0_1000": "ok",
        "-AAAAAAAAA1_0": "ok",
        "-AAAAAAAAA1_2500": "ok",
        "_AAAAAAAAA2_0": "gone",
    }
    sources = {row["start_s"]: row for row in pq.read_table("accordion/sources.parquet").to_pylist()}
    assert len(sources) == 3
    one = sources[0.0]
    assert one["labels"] == ["Accordion", "Male speech, man speaking"]
    assert (one["mids"], one["ytid"], one["end_s"]) == (["/m/0mkg", "/m/05zppz"], "-AAAAAAAAA1", 2.0)
    assert (one["rate_hz"], one["frames"], one["channels"]) == (48000, 96000, 1)
    assert one["group_id"] == sources[2.5]["group_id"]
    assert "-AAAAAAAAA1" in one["attribution"]


def test_nothing_had_is_exit_4_without_a_sources_table(tmp_path, monkeypatch):
    folder = small(tmp_path / "lists", MINE[0])
    with Site(
        {"AAAAAAAAAA0": Video(error="Private video. Sign in if you've been granted access to this video")}
    ) as site:
        monkeypatch.setattr(download, "EXTRACTORS", [site.extractor()])
        code, out, said = command(
            "--label", "Accordion", "--csv", folder, "--pace", "1000000/h", "--out", "x", "--json"
        )
    assert code == 4, said
    assert json.loads(out)["by_status"] == {"private": 1}
    assert json.loads(out)["sources"] is None
    assert not Path("x/sources.parquet").exists()
    assert Path("x/ledger.parquet").exists()


def test_no_label_is_a_usage_error():
    with pytest.raises(UsageError, match="--label"):
        fetch_audioset([])
