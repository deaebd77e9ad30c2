"""What each kind of file decodes to, and what is said of those that do not."""

from __future__ import annotations

import pickle
import random
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from synth.audio.channels import mono
from synth.audio.decode import UndecodableError, decode, read_window
from tests.real_data import DATA, needs_data

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not on the PATH")
RATE = 16000
NOISE = (np.random.default_rng(1).standard_normal(3 * RATE) * 3000).astype(np.int16)


def fails(path: Path, data: bytes | None = None) -> UndecodableError:
    with pytest.raises(UndecodableError) as caught:
        decode(path, data)
    return caught.value


def ffmpeg(*arguments: str | Path) -> bytes:
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


@needs_data
class TestRealFiles:
    def test_flac_is_what_soundfile_reads(self):
        paths = sorted((DATA / "LibriSpeech").rglob("*.flac"))[::20]
        for path in paths:
            decoded = decode(path)
            assert np.array_equal(decoded.samples, sf.read(path, dtype="int16")[0])
            assert (decoded.rate_hz, decoded.channels, decoded.format) == (16000, 1, "FLAC/PCM_16")
            assert decoded.samples.dtype == np.int16
            assert np.array_equal(decoded.samples, decode(path, path.read_bytes()).samples)

    def test_chunks_around_the_samples_of_a_wav_are_no_sound(self):
        path = DATA / "ravdess" / "Actor_01" / "03-01-01-01-01-01-01.wav"
        raw = path.read_bytes()
        (size,) = struct.unpack_from("<I", raw, 4092)
        decoded = decode(path)
        assert raw[4088:4092] == b"data"
        assert np.array_equal(decoded.samples, np.frombuffer(raw, "<i2", size // 2, 4096))
        assert (decoded.rate_hz, decoded.format) == (48000, "WAV/PCM_16")

    def test_two_equal_channels_are_either(self):
        path = DATA / "ravdess" / "Actor_01" / "03-01-02-01-01-02-01.wav"
        decoded = decode(path)
        assert decoded.channels == 2
        assert np.array_equal(decoded.samples, sf.read(path, dtype="int16")[0][:, 0])

    def test_a_pointer_says_how_large_the_recording_would_be(self):
        path = next((DATA / "librispeech_variants").rglob("1272-128104-0000.flac"))
        error = fails(path)
        assert error.status == "lfs-pointer"
        assert "120,041 bytes" in error.reason
        assert "git lfs pull" in error.reason

    def test_apple_double_is_litter(self):
        path = next((DATA / "librispeech_variants").rglob("._19-198-0040.wav"))
        assert fails(path).status == "litter"

    @pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.9999])
    def test_flac_cut_short(self, tmp_path, share):
        path = sorted((DATA / "LibriSpeech").rglob("*.flac"))[0]
        whole, raw = decode(path).samples, path.read_bytes()
        cut = tmp_path / "cut.flac"
        cut.write_bytes(raw[: int(len(raw) * share)])
        error = fails(cut)
        found = int(error.reason.rsplit(" ", 1)[1].replace(",", ""))
        assert error.status == "truncated"
        assert f"{len(whole):,}" in error.reason
        assert 0 <= found < len(whole)
        assert abs(found / len(whole) - share) < 0.3

    def test_flac_with_a_changed_byte_is_not_called_truncated(self, tmp_path):
        path = sorted((DATA / "LibriSpeech").rglob("*.flac"))[0]
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 0x55
        (tmp_path / "x.flac").write_bytes(raw)
        error = fails(tmp_path / "x.flac")
        assert error.status == "unreadable"
        assert "damaged" in error.reason

    def test_windows_of_real_files(self):
        draw = random.Random(2)
        for path in [*sorted((DATA / "LibriSpeech").rglob("*.flac"))[::30], *sorted((DATA / "ravdess").rglob("*.wav"))]:
            whole = decode(path).samples
            for _ in range(8):
                start = draw.randrange(len(whole))
                length = draw.randrange(len(whole))
                assert np.array_equal(read_window(path, start, length), whole[start : start + length])


