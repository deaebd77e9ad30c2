"""MP3 with and without a header that tells its length, whole, cut short, tagged and joined, against FFmpeg's count."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.audio import mpeg
from synth.audio.decode import UndecodableError, decode, read_window
from tests.real_data import DATA, needs_data

HEADERS = ("xing", "bare")
MODES = ("VARIABLE", "CONSTANT", "AVERAGE")
RATES = (16000, 44100, 48000)


def uneven(seconds: float, rate: int) -> np.ndarray:
    """Return sound whose parts need few and many bits."""
    n = int(seconds * rate)
    loud = np.random.default_rng(5).standard_normal(n) * 0.1
    tone = 0.2 * np.sin(np.arange(n) * 2 * np.pi * 300 / rate)
    return np.where(np.arange(n) // (rate // 4) % 3 == 0, loud, tone * (np.arange(n) > n // 4))


@lru_cache(maxsize=64)
def encoded(rate: int, mode: str, header: str = "xing", channels: int = 1, seconds: float = 3.0) -> bytes:
    """Return an MP3 of LAME, with its header or with the frame that holds it taken off."""
    out = io.BytesIO()
    sound = uneven(seconds, rate)
    with sf.SoundFile(
        out, "w", rate, channels, "MPEG_LAYER_III", format="MP3", bitrate_mode=mode, compression_level=0.5
    ) as file:
        file.write(np.stack([sound, sound[::-1]][:channels], axis=1))
    data = out.getvalue()
    assert b"Xing" in data[:200] or b"Info" in data[:200]
    if header == "bare":
        data = data[mpeg.examined(data).frames[0][0] :]
    return data


def by_ffmpeg(data: bytes) -> np.ndarray:
    """Return what FFmpeg decodes, (n, C) as floats."""
    with av.open(io.BytesIO(data)) as container:
        out = []
        for packet in container.demux(audio=0):
            with suppress(av.error.InvalidDataError):  # of what is left of the last frame, at times
                out += [frame.to_ndarray().T for frame in packet.decode()]
        return np.concatenate(out)


def read(tmp_path: Path, data: bytes, name: str = "x.mp3"):
    path = tmp_path / name
    path.write_bytes(data)
    assert np.array_equal(decode(path).samples, decode(path, data).samples)
    return decode(path)


def id3v2(size: int) -> bytes:
    return (
        b"ID3\x04\0\0"
        + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
        + b"\xff\xfb" * (size // 2)
    )


ID3V1 = b"TAG" + b"x" * 125
APE = b"APETAGEX" + struct.pack("<IIII8x", 2000, 40, 1, 0x80000000) + b"\x28" * 40


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("header", HEADERS)
def test_the_length_is_what_decodes(tmp_path, rate, mode, header):
    data = encoded(rate, mode, header)
    decoded, other = read(tmp_path, data), by_ffmpeg(data)[:, 0]
    assert len(decoded.samples) == len(other)
    assert np.abs(decoded.samples - np.clip(np.rint(other * 32768), -32768, 32767)).max() <= 1
    if header == "xing":
        assert len(decoded.samples) == 3 * rate, "the encoder's delay and padding are declared, and dropped"
    assert np.array_equal(read_window(tmp_path / "x.mp3", 20000, 777), decoded.samples[20000:20777])


def test_without_the_header_the_sound_is_the_same_and_begins_later(tmp_path):
    for mode in MODES:
        told = read(tmp_path, encoded(16000, mode)).samples
        bare = read(tmp_path, encoded(16000, mode, "bare")).samples
        assert np.array_equal(bare[1105 : 1105 + len(told)], told)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("before", [b"", id3v2(500), id3v2(40_000), id3v2(10) + id3v2(10)])
@pytest.mark.parametrize("behind", [b"", ID3V1, APE, APE + ID3V1, bytes(5000)])
def test_tags_are_no_sound(tmp_path, header, before, behind):
    data = encoded(44100, "VARIABLE", header, 2)
    plain, tagged = read(tmp_path, data), read(tmp_path, before + data + behind)
    assert np.array_equal(tagged.samples, plain.samples)
    assert tagged.channels == 2


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    "junk", [b"\0" * 100, b"\r\n", b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n", bytes(20_000)]
)
def test_junk_in_front_is_passed_over(tmp_path, header, junk):
    data = encoded(44100, "VARIABLE", header)
    assert np.array_equal(read(tmp_path, junk + data).samples, read(tmp_path, data).samples)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("between", [b"", ID3V1, ID3V1 + id3v2(700)])
def test_files_that_were_joined_are_read_to_their_end(tmp_path, mode, between):
    data = encoded(16000, mode)
    one, both = read(tmp_path, data).samples, read(tmp_path, data + between + data).samples
    assert len(both) > 2 * len(one), "the second one's header and delay sound as silence"
    assert np.array_equal(both[: len(one)], one)
    later = both[len(both) - len(one) - 2000 :]
    spots = [k for k in range(2000) if abs(int(later[k + 30_000]) - int(one[30_000])) <= 2]
    assert any(np.abs(later[k + 20_000 : k + 40_000] - one[20_000:40_000]).max() <= 2 for k in spots)


@settings(max_examples=60)
@given(st.sampled_from(MODES), st.sampled_from(RATES), st.floats(0.02, 0.9999), st.sampled_from([b"", id3v2(300)]))
def test_cut_anywhere_a_file_that_told_its_length_is_truncated(tmp_path_factory, mode, rate, share, before):
    data = before + encoded(rate, mode)
    path = tmp_path_factory.mktemp("cut") / "x.mp3"
    path.write_bytes(data[: min(len(data) - 1, max(len(before) + 200, int(len(data) * share)))])
    with pytest.raises(UndecodableError) as caught:
        decode(path)
    assert caught.value.status == "truncated"
    assert "promises" in caught.value.reason


@settings(max_examples=40)
@given(st.sampled_from(MODES), st.sampled_from(RATES), st.floats(0.05, 0.9999))
def test_cut_anywhere_a_file_without_a_promise_gives_its_whole_frames(tmp_path_factory, mode, rate, share):
    data = encoded(rate, mode, "bare")
    part = data[: int(len(data) * share)]
    path = tmp_path_factory.mktemp("cut") / "x.mp3"
    path.write_bytes(part)
    found = decode(path).samples
    frame_n = 576 if rate == 16000 else 1152
    assert np.array_equal(found, read_all(rate, mode)[: len(found)])
    assert 0 <= len(by_ffmpeg(part)) - len(found) <= frame_n, "FFmpeg makes a frame of what is left of the last one"


@lru_cache
def read_all(rate: int, mode: str) -> np.ndarray:
    data = encoded(rate, mode, "bare")
    return np.clip(np.rint(sf_frames(data) * 32768), -32768, 32767).astype(np.int16)


def sf_frames(data: bytes) -> np.ndarray:
    found = mpeg.examined(data)
    with sf.SoundFile(io.BytesIO(found.alone(data))) as file:
        return file.read(found.samples, dtype="float32")


def test_half_of_a_file_says_how_much_is_there(tmp_path):
    data = encoded(16000, "VARIABLE")
    (tmp_path / "x.mp3").write_bytes(data[: len(data) // 2])
    with pytest.raises(UndecodableError, match=r"truncated: the MPEG audio promises \d+ frames and ends after \d+$"):
        decode(tmp_path / "x.mp3")


def test_cut_within_its_tag(tmp_path):
    (tmp_path / "x.mp3").write_bytes(id3v2(40_000)[:3000])
    with pytest.raises(UndecodableError) as caught:
        decode(tmp_path / "x.mp3")
    assert caught.value.status == "truncated"


@pytest.mark.parametrize("header", HEADERS)
def test_damage_in_the_middle_is_no_shorter_recording(tmp_path, header):
    data = bytearray(encoded(16000, "CONSTANT", header))
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    (tmp_path / "x.mp3").write_bytes(data)
    with pytest.raises(UndecodableError) as caught:
        decode(tmp_path / "x.mp3")
    assert caught.value.status == "unreadable"
    assert "damaged MPEG audio" in caught.value.reason


def test_a_vbri_header_promises_as_well(tmp_path):
    data = encoded(44100, "CONSTANT", "bare")
    found = mpeg.examined(data)
    size = found.frames[0][1]
    head = bytearray(data[:4] + bytes(size - 4))
    head[36:54] = b"VBRI" + struct.pack(">HHHII", 1, 0, 0, len(data) + size, len(found.frames))
    assert np.array_equal(read(tmp_path, bytes(head) + data).samples, read(tmp_path, data).samples)
    (tmp_path / "cut.mp3").write_bytes((bytes(head) + data)[: len(data) // 2])
    with pytest.raises(UndecodableError, match="truncated"):
        decode(tmp_path / "cut.mp3")


@given(st.binary(max_size=3000), st.sampled_from([b"", b"\xff\xfb\x90\x00", id3v2(30), b"\xff\xf3\x40\xc0"]))
def test_any_bytes_are_examined_to_their_end(tail, head):
    for junk in (False, True):
        try:
            found = mpeg.examined(head + tail, junk)
        except UndecodableError as error:
            assert error.status in ("truncated", "unreadable")
        else:
            assert found is None or found.samples > 0


@needs_data
def test_no_other_real_file_is_taken_for_mpeg_audio():
    others = [path for ending in ("flac", "ogg", "wav") for path in sorted(DATA.rglob(f"*.{ending}"))[::9]]
    assert len(others) > 50
    assert not [path for path in others if mpeg.examined(path.read_bytes()) is not None]
