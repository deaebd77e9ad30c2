"""Cuts lie where they should, to the sample, in every kind of medium; damage is said, not cut."""

from __future__ import annotations

import io
import struct
import tracemalloc
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf
import soxr

from synth.audio.cut import Cut, CutError, cut
from synth.audio.decode import decode
from synth.audio.encode import flac, wav
from tests.audio.media import KINDS, encoded, noise, offset

SECONDS = 40
SEGMENTS = [(0, 10), (0, 1), (17, 18), (12.3456, 22.3456), (29.999, 39.999), (30, 40), (39, 40), (0.02, 1.02)]
EARLY = {"m4a-fragmented": -1024, "adts": -1024}  # AAC that does not declare its priming


@lru_cache(maxsize=1)
def source(rate_hz: int) -> np.ndarray:
    return noise(SECONDS, rate_hz)


@lru_cache(maxsize=2)
def medium(kind: str) -> bytes:
    return encoded(kind, source(KINDS[kind][2]))


def cuts(data: bytes, segments: list[tuple[float, float]], rate_hz: int = 44100) -> list[Cut]:
    return cut(io.BytesIO(data), segments, rate_hz)


def fails(data: bytes, segment: tuple[float, float] = (30, 31)) -> CutError:
    with pytest.raises(CutError) as caught:
        cuts(data, [segment])
    return caught.value


class TestPlaces:
    @pytest.mark.parametrize("kind", sorted(KINDS, key=lambda kind: KINDS[kind][2]))
    def test_every_cut_begins_where_its_segment_does(self, kind):
        rate_hz = KINDS[kind][2]
        for (start_s, end_s), one in zip(SEGMENTS, cuts(medium(kind), SEGMENTS, rate_hz), strict=True):
            late, alike = offset(one.samples[2048:], source(rate_hz), round(start_s * rate_hz) + 2048)
            assert (late, alike > 0.95) == (EARLY.get(kind, 0), True), (start_s, alike)
            assert len(one.samples) == round((end_s - start_s) * rate_hz)
            assert one.heard_s == pytest.approx(end_s - start_s, abs=1 / rate_hz)

    @pytest.mark.parametrize("kind", ["flac", "wav"])
    def test_a_lossless_cut_is_the_source(self, kind):
        for (start_s, end_s), one in zip(SEGMENTS, cuts(medium(kind), SEGMENTS), strict=True):
            start = round(start_s * 44100)
            expected = source(44100)[start : start + round((end_s - start_s) * 44100)]
            np.testing.assert_array_equal(one.samples, expected)

    @pytest.mark.parametrize("kind", ["mp3", "ogg", "opus"])
    def test_a_cut_is_that_of_the_stream_as_libsndfile_decodes_it(self, kind, tmp_path):
        path = tmp_path / f"whole.{kind}"
        path.write_bytes(medium(kind))
        whole = decode(path)
        for (start_s, _), one in zip(SEGMENTS, cuts(medium(kind), SEGMENTS, whole.rate_hz), strict=True):
            start = round(start_s * whole.rate_hz)
            other = whole.samples[start : start + len(one.samples)].astype(int)
            assert np.abs(one.samples[: len(other)] - other).max() <= 8
            assert len(other) >= len(one.samples) - 1

    @pytest.mark.parametrize(
        ("kind", "codec", "priming"),
        [
            ("m4a", "aac", "edit list"),
            ("m4a-fragmented", "aac", "none declared"),
            ("webm", "opus", "codec delay"),
            ("mp3", "mp3", "codec delay"),
            ("flac", "flac", "none declared"),
        ],
    )
    def test_the_codec_and_its_priming_are_told(self, kind, codec, priming):
        (one,) = cuts(medium(kind), [(1, 2)])
        assert (one.codec, one.priming) == (codec, priming)

    def test_the_sound_of_a_video(self):
        (one,) = cuts(encoded("m4a", source(44100)[: 8 * 44100], picture=True), [(3, 4)])
        late, alike = offset(one.samples, source(44100), 3 * 44100)
        assert late == 0
        assert alike > 0.98


class TestResampling:
    @pytest.mark.parametrize("rate_hz", [48000, 16000, 22050, 8000])
    def test_a_resampled_cut_is_that_of_the_whole_resampled(self, rate_hz):
        data = flac(source(44100), 44100)
        whole = soxr.resample(source(44100).astype(np.float32), 44100, rate_hz, quality="HQ")
        segments = [(0, 10), (0, 1), (17, 18), (12.34, 13.34), (30, 40), (39, 40)]
        edge = rate_hz // 100  # of the stream: soxr alone and soxr after silence begin and end a little differently
        for (start_s, end_s), one in zip(segments, cuts(data, segments, rate_hz), strict=True):
            start, length = round(start_s * rate_hz), round((end_s - start_s) * rate_hz)
            assert len(one.samples) == length
            within = slice(edge if start_s == 0 else 0, length - edge if end_s == SECONDS else length)
            expected = np.clip(whole[start : start + length], -32768, 32767)
            assert np.abs(one.samples - expected)[within].max() <= 1

    def test_lengths_do_not_depend_on_the_start(self):
        starts = [k * 0.37 + 0.001 for k in range(50)]
        for one in cuts(flac(source(44100), 44100), [(s, s + 1.5) for s in starts], 48000):
            assert len(one.samples) == 72000

    def test_rates_without_a_common_step(self):
        data = flac(source(44100), 44101)
        (one,) = cuts(data, [(5, 6)], 48000)
        whole = soxr.resample(source(44100).astype(np.float32), 44101, 48000, quality="HQ")
        assert np.abs(one.samples - whole[240000:288000]).max() <= 1