class TestSamples:
    @given(
        st.integers(1, 6).flatmap(
            lambda c: st.lists(st.lists(st.integers(-32768, 32767), min_size=c, max_size=c), min_size=1, max_size=20)
        )
    )
    def test_channels_are_averaged_exactly(self, rows):
        channels = len(rows[0])
        exact = [(2 * sum(row) + channels) // (2 * channels) for row in rows]
        assert mono(np.array(rows, np.int16)).tolist() == exact

    @pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ULAW", "ALAW", "MS_ADPCM"])
    def test_integer_formats_are_read_as_integers(self, tmp_path, subtype):
        path = tmp_path / "x.wav"
        sf.write(path, NOISE, RATE, subtype=subtype)
        assert np.array_equal(decode(path).samples, sf.read(path, dtype="int16")[0])
        assert decode(path).format == f"WAV/{subtype}"

    @pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
    def test_floats_within_full_scale_are_rounded(self, tmp_path, subtype):
        path = tmp_path / "x.wav"
        sf.write(path, np.array([0.5, -1, 1, 0.5 / 32768, 1.5 / 32768, 0.4 / 32768]), RATE, subtype=subtype)
        assert decode(path).samples.tolist() == [16384, -32768, 32767, 0, 2, 0]
        assert decode(path).scaled_db is None

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_samples_that_are_no_numbers_are_no_noise(self, tmp_path, value):
        path = tmp_path / "x.wav"
        sf.write(path, np.array([0.1, value, 0.2]), RATE, subtype="FLOAT")
        error = fails(path)
        assert error.status == "unreadable"
        assert "1 of 3 samples" in error.reason

    @pytest.mark.parametrize("bits", [16, 24, 32])
    def test_integers_stored_as_floats_keep_their_level(self, tmp_path, bits):
        path = tmp_path / "x.wav"
        sf.write(path, NOISE * 2.0 ** (bits - 16), RATE, subtype="DOUBLE")
        decoded = decode(path)
        assert np.array_equal(decoded.samples, NOISE)
        assert decoded.scaled_db == pytest.approx(-6.0206 * (bits - 1), abs=0.01)
        assert np.array_equal(read_window(path, 1000, 500), NOISE[1000:1500])

    def test_floats_beyond_all_integers_are_no_sound(self, tmp_path):
        sf.write(tmp_path / "x.wav", NOISE * 1e20, RATE, subtype="DOUBLE")
        assert "more than integers of 32 bits" in fails(tmp_path / "x.wav").reason

    @pytest.mark.parametrize(("ending", "form"), [("ogg", "OGG/VORBIS"), ("mp3", "MP3/MPEG_LAYER_III")])
    def test_lossy_formats(self, tmp_path, ending, form):
        path = tmp_path / f"x.{ending}"
        sf.write(path, NOISE, RATE)
        decoded = decode(path)
        with sf.SoundFile(path) as file:  # sf.read() seeks first, after which an mp3 decodes a little differently
            exact = np.clip(np.rint(file.read(dtype="float32") * 32768), -32768, 32767)
        assert decoded.format == form
        assert np.array_equal(decoded.samples, exact)
        assert np.array_equal(read_window(path, 1000, 500), decoded.samples[1000:1500])

    @pytest.mark.parametrize("name", ["x.wav", "x.mp3", "x.txt", "x.raw", "x", "ü 'x'.FLAC"])
    def test_the_content_decides_and_not_the_name(self, tmp_path, name):
        sf.write(tmp_path / "a.flac", NOISE, RATE)
        (tmp_path / "a.flac").rename(tmp_path / name)
        assert np.array_equal(decode(tmp_path / name).samples, NOISE)
        assert np.array_equal(read_window(tmp_path / name, 10, 20), NOISE[10:30])


class TestWindows:
    @pytest.mark.parametrize(("ending", "subtype"), [("flac", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT")])
    def test_a_window_is_a_slice(self, tmp_path, ending, subtype):
        path = tmp_path / f"x.{ending}"
        sf.write(path, np.stack([NOISE, NOISE[::-1]], axis=1) / 32768, RATE, subtype=subtype)
        whole = decode(path).samples
        for start, length in [
            (0, 10),
            (4095, 2),
            (0, len(whole)),
            (len(whole) - 1, 5),
            (len(whole), 3),
            (10**9, 1),
            (5, 0),
        ]:
            assert np.array_equal(read_window(path, start, length), whole[start : start + length])

    def test_negative_positions_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match="starts at 0"):
            read_window(tmp_path / "x.wav", -1, 5)

    def test_errors_are_those_of_decode(self, tmp_path):
        (tmp_path / "x.wav").write_bytes(b"")
        with pytest.raises(UndecodableError) as caught:
            read_window(tmp_path / "x.wav", 0, 5)
        assert caught.value.status == "empty"


class TestWav:
    def header(self, tmp_path: Path, riff: int, size: int, payload: bytes) -> Path:
        sf.write(tmp_path / "a.wav", NOISE, RATE)
        raw = (tmp_path / "a.wav").read_bytes()[:44]
        path = tmp_path / "x.wav"
        path.write_bytes(raw[:4] + struct.pack("<I", riff) + raw[8:40] + struct.pack("<I", size) + payload)
        return path

    @pytest.mark.parametrize(("riff", "size"), [(0xFFFFFFFF, 0xFFFFFFFF), (0, 0), (36, 0), (0x7FFFF024, 0x7FFFF000)])
    def test_sizes_that_a_pipe_leaves_behind_are_no_promise(self, tmp_path, riff, size):
        path = self.header(tmp_path, riff, size, NOISE.tobytes())
        assert np.array_equal(decode(path).samples, NOISE)
        assert np.array_equal(read_window(path, 7, 70), NOISE[7:77])

    def test_a_promise_that_the_file_does_not_keep(self, tmp_path):
        error = fails(self.header(tmp_path, 96036, 96000, NOISE[:1000].tobytes()))
        assert error.status == "truncated"
        assert "promises 48,000 samples and ends after 1,000" in error.reason

    def test_cut_within_its_header(self, tmp_path):
        sf.write(tmp_path / "a.wav", NOISE, RATE)
        (tmp_path / "x.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:30])
        assert fails(tmp_path / "x.wav").status == "truncated"

    def test_an_empty_data_chunk_before_another_chunk_is_empty(self, tmp_path):
        path = self.header(tmp_path, 36 + 12, 0, b"LIST\x04\0\0\0abcd")
        assert fails(path).status == "empty"

    def test_chunks_of_odd_length_are_padded(self, tmp_path):
        path = self.header(tmp_path, 0, 0, b"")
        head = path.read_bytes()
        odd = b"junk" + struct.pack("<I", 3) + b"abc\0"
        data = b"data" + struct.pack("<I", 2 * len(NOISE)) + NOISE.tobytes()
        body = head[8:36] + odd + data
        path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
        assert np.array_equal(decode(path).samples, NOISE)


class TestNoAudio:
    def test_no_bytes(self, tmp_path):
        (tmp_path / "x.flac").touch()
        assert fails(tmp_path / "x.flac").status == "empty"
        assert fails(tmp_path / "x.flac", b"").status == "empty"

    @pytest.mark.parametrize("ending", ["wav", "ogg"])
    def test_no_samples(self, tmp_path, ending):
        sf.write(tmp_path / f"x.{ending}", NOISE[:0], RATE)
        assert fails(tmp_path / f"x.{ending}").status == "empty"

    def test_missing_file_and_folder(self, tmp_path):
        assert fails(tmp_path / "x.flac").status == "unreadable"
        assert fails(tmp_path).status == "unreadable"

    @pytest.mark.parametrize("content", [b"<!DOCTYPE html><title>404</title>" * 50, bytes(4000), b"RIFF", b"fLaC"])
    def test_other_content_is_named_by_its_first_bytes(self, tmp_path, content):
        path = tmp_path / "x.wav"
        path.write_bytes(content)
        error = fails(path)
        assert error.status in ("unreadable", "truncated")
        assert str(tmp_path) not in error.reason

    def test_ogg_without_its_end_is_not_called_empty(self, tmp_path):
        sf.write(tmp_path / "a.ogg", NOISE[:RATE], RATE)
        raw = (tmp_path / "a.ogg").read_bytes()
        (tmp_path / "x.ogg").write_bytes(raw[: len(raw) // 2])
        assert fails(tmp_path / "x.ogg").status == "truncated"

    def test_errors_travel_between_processes(self):
        error = pickle.loads(pickle.dumps(UndecodableError("empty", "nothing")))
        assert (error.status, error.reason, str(error)) == ("empty", "nothing", "empty: nothing")

    @given(st.binary(max_size=300), st.sampled_from([b"", b"RIFF\x24\0\0\0WAVE", b"fLaC\0\0\0\x22", b"OggS", b"ID3"]))
    def test_any_bytes_either_decode_or_say_why(self, tmp_path_factory, tail, head):
        path = tmp_path_factory.mktemp("fuzz") / "x.wav"
        path.write_bytes(head + tail)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", "")  # without ffmpeg: quicker, and its decoders are not under test
            try:
                assert decode(path).samples.ndim == 1
            except UndecodableError as error:
                assert error.status in ("unreadable", "truncated", "empty", "lfs-pointer", "litter")
                assert error.reason


class TestFfmpeg:
    @needs_ffmpeg
    @pytest.mark.parametrize(("ending", "form"), [("m4a", "MP4/FFMPEG"), ("webm", "MATROSKA/FFMPEG")])
    def test_what_libsndfile_does_not_know(self, tmp_path, ending, form):
        tone = (10000 * np.sin(np.arange(48000) * 2 * np.pi * 440 / 48000)).astype(np.int16)
        sf.write(tmp_path / "a.wav", np.stack([tone, tone], axis=1), 48000)
        ffmpeg("-i", tmp_path / "a.wav", tmp_path / f"-x.{ending}")
        decoded = decode(tmp_path / f"-x.{ending}")
        assert (decoded.rate_hz, decoded.channels, decoded.format) == (48000, 2, form)
        assert abs(len(decoded.samples) - len(tone)) < 3000
        middle = decoded.samples[10000:40000].astype(float)
        assert abs(np.sqrt(2 * np.mean(middle**2)) - 10000) < 300
        assert np.array_equal(read_window(tmp_path / f"-x.{ending}", 100, 200), decoded.samples[100:300])

    @needs_ffmpeg
    def test_a_video_without_sound_and_a_picture_are_unreadable(self, tmp_path):
        for name in ("x.mp4", "x.png"):
            ffmpeg("-f", "lavfi", "-i", "color=size=16x16:duration=1", "-frames:v", "1", tmp_path / name)
            assert fails(tmp_path / name).status == "unreadable"

    @needs_ffmpeg
    def test_flac_of_unknown_length_is_read_to_its_end(self, tmp_path):
        sf.write(tmp_path / "a.wav", NOISE, RATE)
        (tmp_path / "x.flac").write_bytes(ffmpeg("-i", tmp_path / "a.wav", "-f", "flac", "-"))
        assert np.array_equal(decode(tmp_path / "x.flac").samples, NOISE)
        assert np.array_equal(read_window(tmp_path / "x.flac", 47000, 500), NOISE[47000:47500])

    def test_without_ffmpeg_it_is_named(self, tmp_path, monkeypatch):
        (tmp_path / "x.m4a").write_bytes(b"\0\0\0\x1cftypM4A " + bytes(500))
        monkeypatch.setenv("PATH", str(tmp_path))
        error = fails(tmp_path / "x.m4a")
        assert error.status == "unreadable"
        assert "MP4" in error.reason
        assert "ffmpeg" in error.reason
