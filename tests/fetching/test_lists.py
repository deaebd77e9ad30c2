"""AudioSet's lists from a server on this machine: once, whole, with their checksum or their own count, or not at all."""

from __future__ import annotations

from hashlib import sha256

import pytest

from synth.errors import UsageError
from synth.fetching import lists
from synth.fetching.archives import NotFetchedError
from tests.fetching.loopback import Fault, serving
from tests.real_data import DATA, needs_data

NAME = "unbalanced_train_segments.csv"
ROWS = 9000
HEAD = f"# Segments csv created\n# num_ytids={ROWS}, num_segs={ROWS}\n# YTID, start_seconds, end_seconds, positive_labels\n"
CONTENT = (HEAD + '--PJHxphWEs, 30.000, 40.000, "/m/09x0r"\n' * ROWS).encode()


def quiet(what: str, done: int, total: int) -> None:
    assert what == f"downloading {NAME}"
    assert 0 < done <= total


@pytest.fixture
def site(monkeypatch, tmp_path):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path))
    with serving() as made:
        monkeypatch.setenv(lists.BASE_VARIABLE, f"{made.base}/a/copy/")
        made.files[f"/a/copy/{NAME}"] = CONTENT
        yield made


def test_a_list_is_downloaded_once(site, tmp_path):
    for _ in range(2):
        assert lists.bring(NAME, quiet).read_bytes() == CONTENT
    assert [path for path, _ in site.requests] == [f"/a/copy/{NAME}"]
    assert [path.name for path in (tmp_path / "audioset").iterdir()] == [NAME]


@pytest.mark.parametrize("packed", ["", ".gz", ".xz"])
def test_a_list_that_was_put_there_is_used(site, tmp_path, packed):
    mine = tmp_path / "audioset" / f"{NAME}{packed}"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    assert lists.bring(NAME, quiet) == mine
    assert site.requests == []


@pytest.mark.parametrize("fault", [Fault(cut_after=70_000), Fault(status=503), Fault(content=HEAD.encode())])
def test_what_may_pass_is_tried_again(site, fault):
    site.faults[f"/a/copy/{NAME}"] = [fault]
    assert lists.bring(NAME, quiet).read_bytes() == CONTENT
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(status=404), "HTTP 404"),
        (Fault(status=500), "HTTP 500"),
        (Fault(cut_after=70_000), "cut after"),
        (Fault(cut_after=70_000, no_length=True), "not whole: "),
        (Fault(content=b"<html>a sign-in page</html>"), "it has no header of AudioSet's"),
        (Fault(location="file:///etc/passwd"), "HTTP 302"),
    ],
)
def test_what_cannot_be_had_leaves_nothing_and_says_what_to_get(site, tmp_path, fault, says):
    site.for_ever = True
    site.faults[f"/a/copy/{NAME}"] = [fault]
    with pytest.raises(NotFetchedError) as error:
        lists.bring(NAME, quiet)
    for text in (says, f"{site.base}/a/copy/{NAME}", f"put it into {tmp_path / 'audioset'}", "--csv FOLDER"):
        assert text in str(error.value)
    assert list((tmp_path / "audioset").iterdir()) == []


def test_a_server_that_sends_without_end_fills_no_disk(site, tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "MOST_BYTES", 50_000)
    with pytest.raises(NotFetchedError, match="more than 50,000 bytes"):
        lists.bring(NAME, quiet)
    assert list((tmp_path / "audioset").iterdir()) == []
    assert len(site.requests) == 1


def test_a_server_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv(lists.BASE_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(NotFetchedError, match="refused"):
        lists.bring(NAME, quiet)
    monkeypatch.setenv(lists.BASE_VARIABLE, "file:///etc")
    with pytest.raises(UsageError, match="wanted a web address"):
        lists.bring(NAME, quiet)


def test_the_official_places(monkeypatch):
    monkeypatch.delenv(lists.BASE_VARIABLE, raising=False)
    google = "http://storage.googleapis.com/us_audioset/youtube_corpus/v1"
    assert lists.address(NAME) == f"{google}/csv/{NAME}"
    assert lists.address("qa_true_counts.csv") == f"{google}/qa/qa_true_counts.csv"
    assert lists.address("ontology.json").startswith("https://raw.githubusercontent.com/audioset/ontology/")


@needs_data
def test_the_checksums_are_those_of_the_real_files():
    known = [one for one in lists.FILES.values() if one.sha256]
    assert len(known) == 5
    for one in known:
        content = (DATA / "audioset" / one.name).read_bytes()
        assert (sha256(content).hexdigest(), len(content)) == (one.sha256, one.bytes)