class TestStreams:
    def test_segments_in_any_order_that_overlap_and_repeat(self):
        segments = [(20, 30), (5, 6), (25, 35), (5, 6), (5.5, 20.5)]
        together = cuts(medium("m4a"), segments)
        for segment, one in zip(segments, together, strict=True):
            np.testing.assert_array_equal(one.samples, cuts(medium("m4a"), [segment])[0].samples)

    def test_decoding_ends_with_the_last_segment(self):
        first, second = cuts(medium("webm"), [(1, 2), (3, 4)], 48000)
        assert first.stream_s == second.stream_s == pytest.approx(4, abs=0.03)

    def test_damage_behind_the_last_segment_does_no_harm(self):
        data = bytearray(medium("flac"))
        data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
        (one,) = cuts(bytes(data), [(0, 10)])
        np.testing.assert_array_equal(one.samples, source(44100)[:441000])

    def test_only_segments_are_held(self):
        rate_hz, seconds = 48000, 300
        data = wav(np.tile(noise(10, rate_hz), seconds // 10), rate_hz)
        file = io.BytesIO(data)
        tracemalloc.start()
        (one,) = cut(file, [(298, 299)], 16000)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(one.samples) == 16000
        assert peak < len(data) / 8

    def test_a_segment_past_the_end_gives_what_there_is(self):
        within, over, behind = cuts(medium("wav"), [(1, 2), (38, 48), (41, 51)])
        assert (within.heard_s, over.heard_s, behind.heard_s) == (1, 2, 0)
        np.testing.assert_array_equal(over.samples, source(44100)[-88200:])
        assert len(behind.samples) == 0
        assert behind.stream_s == 40

    def test_a_resampled_segment_past_the_end(self):
        (over,) = cuts(medium("wav"), [(38, 48)], 16000)
        assert (len(over.samples), over.heard_s) == (32000, 2)

    def test_a_stream_shorter_than_the_context(self):
        (one,) = cuts(flac(source(44100)[:1000], 44100), [(0, 10)], 16000)
        assert len(one.samples) == 363

    def test_a_path_and_a_file_give_the_same(self, tmp_path):
        path = tmp_path / "-x concat:a|b.wav"  # no name is ever given to FFmpeg
        path.write_bytes(medium("wav"))
        np.testing.assert_array_equal(
            cut(path, [(2, 3)], 48000)[0].samples, cuts(medium("wav"), [(2, 3)], 48000)[0].samples
        )

    @pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
    def test_samples_are_read_as_decode_reads_them(self, subtype, tmp_path):
        wide = np.random.default_rng(3).uniform(-1, 1, (4410, 2))
        path = tmp_path / "x.wav"
        sf.write(path, wide, 44100, subtype=subtype)
        np.testing.assert_array_equal(cut(path, [(0, 0.1)], 44100)[0].samples, decode(path).samples)

    @pytest.mark.parametrize(
        ("segment", "rate_hz"),
        [((5, 5), 16000), ((-1, 3), 16000), ((0, float("inf")), 16000), ((float("nan"), 1), 16000), ((0, 1), 0)],
    )
    def test_a_segment_that_is_none(self, segment, rate_hz):
        with pytest.raises(ValueError, match="got"):
            cut(io.BytesIO(medium("wav")), [segment], rate_hz)

    def test_no_segments(self):
        assert cuts(medium("wav"), []) == []


class TestDamage:
    @pytest.mark.parametrize("kind", ["m4a-fragmented", "adts", "webm", "mp3", "flac", "wav"])
    def test_a_file_that_was_cut_off(self, kind):
        whole = encoded(kind, source(KINDS[kind][2]))
        short = whole[: len(whole) * 6 // 10]
        error = fails(short)
        assert error.sound_s == pytest.approx(24, abs=2)
        assert "damaged at 2" in str(error)
        assert len(cuts(short, [(20, 21)])[0].samples) == 44100

    def test_an_m4a_whose_index_is_gone(self):
        assert "FFmpeg" in str(fails(medium("m4a")[: len(medium("m4a")) * 9 // 10]))

    @pytest.mark.parametrize("kind", ["m4a", "m4a-fragmented", "adts", "webm", "opus", "mp3", "flac"])
    def test_bytes_lost_in_the_middle(self, kind):
        data = bytearray(medium(kind))
        middle = len(data) // 2
        data[middle : middle + 6000] = bytes(6000)
        error = fails(bytes(data))
        assert 15 < error.sound_s < 25

    def test_a_fragment_that_was_not_downloaded(self):
        boxes = fragments(medium("m4a-fragmented"))
        fragment = [index for index, box in enumerate(boxes) if box[4:8] == b"moof"]
        assert len(fragment) > 20
        tenth, last = fragment[10], fragment[-1]
        error = fails(b"".join(boxes[:tenth] + boxes[tenth + 2 :]), (30, 31))
        assert "are missing" in str(error)
        assert error.sound_s == pytest.approx(10, abs=1)
        assert "beginning is missing" in str(fails(b"".join(boxes[: fragment[0]] + boxes[fragment[0] + 2 :])))
        assert len(cuts(b"".join(boxes[:last] + boxes[last + 2 :]), [(30, 31)])[0].samples) == 44100

    def test_a_cluster_that_was_not_downloaded(self):
        head, *clusters = medium("webm").split(b"\x1f\x43\xb6\x75")
        assert len(clusters) > 20
        error = fails(b"\x1f\x43\xb6\x75".join([head, *clusters[:10], *clusters[11:]]))
        assert "are missing" in str(error)
        assert error.sound_s == pytest.approx(10, abs=1)

    def test_floats_that_are_no_numbers(self):
        buffer = io.BytesIO()
        wide = source(44100)[:88200] / 32768
        wide[50000] = np.nan
        sf.write(buffer, wide, 44100, format="WAV", subtype="FLOAT")
        assert "not finite" in str(fails(buffer.getvalue(), (0, 2)))

    @pytest.mark.parametrize(
        "data",
        [b"", b"\0" * 5000, b"<!DOCTYPE html><html>" + b"x" * 5000, b"version https://git-lfs.github.com/spec/v1\n"],
        ids=["nothing", "zeros", "a page", "a pointer"],
    )
    def test_what_is_no_medium(self, data):
        assert "FFmpeg" in str(fails(data))

    def test_a_video_without_sound(self):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="mp4") as out:
            video = out.add_stream("mpeg4", rate=5)
            video.width = video.height = 32
            for index in range(10):
                image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
                image.pts = index
                out.mux(video.encode(image))
            out.mux(video.encode(None))
        assert "no audio" in str(fails(buffer.getvalue()))

    def test_a_coding_that_nobody_knows(self):
        data = bytearray(wav(source(44100)[:44100], 44100))
        data[20:22] = b"\xee\xee"
        assert "no audio that FFmpeg can decode" in str(fails(bytes(data)))

    @pytest.mark.parametrize("kind", ["m4a-fragmented", "webm", "mp3", "flac", "wav", "ogg"])
    def test_random_damage_is_a_cut_or_an_error_with_a_reason(self, kind):
        whole, random = encoded(kind, noise(3, KINDS[kind][2])), np.random.default_rng(5)
        for k in range(60):
            data = np.frombuffer(whole, np.uint8).copy()
            places = random.integers(0, (len(data), 300)[k % 2], random.integers(1, 20))
            data[places] = random.integers(0, 256, len(places))
            try:
                first, second = cuts(data.tobytes(), [(0, 1), (2, 3)], 16000)
            except CutError as error:
                assert str(error)
                continue
            assert len(first.samples) <= 16000
            assert len(second.samples) <= 16000

    def test_tags_that_are_no_utf8_do_no_harm(self):
        tag = b"INFOINAM" + struct.pack("<I", 6) + "Öööö\0\0".encode("latin-1")
        data = wav(source(44100)[:44100], 44100) + b"LIST" + struct.pack("<I", len(tag)) + tag
        np.testing.assert_array_equal(cuts(data, [(0, 1)])[0].samples, source(44100)[:44100])

    def test_a_stream_without_a_sample(self):
        assert "no sample" in str(fails(wav(np.zeros(0, np.int16), 44100)))

    def test_a_playlist_opens_no_other_file(self, tmp_path):
        secret = tmp_path / "secret.wav"
        secret.write_bytes(medium("wav"))
        for text in (f"#EXTM3U\n#EXTINF:40,\n{secret}\n", f"ffconcat version 1.0\nfile '{secret}'\n"):
            path = tmp_path / "list.m4a"
            path.write_text(text)
            with pytest.raises(CutError, match="FFmpeg"):
                cut(path, [(0, 1)], 44100)


def fragments(data: bytes) -> list[bytes]:
    """Return the boxes of an MP4 file in their order."""
    boxes, position = [], 0
    while position < len(data):
        (size,) = struct.unpack_from(">I", data, position)
        boxes.append(data[position : position + size])
        position += size
    return boxes


def test_a_file_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        cut(Path("/nowhere/x.m4a"), [(0, 1)], 44100)
