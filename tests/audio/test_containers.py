"""A file that was cut short says so, whatever its kind; one whose header promised nothing is read to its end."""

from __future__ import annotations

import io
import shutil
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.audio import containers
from synth.audio.decode import UndecodableError, decode
from synth.audio.measured import measured
from tests.audio.media import encoded, noise
from tests.real_data import DATA, needs_data

RATE = 16_000
SOUND = noise(1.5, RATE)
WRITTEN = {  # by libsndfile
    "wav": ("WAV", "PCM_16"),
    "wav float": ("WAV", "FLOAT"),
    "wav 24": ("WAVEX", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "aiff 24": ("AIFF", "PCM_24"),
    "aifc": ("AIFF", "FLOAT"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "sphere": ("NIST", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "flac 24": ("FLAC", "PCM_24"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
SERVED = ("m4a", "m4a-fragmented", "webm")  # these libsndfile does not know
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not on the PATH")


@lru_cache
def whole(kind: str) -> bytes:
    if kind in SERVED:
        return encoded(kind, noise(1.5, 48000 if kind == "webm" else 44100))
    form, subtype = WRITTEN[kind]
    out = io.BytesIO()
    sf.write(out, SOUND, RATE, format=form, subtype=subtype)
    return out.getvalue()


def status(path: Path, data: bytes) -> tuple[str, int]:
    """Return the status of a file's bytes, and how many samples they give."""
    path.write_bytes(data)
    try:
        return "ok", len(decode(path, data).samples)
    except UndecodableError as error:
        assert error.reason
        return error.status, 0


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_whole_file_is_whole(tmp_path, kind):
    found, n = status(tmp_path / "x", whole(kind))
    assert (found, n) == ("ok", len(SOUND))


@needs_ffmpeg
@pytest.mark.parametrize("kind", SERVED)
def test_a_whole_file_of_a_site_is_whole(tmp_path, kind):
    found, n = status(tmp_path / "x", whole(kind))
    rate = 48000 if kind == "webm" else 44100
    assert found == "ok"
    assert abs(n - 1.5 * rate) < 3000


@settings(max_examples=250)
@given(st.sampled_from([*WRITTEN, *SERVED]), st.floats(0.001, 0.9999))
def test_a_file_that_was_cut_is_never_ok_with_less_than_it_promised(tmp_path_factory, kind, share):
    data = whole(kind)
    length = max(1, int(len(data) * share))
    found, n = status(tmp_path_factory.mktemp("cut") / "x", data[:length])
    if found == "ok":
        assert n == len(SOUND), "what is missing is behind the sound"
    elif length > 600:
        assert found == "truncated"
    else:
        assert found in ("truncated", "unreadable", "empty")


@pytest.mark.parametrize("kind", [*WRITTEN, *SERVED])
def test_half_of_a_file_is_a_row_with_a_reason(tmp_path, kind):
    (tmp_path / "x").write_bytes(whole(kind)[: len(whole(kind)) // 2])
    facts, samples = measured(tmp_path / "x", RATE)
    assert (facts.status, samples) == ("truncated", None)
    assert "promises" in facts.reason or "without its last page" in facts.reason
    assert str(tmp_path) not in facts.reason


@pytest.mark.parametrize("kind", ["aiff", "au", "caf"])
@pytest.mark.parametrize("left_open", ["zero", "ones"])
def test_sizes_that_were_left_open_are_no_promise(tmp_path, kind, left_open):
    data = bytearray(whole(kind))
    fill = b"\xff" if left_open == "ones" else b"\0"
    if kind == "au":
        data[8:12] = fill * 4
    elif kind == "caf":
        at = data.index(b"data")
        data[at + 4 : at + 12] = b"\xff" * 8
    else:
        at = data.index(b"SSND")
        data[4:8], data[at + 4 : at + 8] = fill * 4, fill * 4
    cut = bytes(data[: len(data) * 3 // 4])
    assert containers.mended(cut) is None
    assert status(tmp_path / "x", cut)[0] in ("ok", "empty", "unreadable")


def test_a_page_that_is_missing_is_damage(tmp_path):
    data = encoded("ogg", noise(20, 44100))
    pages = [k for k in range(len(data)) if data[k : k + 4] == b"OggS"]
    assert len(pages) > 6
    holed = data[: pages[4]] + data[pages[5] :]
    path = tmp_path / "x"
    assert status(path, holed)[0] == "unreadable"
    with pytest.raises(UndecodableError, match="1 page is missing"):
        decode(path)


JOINED = [(kind, kind) for kind in WRITTEN if kind not in ("mp3", "sphere", "rf64")]


@pytest.mark.parametrize(("one", "other"), [*JOINED, ("opus", "vorbis"), ("flac", "flac 24"), ("wav", "wav float")])
def test_recordings_that_were_joined_are_not_read_in_part(tmp_path, one, other):
    assert status(tmp_path / "x", whole(one) + whole(other)) == ("unreadable", 0)
    with pytest.raises(UndecodableError, match="only the first would be read"):
        decode(tmp_path / "x")


@needs_ffmpeg
def test_joined_files_of_a_site(tmp_path):
    assert status(tmp_path / "x", whole("m4a") + whole("m4a")) == ("unreadable", 0)


TAG = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)


@given(st.binary(max_size=40), st.sampled_from([b"\0", b"\x80", b"\1"]), st.binary(max_size=9), st.integers(0, 12))
def test_a_second_flac_stream_is_found_wherever_it_begins(before, kind, after, kept):
    mark = (b"fLaC" + kind + b"\0\0\x22")[:kept]
    data = b"fLaC\0\0\0\x22" + before + mark + after
    several = any(data.find(b"fLaC" + last + b"\0\0\x22", 4) > 0 for last in (b"\0", b"\x80"))
    if not several:
        containers.one_flac(data)
        return
    with pytest.raises(UndecodableError, match="several recordings"):
        containers.one_flac(data)


def test_a_flac_file_behind_a_tag_is_one(tmp_path):
    data = whole("flac")
    (tmp_path / "x").write_bytes(data)
    plain = decode(tmp_path / "x")
    (tmp_path / "y").write_bytes(TAG + data)
    assert np.array_equal(decode(tmp_path / "y").samples, plain.samples)
    assert status(tmp_path / "z", TAG + data[: len(data) // 2])[0] == "truncated"
    assert status(tmp_path / "z", TAG + data + data) == ("unreadable", 0)


@needs_ffmpeg
@pytest.mark.parametrize("kind", ["m4a", "webm"])
def test_a_file_whose_end_was_never_written(tmp_path, kind):
    """Programs that fetch in pieces make the file as long as it will be first: what did not come is zeros."""
    data = whole(kind)
    if kind == "m4a":  # its index is to stand before the sound
        import subprocess

        (tmp_path / "in.m4a").write_bytes(data)
        words = ["-c", "copy", "-movflags", "+faststart", str(tmp_path / "out.m4a")]
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(tmp_path / "in.m4a"), *words], check=True)
        data = (tmp_path / "out.m4a").read_bytes()
    assert status(tmp_path / "x", data)[0] == "ok"
    half = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
    assert status(tmp_path / "x", half)[0] == "truncated"


def test_a_segment_of_unknown_size_is_no_promise():
    data = bytearray(whole("webm"))
    at = data.index(b"\x18\x53\x80\x67") + 4
    assert data[at] == 1, "a size of eight bytes"
    data[at : at + 8] = b"\x01" + b"\xff" * 7
    assert containers.mended(bytes(data[: len(data) // 2])) is None


def test_an_index_behind_the_sound_that_never_came(tmp_path):
    data = whole("m4a")
    position = 0
    while position + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        if name == b"moov":
            break
        position += size
    assert status(tmp_path / "x", data[:position])[0] == "truncated"
    with pytest.raises(UndecodableError, match="without its index"):
        decode(tmp_path / "x")


@given(
    st.sampled_from(
        [
            b"FORM\0\0\1\0AIFF",
            b".snd",
            b"caff\0\1\0\0",
            b"RF64",
            b"OggS",
            b"NIST_1A\n   1024\n",
            b"\x1a\x45\xdf\xa3",
            b"RIFF",
            whole("w64")[:40],
            b"\0\0\0\x18ftypM4A ",
            bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
        ]
    ),
    st.binary(max_size=400),
)
def test_any_bytes_are_checked_to_their_end(head, tail):
    try:
        containers.mended(head + tail)
    except UndecodableError as error:
        assert error.status in ("truncated", "unreadable")


@needs_data
def test_real_files_keep_their_promises():
    paths = [path for ending in ("ogg", "wav") for path in sorted(DATA.rglob(f"*.{ending}"))]
    paths = [path for path in paths if "variants" not in str(path)]
    assert len(paths) > 300
    for path in paths:
        containers.mended(path.read_bytes())
    assert np.array([len(decode(path).samples) for path in paths[::40]]).min() > 1000
