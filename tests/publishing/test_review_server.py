"""Who gets an answer from the review's server, and who does not."""

from __future__ import annotations

import http.client
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.publishing.reviewed import Running, human, judged, recordings

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    return judged(recordings(tmp_path_factory.mktemp("review") / "sounds"))


@pytest.fixture(scope="module")
def running(verdicts):
    with Running(verdicts) as one:
        yield one
        one.interrupt()


@pytest.fixture(scope="module")
def decision(running):
    return {"list": "worst", "row": running.get("item?list=worst&at=0")["row"], "verdict": "wrong"}


def asked(running, path, method="GET", body=None, **headers):
    """Send exactly these bytes of a path, as no browser would tidy them."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": f"127.0.0.1:{running.port}", **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.headers
    connection.close()
    return found


def below(running, name):
    return f"/{running.address.split('/')[3]}/{name}"


@pytest.mark.parametrize("path", ["/", "/state", "/x/state", "//state", "/favicon.ico", "/{almost}/state", "/{token}"])
def test_without_the_token_there_is_nothing(running, path):
    token = running.address.split("/")[3]
    almost = token[:-1] + ("0" if token[-1] != "0" else "1")
    status, body, _ = asked(running, path.format(token=token, almost=almost))
    assert status == 403
    assert token.encode() not in body


def test_a_decision_needs_the_token(running, decision, verdicts):
    body = json.dumps(decision).encode()
    status, _, _ = asked(running, "/0123/decide", "POST", body, **JSON)
    assert status == 403
    assert running.get("state")["decided"] == 0


@pytest.mark.parametrize(
    "host", ["example.com", "example.com:80", "127.0.0.1.example.com", "192.168.0.7", "", "[", "0.0.0.0"]
)
def test_a_name_that_was_bound_to_this_machine_gets_nothing(running, host):
    status, body, _ = asked(running, below(running, "state"), Host=host)
    assert status in (400, 403)
    assert b"estimates" not in body


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "localhost:8000", "[::1]:{port}"])
def test_this_machine_by_any_of_its_names(running, host):
    """A port that was forwarded to here may have another number."""
    assert asked(running, below(running, "state"), Host=host.format(port=running.port))[0] == 200


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists its sockets in /proc/net/tcp")
def test_it_listens_on_this_machine_only(running):
    """A listening socket (state 0A) on 127.0.0.1, and none of that port on any other address, old or new."""
    bound = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        lines = Path(table).read_text().splitlines()[1:] if Path(table).exists() else []
        bound += [fields[1] for fields in map(str.split, lines) if fields[3] == "0A"]
    port = f":{running.port:04X}"
    assert [address for address in bound if address.endswith(port)] == [f"0100007F{port}"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://example.com"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_page_gets_nothing_and_decides_nothing(running, decision, headers):
    assert asked(running, below(running, "state"), **headers)[0] == 403
    body = json.dumps(decision).encode()
    assert asked(running, below(running, "decide"), "POST", body, **JSON, **headers)[0] == 403
    assert running.get("state")["decided"] == 0


def test_a_form_of_another_page_cannot_decide(running, decision):
    body = json.dumps(decision).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert asked(running, below(running, "decide"), "POST", body, Content_Type=kind)[0] == 415
    assert asked(running, below(running, "decide"), "POST", body)[0] == 415
    assert running.get("state")["decided"] == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(running, method):
    status, _, headers = asked(running, below(running, "state"), method)
    assert status == 405
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_deciding_is_posting_and_asking_is_getting(running, decision):
    assert asked(running, below(running, "decide?list=worst&row=0&verdict=wrong"))[0] == 405
    assert asked(running, below(running, "state"), "POST", b"{}", **JSON)[0] == 405
    assert running.get("state")["decided"] == 0


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd", "..%2f..%2fetc/passwd", "audio/../../labels.csv", "audio?row=../labels.csv", "audio?row=-1",
        "audio?row=999", "audio?row=1e0", "audio?row=", "audio", "picture?row=/etc/passwd", "page.html", "labels.csv",
        "item?list=worst&at=-1", "item?list=nothing&at=0", "item?list=worst&at=12", "next?list=worst&after=x",
    ],
)  # fmt: skip
def test_there_are_no_paths_and_no_numbers_beyond_the_end(running, name):
    status, body, _ = asked(running, below(running, name))
    assert status in (400, 404)
    assert len(body) < 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{", 400), (b"\xff", 400), (b"{}", 400), (b'{"list":"worst","row":0,"verdict":"good"}', 400),
        (b'{"list":"worst","row":99,"verdict":"keep"}', 404), (b'{"list":"worst","row":null,"verdict":"keep"}', 400),
        (b'{"list":["worst"],"row":0,"verdict":"keep"}', 400), (b'{"list":"worst","row":0,"verdict":["keep"]}', 400),
        (b" " * 70_000, 413),
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused(running, body, status):
    assert asked(running, below(running, "decide"), "POST", body, **JSON)[0] == status
    assert running.get("state")["decided"] == 0


def test_the_page_needs_nothing_from_elsewhere_and_lets_nothing_in(running):
    status, body, headers = asked(running, below(running, ""))
    assert status == 200
    text = body.decode()
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "{{nonce}}" not in text
    assert text.count("http:") + text.count("https:") == 0
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert asked(running, below(running, ""), "HEAD")[1] == b""


def test_any_format_is_heard_as_wav_with_its_own_rate(running):
    for at in range(12):
        item = running.get(f"item?list=worst&at={at}")
        status, body, headers = running.fetch(running.address + f"audio?row={item['row']}")
        assert (status, headers["Content-Type"], headers["Accept-Ranges"]) == (200, "audio/wav", "bytes")
        samples, rate = soundfile.read(io.BytesIO(body))
        assert (samples.ndim, rate, len(samples)) == (1, item["rate_hz"], item["rate_hz"])
        k = int(item["source_id"].split("/")[1][:2])
        peak = np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples)
        assert peak == pytest.approx(300 + 40 * k, abs=2)


@pytest.mark.parametrize(
    ("asks", "first", "end"),
    [("bytes=0-", 0, None), ("bytes=100-199", 100, 200), ("bytes=-50", -50, None), ("bytes=44-99999999", 44, None)],
)
def test_ranges(running, asks, first, end):
    whole = running.fetch(running.address + "audio?row=0")[1]
    status, body, headers = running.fetch(running.address + "audio?row=0", headers={"Range": asks})
    assert status == 206
    assert body == whole[first:end]
    start = first % len(whole)
    assert headers["Content-Range"] == f"bytes {start}-{start + len(body) - 1}/{len(whole)}"


def test_ranges_that_are_none(running):
    whole = running.fetch(running.address + "audio?row=0")[1]
    status, body, headers = running.fetch(running.address + "audio?row=0", headers={"Range": f"bytes={len(whole)}-"})
    assert (status, body, headers["Content-Range"]) == (416, b"", f"bytes */{len(whole)}")
    for odd in ("bytes=-", "bytes=a-b", "seconds=0-1", "bytes=0-1,5-6"):
        assert running.fetch(running.address + "audio?row=0", headers={"Range": odd})[:2] == (200, whole)


def test_the_spectrogram_shows_the_tone(running):
    from matplotlib.image import imread

    low, high = (running.get(f"item?list=worst&at={at}") for at in (0, 11))
    rows = []
    for item in (low, high):
        _, body, headers = running.fetch(running.address + f"picture?row={item['row']}")
        assert headers["Content-Type"] == "image/png"
        picture = imread(io.BytesIO(body))
        rows.append(int(picture[:, :, :3].sum(axis=2).mean(axis=1).argmax()))
    assert rows[0] > rows[1], "a higher tone stands higher"


def test_the_random_check_does_not_say_what_the_judge_thinks(running):
    size = running.get("state")["lists"]["random"]["size"]
    assert size == 12
    for at in range(size):
        item = running.get(f"item?list=random&at={at}")
        assert item["blind"]
        assert (item["verdict"], item["p_wrong"], item["reason"]) == (None, None, None)


def test_nothing_was_decided_by_all_this(running, verdicts):
    assert human(verdicts) == {}
    assert running.get("state")["decided"] == 0
