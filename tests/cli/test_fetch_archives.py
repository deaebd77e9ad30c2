"""The commands that fetch archives: what they say, their exit codes, and that they ask nobody without need.

No test reaches the published servers: the only way to them is a proxy on this machine, which refuses.
"""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from synth.cli.main import main
from synth.fetching.known import LIBRISPEECH, RAVDESS
from tests.end_to_end.commands import synth
from tests.fetching.loopback import Fault, serving
from tests.fetching.published import acted, actors, subset, tree, voices

DEV = LIBRISPEECH["dev-clean-2"]


@pytest.fixture
def site():
    with serving() as site:
        yield site


@pytest.fixture
def env(site):
    """Every address but this machine's own is asked of the site as a proxy, and that refuses."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), site.base)
    return {**proxies, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}


def run(*words):
    found = CliRunner().invoke(main, [str(word) for word in words], prog_name="synth")
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def test_without_a_network_it_says_what_to_get_by_hand(env, tmp_path):
    done = synth("fetch-librispeech", "train-clean-5", cwd=tmp_path, code=3, **env)
    for text in (
        "train-clean-5: 333 MB to download (about 1 min at 50 Mbit/s), 350 MB in LibriSpeech when unpacked",
        "train-clean-5.tar.gz could not be fetched",
        "https://www.openslr.org/resources/31/train-clean-5.tar.gz",
        "https://openslr.elda.org/resources/31/train-clean-5.tar.gz",
        "md5 5df7d4e78065366204ca6845bb08f490",
        "put it into LibriSpeech or beside it, as train-clean-5.tar.gz",
    ):
        assert text in done.says
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    done = synth("fetch-ravdess", cwd=tmp_path, code=3, **env)
    for text in (
        "CC BY-NC-SA 4.0",
        "208 MB to download",
        "zenodo.org/records/1188976",
        "put it into RAVDESS or beside it, as Audio_Sp",
    ):
        assert text in done.says
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_right_size_with_other_bytes_is_not_believed(site, env, tmp_path):
    """Against the published checksum; it goes on from what was there, and keeps nothing of it."""
    site.files[f"/own/{DEV.name}"] = bytes(DEV.bytes)
    out = tmp_path / "L"
    out.mkdir()
    (out / f"{DEV.name}.part").write_bytes(bytes(DEV.bytes - 1_000_000))
    words = ("fetch-librispeech", "dev-clean-2", "--out", out, "--mirror", site.url("/own"))
    done = synth(*words, code=3, **env)
    assert f"{site.url('/own')}/{DEV.name}: another checksum" in done.says
    asked = [asked for path, asked in site.requests if path.startswith("/own")]
    assert asked == [f"bytes={DEV.bytes - 1_000_000}-", None], "once more, should the beginning have been at fault"
    assert list(out.iterdir()) == []


def test_a_mirror_with_a_page_in_its_place_is_not_believed(site, env, tmp_path):
    site.files[f"/own/{DEV.name}"] = b"<html>sign in</html>"
    done = synth(
        "fetch-librispeech", "dev-clean-2", "--out", tmp_path / "L", "--mirror", site.url("/own"), code=3, **env
    )
    assert "has a file of 20 bytes, wanted 126,046,265" in done.says


def test_what_is_complete_asks_nobody(site, env, tmp_path):
    for k in range(DEV.recordings):
        path = tmp_path / "LibriSpeech" / "dev-clean-2" / f"{1 + k % 30}" / "7" / f"{1 + k % 30}-7-{k:04}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    done = synth("fetch-librispeech", "dev-clean-2", cwd=tmp_path, **env)
    assert "dev-clean-2: 1,089 recordings by 30 speakers, 2.0 h, complete, nothing to fetch" in done.says
    assert "Next: synth mix --speakers 1-3 --source LibriSpeech" in done.says
    assert "to download" not in done.says
    assert site.requests == []
    path.unlink()
    done = synth("fetch-librispeech", "dev-clean-2", cwd=tmp_path, code=3, **env)
    assert "126 MB to download" in done.says


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["fetch-librispeech", "train-clean-1000"], "no subset 'train-clean-1000'; did you mean 'train-clean-100'?"),
        (["fetch-librispeech", "dev-clean", "x"], "Known: dev-clean-2, train-clean-5, dev-clean"),
        (["fetch-librispeech"], "SUBSET"),
        (["fetch-ravdess", "speach"], "no part of RAVDESS 'speach'; did you mean 'speech'?"),
        (["fetch-ravdess", "--mirror", "file:///x"], "wanted a web address"),
        (["fetch-librispech", "dev-clean"], "did you mean 'fetch-librispeech'?"),
        (["fetch-ravdess", "--keep"], "--keep-archive"),
    ],
)
def test_what_is_wrong_is_a_usage_error(site, env, tmp_path, words, text):
    done = synth(*words, cwd=tmp_path, code=2, **env)
    assert text in done.says
    assert list(tmp_path.iterdir()) == []
    assert site.requests == []


@pytest.fixture
def small(site, monkeypatch):
    """Small archives in the place of the published ones."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setitem(LIBRISPEECH, "train-clean-5", subset(site, voices("train-clean-5")))
    monkeypatch.setitem(RAVDESS, "speech", actors(site, acted()))


