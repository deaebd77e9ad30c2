"""What the tests of fetching share: small media, and yt-dlp pointed at a server on this machine."""

from __future__ import annotations

import pytest

from synth.fetching import download
from tests.audio.media import encoded, noise


@pytest.fixture(scope="session")
def media():
    """Six seconds of noise as WebM and M4A, two as WebM, six of silence."""
    six, silence = noise(6, 48000), noise(6, 48000) * 0
    return {
        "webm": encoded("webm", six),
        "m4a": encoded("m4a", noise(6, 44100)),
        "two": encoded("webm", six[:96000]),
        "silence": encoded("webm", silence),
    }


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def pointed(monkeypatch):
    """A function that lets yt-dlp ask a site of ours."""
    return lambda site: monkeypatch.setattr(download, "EXTRACTORS", [site.extractor()])
