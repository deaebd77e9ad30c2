"""AudioSet's lists from a server on this machine: once, whole, with their checksum, or not at all."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from synth.errors import InputError
from synth.fetching import lists
from synth.fetching.archives import NotFetchedError
from tests.fetching.loopback import Fault, serving

CONTENT = b'# a list\n--PJHxphWEs, 30.000, 40.000, "/m/09x0r"\n' * 5000


def known(content: bytes | None = CONTENT) -> lists.Published:
    return replace(lists.SEGMENTS["eval"], sha256=sha256(content).hexdigest() if content is not None else None)


def quiet(what: str, done: int, total: int) -> None:
    assert what == "downloading eval_segments.csv"
    assert done <= total


@pytest.fixture
def site(monkeypatch):
    with serving() as made:
        monkeypatch.setenv(lists.BASE_VARIABLE, made.base)
        made.files["/eval_segments.csv"] = CONTENT
        yield made


def test_a_list_is_downloaded_once(site, tmp_path):
    for _ in range(2):
        path = lists.get(known(), tmp_path / "cache", quiet)
        assert path.read_bytes() == CONTENT
    assert [one for one, _ in site.requests] == ["/eval_segments.csv"]
    assert [one.name for one in path.parent.iterdir()] == ["eval_segments.csv"]


def test_without_a_known_checksum_the_length_must_be_right(site, tmp_path):
    assert lists.get(known(None), tmp_path, quiet).read_bytes() == CONTENT
    (tmp_path / "eval_segments.csv").unlink()
    site.faults["/eval_segments.csv"] = [Fault(cut_after=1000)]
    with pytest.raises(NotFetchedError, match="cut after"):
        lists.get(known(None), tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("packed", ["", ".gz", ".xz"])
def test_a_list_that_was_put_there_is_used(site, tmp_path, packed):
    mine = tmp_path / f"eval_segments.csv{packed}"
    mine.write_bytes(b"mine")
    assert lists.get(known(), tmp_path, quiet) == mine
    assert site.requests == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(status=404), "HTTP 404"),
        (Fault(status=500), "HTTP 500"),
        (Fault(cut_after=70_000), "cut after"),
        (Fault(content=b"<html>a sign-in page</html>"), "another checksum"),
        (Fault(location="file:///etc/passwd"), "HTTP 302"),
    ],
)
def test_what_cannot_be_had_leaves_nothing_and_says_what_to_get(site, tmp_path, fault, says):
    site.faults["/eval_segments.csv"] = [fault]
    with pytest.raises(NotFetchedError) as error:
        lists.get(known(), tmp_path, quiet)
    for one in (says, f"{site.base}/eval_segments.csv", str(tmp_path), "--csv FOLDER"):
        assert one in str(error.value)
    assert list(tmp_path.iterdir()) == []
    assert lists.get(known(), tmp_path, quiet).is_file(), "the next run asks again"


def test_a_server_that_sends_without_end_fills_no_disk(site, tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "MOST_BYTES", 50_000)
    with pytest.raises(NotFetchedError, match="more than 50,000 bytes"):
        lists.get(known(), tmp_path, quiet)
    assert site.sent <= len(CONTENT)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv(lists.BASE_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(InputError, match="refused"):
        lists.get(known(), tmp_path, quiet)


def test_the_official_places(monkeypatch):
    monkeypatch.delenv(lists.BASE_VARIABLE, raising=False)
    google = "http://storage.googleapis.com/us_audioset/youtube_corpus/v1"
    assert lists.SEGMENTS["unbalanced"].url == f"{google}/csv/unbalanced_train_segments.csv"
    assert lists.QUALITY.url == f"{google}/qa/qa_true_counts.csv"


def test_the_checksums_are_those_of_the_real_files():
    from tests.corpora.audioset_real import FOLDER
    from tests.real_data import DATA

    if DATA is None:
        pytest.skip("no real recordings")
    for one in (lists.SEGMENTS["balanced"], lists.SEGMENTS["eval"], lists.LABELS, lists.QUALITY, lists.ONTOLOGY):
        assert sha256((FOLDER / one.name).read_bytes()).hexdigest() == one.sha256
