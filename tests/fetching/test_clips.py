"""What is kept as a clip, what is refused, and the names of files."""

from __future__ import annotations

from hashlib import sha256
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from synth.audio.cut import Cut, cut
from synth.audio.decode import decode
from synth.fetching.clips import Refused, keep, name_of, still_good
from tests.audio.media import noise

RATE = 16000
SOUND = noise(10, RATE)


def a_cut(samples: np.ndarray, rate_hz: int = RATE) -> Cut:
    return Cut(samples.astype(np.int16), rate_hz, "opus", "codec delay", len(samples) / rate_hz, 200.0)


def refused(samples: np.ndarray, folder: Path, length_s: float = 10) -> Refused:
    with pytest.raises(Refused) as caught:
        keep(a_cut(samples), "abcdefghijk_0", length_s, folder)
    assert list(folder.rglob("*.flac")) == []
    return caught.value


@pytest.mark.parametrize(("right", "status"), [(-1.0, "antiphase"), (-0.8, "antiphase"), (0.0, None), (1.0, None)])
@pytest.mark.parametrize("rate_hz", [RATE, 44100])
def test_a_video_whose_channels_cancel(tmp_path, right, status, rate_hz):
    """The segment asked for counts; elsewhere in the video the channels may agree."""
    both = np.stack([SOUND, SOUND], axis=1).astype(float)
    both[3 * RATE : 7 * RATE, 1] *= right
    sf.write(tmp_path / "video.wav", np.rint(both).astype(np.int16), RATE)
    inside, after = cut(tmp_path / "video.wav", [(3.5, 6.5), (7.5, 9.5)], rate_hz)
    keep(after, "abcdefghijk_1", 2.0, tmp_path)
    if status is None:
        assert keep(inside, "abcdefghijk_0", 3.0, tmp_path).frames == 3 * rate_hz
    else:
        with pytest.raises(Refused, match="its 2 channels cancel") as caught:
            keep(inside, "abcdefghijk_0", 3.0, tmp_path)
        assert caught.value.status == status


class TestKeeping:
    @pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 44100, 48000])
    def test_the_file_holds_the_samples(self, rate_hz, tmp_path):
        kept = keep(
            a_cut(SOUND[: 5 * rate_hz], rate_hz), "--PJHxphWEs_30000", len(SOUND[: 5 * rate_hz]) / rate_hz, tmp_path
        )
        path = tmp_path / kept.path
        samples, read_hz = sf.read(path, dtype="int16")
        np.testing.assert_array_equal(samples, SOUND[: 5 * rate_hz])
        info = sf.info(path)
        assert (read_hz, info.channels, info.subtype, info.format) == (rate_hz, 1, "PCM_16", "FLAC")
        assert (kept.rate_hz, kept.frames) == (rate_hz, len(samples))
        assert (kept.sha256, kept.bytes) == (sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        assert kept.path == name_of("--PJHxphWEs_30000")
        assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]

    @pytest.mark.parametrize(("there", "wanted"), [(159_200, 160_000), (160_000, 160_000), (160_300, 160_000)])
    def test_a_clip_is_as_long_as_its_segment(self, there, wanted, tmp_path):
        kept = keep(a_cut(np.resize(SOUND, there)), "abcdefghijk_0", 10, tmp_path)
        samples = decode(tmp_path / kept.path).samples
        assert kept.frames == len(samples) == wanted
        np.testing.assert_array_equal(samples[:there], np.resize(SOUND, there)[:wanted])
        assert not samples[there:].any()

    @pytest.mark.parametrize("there", [0, 1, 80_000, 159_199])
    def test_a_clip_that_is_short(self, there, tmp_path):
        error = refused(SOUND[:there], tmp_path)
        assert error.status == "short"
        assert f"{there / RATE:.3f} s of 10.000 s" in str(error)

    @pytest.mark.parametrize(
        "samples",
        [np.zeros(160_000), np.full(160_000, 300), np.tile([0, 0, 0, 1], 40_000), np.tile([7] * 9 + [8], 16_000)],
        ids=["zeros", "a constant", "the last bit", "the last bit on a constant"],
    )
    def test_a_clip_that_is_silent(self, samples, tmp_path):
        assert refused(samples, tmp_path).status == "silent"

    def test_what_is_faint_or_short_in_silence_is_heard(self, tmp_path):
        faint = SOUND // 2000  # peaks of 10 of 32,768
        click = np.zeros(160_000)
        click[80_000:80_400] = SOUND[:400]
        for k, samples in enumerate((faint, click)):
            assert keep(a_cut(samples), f"abcdefghijk_{k}", 10, tmp_path).frames == 160_000

    def test_a_clip_replaces_what_was_there(self, tmp_path):
        path = tmp_path / name_of("abcdefghijk_0")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half a clip")
        kept = keep(a_cut(SOUND), "abcdefghijk_0", 10, tmp_path)
        assert still_good(tmp_path, kept.path, kept.sha256)

    def test_the_same_clip_has_the_same_bytes(self, tmp_path):
        assert keep(a_cut(SOUND), "a_0", 10, tmp_path / "1") == keep(a_cut(SOUND), "a_0", 10, tmp_path / "2")


class TestNames:
    def test_a_name_is_the_id_behind_a_y(self):
        assert name_of("--PJHxphWEs_30000") == "audio/31/Y--PJHxphWEs_30000-31a8d704.flac"

    def test_ids_that_differ_in_case_alone_have_names_that_differ_in_more(self):
        ids = {"".join(letters) + "cdefghijk_30000" for letters in product("aA", "bB")} | {"abcdefghijK_30000"}
        names = {name_of(item_id).rpartition("/")[2].casefold() for item_id in ids}
        assert len(names) == len(ids) == 5

    def test_a_thousand_clips_are_spread_out(self):
        folders = {name_of(f"abcdefghijk_{k}").split("/")[1] for k in range(2000)}
        assert len(folders) == 256

    @given(st.one_of(st.text(), st.sampled_from(["../../x", "--exec", "a/b\\c", "NUL", "a\0b", "con.", "x" * 5000])))
    def test_no_id_leads_out_of_the_folder(self, item_id):
        first, second, name = name_of(item_id).split("/")
        assert (first, len(second)) == ("audio", 2)
        assert set(name.removesuffix(".flac").casefold()) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-~")
        assert name[0] == "Y"
        assert len(name) < 110


class TestStillGood:
    def test_a_clip_that_changed_or_went(self, tmp_path):
        kept = keep(a_cut(SOUND), "abcdefghijk_0", 10, tmp_path)
        assert still_good(tmp_path, kept.path, kept.sha256)
        assert not still_good(tmp_path, kept.path, "0" * 64)
        path = tmp_path / kept.path
        path.write_bytes(path.read_bytes()[:-1])
        assert not still_good(tmp_path, kept.path, kept.sha256)
        path.unlink()
        assert not still_good(tmp_path, kept.path, kept.sha256)

    @pytest.mark.parametrize("path", ["../x.flac", "audio/../../x.flac", "", "audio", "a\0b"])
    def test_a_path_that_is_none(self, path, tmp_path):
        (tmp_path / "x.flac").write_bytes(b"x")
        (tmp_path / "in" / "audio").mkdir(parents=True)
        assert not still_good(tmp_path / "in", path, sha256(b"x").hexdigest())

    def test_an_absolute_path(self, tmp_path):
        (tmp_path / "x.flac").write_bytes(b"x")
        (tmp_path / "in").mkdir()
        assert not still_good(tmp_path / "in", str(tmp_path / "x.flac"), sha256(b"x").hexdigest())