@pytest.mark.usefixtures("small")
def test_from_nothing_to_an_index(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("fetch-librispeech", "train-clean-5")
    assert done.exit_code == 0
    assert "train-clean-5: 100 recordings by 20 speakers, 5.3 h, complete, in LibriSpeech\n" in done.stdout
    assert done.stdout.endswith("Next: synth mix --speakers 1-3 --source LibriSpeech\n")
    index = run("index", "LibriSpeech", "-o", "sources.parquet", "--json")
    assert json.loads(index.stdout)["status"] == {"ok": 100}
    done = run("fetch-ravdess", "--out", "my corpora/RAVDESS")
    assert done.stdout.endswith("--source 'my corpora/RAVDESS'\n")
    index = run("index", "my corpora/RAVDESS", "-o", "ravdess.parquet", "--json")
    assert json.loads(index.stdout)["status"] == {"ok": 4}


@pytest.mark.usefixtures("small")
def test_json_and_quiet(site, tmp_path):
    done = run("fetch-librispeech", "train-clean-5", "--out", tmp_path / "L", "--json", "--keep-archive")
    (line,) = done.stdout.splitlines()
    known = LIBRISPEECH["train-clean-5"]
    assert json.loads(line) == {
        "out": str(tmp_path / "L"),
        "parts": {
            "train-clean-5": {
                "recordings": 100,
                "speakers": 20,
                "source": known.urls[0],
                "downloaded_bytes": known.bytes,
            }
        },
        "next": f"synth mix --speakers 1-3 --source {tmp_path / 'L'}",
    }
    assert "complete" in done.stderr
    assert (tmp_path / "L" / known.name).stat().st_size == known.bytes
    quiet = run("fetch-librispeech", "train-clean-5", "--out", tmp_path / "M", "--quiet")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")
    assert tree(tmp_path / "M").keys() == tree(tmp_path / "L").keys() - {known.name}


@pytest.mark.usefixtures("small")
def test_a_cut_at_the_end_of_patience_is_gone_on_from(site, tmp_path):
    known = LIBRISPEECH["train-clean-5"]
    path = f"/0/{known.name}"
    half = known.bytes // 2
    (tmp_path / "L").mkdir()
    (tmp_path / "L" / f"{known.name}.part").write_bytes(site.files[path][:half])
    site.faults[path] = [Fault(status=500)]
    words = ("fetch-librispeech", "train-clean-5", "--out", tmp_path / "L")
    first = run(*words)
    assert first.exit_code == 3
    assert "500" in first.stderr and "Run the same command again to go on" in first.stderr
    assert run(*words).exit_code == 0
    assert site.requests == [(path, f"bytes={half}-")] * 2
