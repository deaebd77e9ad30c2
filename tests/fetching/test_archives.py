"""One published file arrives whole, or nothing claims that it did."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from synth.errors import InputError, UsageError
from synth.fetching.archives import NotFetchedError, Patience, checksum, download, urls
from tests.fetching.loopback import Fault, serving

DATA = random.Random(1).randbytes(500_000)
AT = "/x/a.tar.gz"
NOW = Patience(silent_s=5, waits_s=(0.0, 0.0))


@dataclass(frozen=True)
class Wanted:
    """What is known of a published file."""

    name: str = "a.tar.gz"
    bytes: int = len(DATA)
    md5: str = hashlib.md5(DATA).hexdigest()


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """No proxy of the machine between the test and its own server."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def site():
    with serving() as site:
        site.files[AT] = DATA
        yield site


@pytest.fixture
def other():
    with serving() as site:
        site.files[AT] = DATA
        yield site


def fetched(path: Path, *sites, patience=NOW, wanted=None, said=None):
    def note(what, done, total):
        assert 0 <= done <= total
        if said is not None:
            said.append((what, done, total))

    return download(wanted or Wanted(), path, [site.url(AT) for site in sites], note, patience)


def ranges(site):
    return [asked for _, asked in site.requests]


def test_a_file_arrives_with_progress_in_bytes(site, tmp_path):
    said = []
    got = fetched(tmp_path / "a", site, said=said)
    assert (tmp_path / "a").read_bytes() == DATA
    assert (got.url, got.bytes) == (site.url(AT), len(DATA))
    assert ranges(site) == [None]
    assert ("downloading a.tar.gz", len(DATA), len(DATA)) in said
    assert said[-1] == ("checking a.tar.gz", len(DATA), len(DATA))


def test_a_whole_file_asks_nobody(site, tmp_path):
    (tmp_path / "a").write_bytes(DATA)
    assert fetched(tmp_path / "a", site).bytes == 0
    assert site.requests == []


def test_a_cut_connection_goes_on_where_it_was_cut(site, tmp_path):
    site.faults[AT] = [Fault(cut_after=100_000), Fault(cut_after=150_000)]
    got = fetched(tmp_path / "a", site)
    assert (tmp_path / "a").read_bytes() == DATA
    assert ranges(site) == [None, "bytes=100000-", "bytes=250000-"]
    assert got.bytes == site.sent == len(DATA), "not a byte is sent twice"


@pytest.mark.parametrize("fault", [Fault(cut_after=200_000, hold=True), Fault(cut_after=0, hold=True)])
def test_a_silent_server_is_left_and_the_mirror_goes_on(site, other, tmp_path, fault):
    site.faults[AT], site.for_ever = [fault], True
    fetched(tmp_path / "a", site, other, patience=Patience(0.3, ()))
    assert (tmp_path / "a").read_bytes() == DATA
    assert ranges(other) == ["bytes=200000-" if fault.cut_after else None]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=404),
        Fault(status=500),
        Fault(status=403),
        Fault(content=b"<html>sign in to this network</html>"),
        Fault(content=DATA * 10),
        Fault(length=len(DATA) * 10),
        Fault(location="ftp://127.0.0.1/a"),
        Fault(location="file:///etc/passwd"),
    ],
    ids=["404", "500", "403", "a portal", "ten times the size", "a wrong length", "to ftp", "to a file"],
)
def test_a_server_without_the_file_hands_over_to_its_mirror(site, other, tmp_path, fault):
    site.faults[AT], site.for_ever = [fault], True
    assert fetched(tmp_path / "a", site, other).url == other.url(AT)
    assert (tmp_path / "a").read_bytes() == DATA
    assert (ranges(site), ranges(other)) == ([None], [None])


def test_a_server_that_is_not_there_hands_over_to_its_mirror(site, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/a"
    got = download(Wanted(), tmp_path / "a", [nobody, site.url(AT)], lambda *_: None, NOW)
    assert got.url == site.url(AT)


def test_a_redirect_is_followed_with_its_range(site, other, tmp_path):
    (tmp_path / "a").write_bytes(DATA[:1234])
    site.faults[AT] = [Fault(location=other.url(AT))]
    fetched(tmp_path / "a", site)
    assert (tmp_path / "a").read_bytes() == DATA
    assert ranges(other) == ["bytes=1234-"]


def test_a_server_without_ranges_is_read_past_what_is_there(site, tmp_path):
    (tmp_path / "a").write_bytes(DATA[:300_000])
    site.faults[AT] = [Fault(no_range=True)]
    fetched(tmp_path / "a", site)
    assert (tmp_path / "a").read_bytes() == DATA
    assert ranges(site) == ["bytes=300000-"]


def test_a_cut_while_reading_past_loses_nothing(site, other, tmp_path):
    (tmp_path / "a").write_bytes(DATA[:300_000])
    site.faults[AT] = [Fault(no_range=True, cut_after=200_000)]
    fetched(tmp_path / "a", site, other)
    assert (tmp_path / "a").read_bytes() == DATA
    assert ranges(other) == ["bytes=300000-"]


@pytest.mark.parametrize("said", ["bytes 0-499999/500000", "bytes 1000-499999/400000", "bytes 7-9/500000", "nonsense"])
def test_an_answer_with_other_bytes_than_asked_for_is_not_used(site, other, tmp_path, said):
    (tmp_path / "a").write_bytes(DATA[:1000])
    site.faults[AT] = [Fault(content_range=said)]
    assert fetched(tmp_path / "a", site, other).url == other.url(AT)
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_server_that_says_no_length_and_never_ends_fills_no_disk(site, other, tmp_path):
    junk = random.Random(2).randbytes(10 * len(DATA))
    site.faults[AT] = [Fault(content=junk, no_length=True)]
    largest = 0

    def watch(*_):
        nonlocal largest
        largest = max(largest, (tmp_path / "a").stat().st_size)

    download(Wanted(), tmp_path / "a", [site.url(AT), other.url(AT)], watch, NOW)
    assert (tmp_path / "a").read_bytes() == DATA
    assert largest == len(DATA)


def test_a_wrong_checksum_is_fetched_once_more_from_the_mirror(site, other, tmp_path):
    site.files[AT] = DATA[:-1] + bytes([DATA[-1] ^ 1])
    got = fetched(tmp_path / "a", site, other)
    assert (got.url, got.bytes) == (other.url(AT), 2 * len(DATA))
    assert (tmp_path / "a").read_bytes() == DATA
    assert (ranges(site), ranges(other)) == ([None], [None])


def test_who_has_another_file_is_not_asked_for_it_again(site, other, tmp_path):
    site.files[AT] = bytes(len(DATA))
    other.faults[AT] = [Fault(status=500), Fault(cut_after=100_000)]
    fetched(tmp_path / "a", site, other)
    assert (tmp_path / "a").read_bytes() == DATA
    assert (ranges(site), ranges(other)) == ([None], [None, None, "bytes=100000-"])


def test_two_wrong_checksums_are_the_end(site, other, tmp_path):
    site.files[AT] = other.files[AT] = bytes(len(DATA))
    with pytest.raises(
        NotFetchedError, match=r"(?s)a\.tar\.gz could not be fetched:.*another checksum.*another checksum"
    ):
        fetched(tmp_path / "a", site, other)
    assert not (tmp_path / "a").exists(), "nothing wrong is gone on from"
    assert (len(site.requests), len(other.requests)) == (1, 1)


def test_a_single_server_with_another_file_is_asked_once(site, tmp_path):
    site.files[AT] = bytes(len(DATA))
    with pytest.raises(NotFetchedError, match="another checksum"):
        fetched(tmp_path / "a", site)
    assert len(site.requests) == 1


def test_a_wrong_beginning_is_thrown_away(site, tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 1000)
    fetched(tmp_path / "a", site)
    assert (tmp_path / "a").read_bytes() == DATA
    assert ranges(site) == ["bytes=1000-", None]


def test_more_than_the_file_is_thrown_away(site, tmp_path):
    (tmp_path / "a").write_bytes(DATA + b"x")
    fetched(tmp_path / "a", site)
    assert ranges(site) == [None]


def test_what_was_received_stays_when_all_servers_are_down(site, tmp_path):
    site.faults[AT] = [Fault(cut_after=100_000), Fault(status=503)]
    site.for_ever = True
    with pytest.raises(NotFetchedError, match="503"):
        fetched(tmp_path / "a", site)
    assert (tmp_path / "a").read_bytes() == DATA[:100_000]
    assert len(site.requests) == 4, "after bytes had come all are asked again, as often as there are waits"
    site.faults.clear()
    assert fetched(tmp_path / "a", site).bytes == len(DATA) - 100_000
    assert ranges(site)[-1] == "bytes=100000-"


def test_where_nothing_ever_came_nobody_is_asked_twice(site, other, tmp_path):
    site.faults[AT] = [Fault(status=404)] * 9
    other.faults[AT] = [Fault(status=410)] * 9
    with pytest.raises(NotFetchedError, match=r"(?s)404.*410"):
        fetched(tmp_path / "a", site, other, patience=Patience(5, (99.0,)))
    assert (len(site.requests), len(other.requests)) == (1, 1)


def test_a_busy_server_is_asked_again_when_it_says(site, tmp_path):
    site.faults[AT] = [Fault(status=429, headers={"Retry-After": "1"})]
    began = time.monotonic()
    fetched(tmp_path / "a", site, patience=Patience(5, (0.0,)))
    assert time.monotonic() - began >= 1
    assert len(site.requests) == 2


def test_a_dripping_server_is_not_waited_for(site, other, tmp_path):
    site.faults[AT], site.for_ever = [Fault(cut_after=10)], True
    fetched(tmp_path / "a", site, other)
    assert len(site.requests) == 1
    assert ranges(other) == ["bytes=10-"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is /dev/full")
def test_a_full_disk_is_said(site, tmp_path):
    (tmp_path / "a").symlink_to("/dev/full")
    with pytest.raises(InputError, match="the disk is full") as caught:
        fetched(tmp_path / "a", site)
    assert not isinstance(caught.value, NotFetchedError), "the next server would not help"
    assert isinstance(caught.value.__cause__, OSError) and caught.value.__cause__.errno == errno.ENOSPC
    assert len(site.requests) == 1


def test_a_killed_process_goes_on_where_it_was(site, tmp_path):
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from synth.fetching.archives import download
        from tests.fetching.test_archives import Wanted
        download(Wanted(), Path(sys.argv[1]), [sys.argv[2]], lambda *_: None)
        """
    )
    part = tmp_path / "a"
    have = 0
    for more in (120_000, 90_000):
        site.faults[AT] = [Fault(cut_after=more, hold=True)]
        child = subprocess.Popen([sys.executable, "-c", code, part, site.url(AT)], env={**os.environ})
        have += more
        end = time.monotonic() + 60
        while (not part.exists() or part.stat().st_size < have) and time.monotonic() < end:
            assert child.poll() is None
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert part.read_bytes() == DATA[:have]
    fetched(part, site)
    assert part.read_bytes() == DATA
    assert ranges(site) == [None, "bytes=120000-", "bytes=210000-"]


def test_the_mirror_comes_first_and_is_a_web_address():
    assert urls(["https://a/x.zip"], "x.zip", None) == ("https://a/x.zip",)
    assert urls(["https://a/x.zip"], "x.zip", "http://b/c/") == ("http://b/c/x.zip", "https://a/x.zip")
    for wrong in ("file:///etc", "ftp://a", "b/c", "https://", "--x"):
        with pytest.raises(UsageError, match="wanted a web address"):
            urls([], "x.zip", wrong)


def test_the_checksum_is_that_of_md5sum(tmp_path):
    (tmp_path / "a").write_bytes(DATA)
    assert checksum(tmp_path / "a", "checking", lambda *_: None) == hashlib.md5(DATA).hexdigest()
