"""Copies are found where people keep them, and give the segment or are refused with the reason."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.audio.cut import CutError
from synth.audio.decode import decode
from synth.audio.encode import flac
from synth.errors import InputError
from synth.fetching.adopt import Copy, copies, serves, taken
from synth.fetching.clips import Refused, keep
from tests.audio.media import encoded, noise, offset

ID, OTHER = "-_a_b-c_d-e", "Yabcdefghi_"
RATE = 44100
VIDEO = noise(60, RATE)
SEGMENT = VIDEO[30 * RATE : 40 * RATE]
CLIP = flac(SEGMENT, RATE)


def put(path: Path, data: bytes = CLIP) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def tar_of(path: Path, *members: tuple[str | tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def odd(name: str, kind: bytes, leads_to: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, leads_to
    return info, b""


def a_copy(data: bytes, start_s: float | None = None, end_s: float | None = None) -> Copy:
    return Copy(ID, start_s, end_s, "copy.flac", lambda: io.BytesIO(data))


def times(found: list[Copy]) -> list[tuple[str, str, float | None, float | None]]:
    return [(copy.where, copy.ytid, copy.start_s, copy.end_s) for copy in found]


class TestFolders:
    def test_copies_in_all_folders_in_one_order(self, tmp_path):
        for name in (f"b/Y{ID}.wav", f"{ID}_30.flac", f"a/{OTHER}_30.000_40.000", "a/song.mp3", "a/notes.txt"):
            put(tmp_path / name)
        for name in (
            f"b/{OTHER}.webm.part",
            f"b/{OTHER}.webm.part-Frag3",
            f"b/{OTHER}.temp.m4a",
            f"b/{OTHER}.webm.ytdl",
        ):
            put(tmp_path / name)
        put(tmp_path / f"b/{OTHER}.m4a", b"")
        found, counts = copies([tmp_path])
        assert times(found) == [
            (f"{ID}_30.flac", ID, 30, None),
            (f"a/{OTHER}_30.000_40.000", OTHER, 30, 40),
            (f"b/Y{ID}.wav", ID, None, None),
        ]
        assert counts == {
            "an unfinished download": 4,
            "no YouTube id in its name or beside it": 1,
            "not audio by its name": 1,
            "without bytes": 1,
        }
        assert found[0].open().read() == CLIP

    def test_what_lies_beside_a_copy_is_believed(self, tmp_path):
        put(tmp_path / "00000_00012.flac")
        put(
            tmp_path / "00000_00012.json",
            json.dumps({"url": f"https://youtu.be/{ID}", "start": 30, "end": 40}).encode(),
        )
        put(tmp_path / "A song.webm")
        put(tmp_path / "A song.info.json", json.dumps({"id": OTHER, "extractor": "youtube"}).encode())
        assert times(copies([tmp_path / "A song.webm"])[0]) == [("A song.webm", OTHER, None, None)]
        put(tmp_path / "B song.webm")
        put(tmp_path / "B song.json", b"[[[")
        found, counts = copies([tmp_path])
        assert times(found) == [("00000_00012.flac", ID, 30, 40), ("A song.webm", OTHER, None, None)]
        assert counts == {"no YouTube id in its name or beside it": 1, "not audio by its name": 3}

    def test_single_files_and_several_paths(self, tmp_path):
        found, _ = copies([put(tmp_path / "b" / f"{ID}.flac"), put(tmp_path / "a" / f"{OTHER}.flac").parent])
        assert [copy.where for copy in found] == [f"{ID}.flac", f"{OTHER}.flac"]

    def test_a_path_that_is_not_there(self, tmp_path):
        with pytest.raises(InputError, match="does not exist"):
            copies([tmp_path / "nowhere"])

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
    def test_links_that_lead_nowhere_pipes_and_bytes_in_names(self, tmp_path):
        (tmp_path / f"{ID}.wav").symlink_to(tmp_path / "gone")
        os.mkfifo(tmp_path / f"{OTHER}.wav")
        put(tmp_path / os.fsdecode(f"{ID}_30.".encode() + b"\xff"))
        (copy,), counts = copies([tmp_path])
        assert copy.where == rf"{ID}_30.\xff"
        np.testing.assert_array_equal(taken(copy, 30, 40, RATE).samples, SEGMENT)
        assert counts == {"a link that leads nowhere, a pipe or the like": 2}

    def test_the_clips_of_an_earlier_fetch(self, tmp_path):
        one = taken(a_copy(CLIP), 30, 40, 16000)
        keep(one, f"{ID}_30000", 10, tmp_path / "first")
        (copy,), _ = copies([tmp_path / "first"])
        assert (copy.ytid, copy.start_s) == (ID, 30)
        np.testing.assert_array_equal(taken(copy, 30, 40, 16000).samples, one.samples)


class TestTars:
    def test_members_of_one_key_belong_together(self, tmp_path):
        fields = {"ytid": ID, "start_s": 30.0, "end_s": 40.0}
        path = tar_of(
            tmp_path / "shard-000.tar",
            ("000.flac", CLIP),
            ("000.json", json.dumps(fields).encode()),
            ("000.cls", b"3"),
            (f"sub/{OTHER}_30.000_40.000.flac", b"x" * 700),
            ("002.meta.json", json.dumps({"ytid": OTHER}).encode()),
            ("002.audio.flac", CLIP),
            ("sub/002.flac", CLIP),
        )
        found, counts = copies([path])
        assert times(found) == [
            ("shard-000.tar!000.flac", ID, 30, 40),
            (f"shard-000.tar!sub/{OTHER}_30.000_40.000.flac", OTHER, 30, 40),
            ("shard-000.tar!002.audio.flac", OTHER, None, None),
        ]
        assert counts == {"no YouTube id in its name or beside it": 1, "not audio by its name": 1}
        assert found[0].open().read() == CLIP
        assert found[1].open().read() == b"x" * 700
        with found[0].open() as file:
            assert (file.seek(-10, 2), file.read(), file.tell()) == (len(CLIP) - 10, CLIP[-10:], len(CLIP))
            assert (file.seek(3), file.read(2), file.seek(1, 1)) == (3, CLIP[3:5], 6)

    def test_members_that_are_no_plain_files_or_lead_out(self, tmp_path):
        (tmp_path / "in").mkdir()
        path = tar_of(
            tmp_path / "in" / "x.tar",
            (f"../{ID}.flac", CLIP),
            (f"a/../../{ID}.flac", CLIP),
            (f"..\\{ID}.flac", CLIP),
            odd(f"{ID}_1.flac", tarfile.SYMTYPE, "/etc/passwd"),
            odd(f"{ID}_2.flac", tarfile.LNKTYPE, f"../{ID}.flac"),
            odd(f"{ID}_3.flac", tarfile.CHRTYPE),
            odd(f"{ID}_4.flac", tarfile.FIFOTYPE),
            odd("folder", tarfile.DIRTYPE),
            (f"/root/{OTHER}.flac", CLIP),
        )
        before = sorted(tmp_path.rglob("*"))
        found, counts = copies([path])
        assert [copy.where for copy in found] == [f"x.tar!root/{OTHER}.flac"]
        assert counts == {"a link, a device or the like in a tar": 4, "a member whose name leads out of its tar": 3}
        taken(found[0], 30, 40, RATE)
        assert sorted(tmp_path.rglob("*")) == before

    def test_damaged_tars_give_what_is_whole(self, tmp_path):
        members = [(f"{ID}_{k}.flac", CLIP) for k in range(3)]
        whole = tar_of(tmp_path / "x.tar", *members).read_bytes()
        step = 512 + -(-len(CLIP) // 512) * 512
        damaged = bytearray(whole)
        damaged[step : step + 100] = b"\xff" * 100
        for data, there in (
            (whole[: 2 * step + 4000], 2),
            (whole[: 2 * step + 100], 2),
            (bytes(damaged), 1),
            (b"no tar at all" * 100, 0),
        ):
            found, counts = copies([put(tmp_path / "y.tar", data)])
            assert len(found) == there
            assert counts == {"a tar that is damaged, cut off or compressed": 1}
        assert len(copies([tmp_path / "x.tar"])[0]) == 3
        assert copies([put(tmp_path / "y.tar", whole[: 3 * step])])[1] == {}  # only the two empty blocks are gone

    def test_a_member_that_claims_a_negative_or_enormous_size(self, tmp_path):
        for size in (b"\xff" * 12, b"\x80" + b"\x00" * 3 + b"\xff" * 8):
            info = tarfile.TarInfo(f"{ID}.flac")
            header = bytearray(info.tobuf())
            header[124:136] = size
            header[148:156] = b" " * 8
            header[148:156] = b"%06o\0 " % sum(header)
            found, counts = copies([put(tmp_path / "y.tar", bytes(header) + bytes(2048))])
            assert found == []
            assert counts == {"a tar that is damaged, cut off or compressed": 1}

    def test_a_compressed_tar_is_counted(self, tmp_path):
        with tarfile.open(tmp_path / "x.tar", "w:gz") as tar:
            tar.addfile(tarfile.TarInfo(f"{ID}.flac"))
        assert copies([tmp_path])[1] == {"a tar that is damaged, cut off or compressed": 1}

    def test_audio_is_not_read_to_find_it(self, tmp_path):
        path = tar_of(tmp_path / "x.tar", *((f"{ID}_{k}.flac", bytes(1_000_000)) for k in range(30)))
        tracemalloc.start()
        found, _ = copies([path])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(found) == 30
        assert peak < 1_000_000


class TestParquet:
    def table(self, path: Path, ids: dict[str, list], audio: list[dict | None], **options: int) -> Path:
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        pq.write_table(pa.table({**ids, "audio": pa.array(audio, kind)}), path, **options)
        return path

    def test_rows_with_ids_and_times_in_columns(self, tmp_path):
        rows = [{"bytes": CLIP, "path": "x.flac"}, {"bytes": b"second", "path": None}, None]
        path = self.table(
            tmp_path / "train-0.parquet",
            {
                "video_id": [ID, OTHER, "x"],
                "start_time": [30.0, None, 0],
                "end_time": [40.0, None, 0],
                "labels": [["a"]] * 3,
            },
            rows,
            row_group_size=2,
        )
        found, counts = copies([path])
        assert times(found) == [("train-0.parquet#0", ID, 30, 40), ("train-0.parquet#1", OTHER, None, None)]
        assert counts == {"no YouTube id in its name or beside it": 1}
        assert [copy.open().read() for copy in found] == [CLIP, b"second"]
        np.testing.assert_array_equal(taken(found[0], 30, 40, RATE).samples, SEGMENT)

    @pytest.mark.parametrize("column", ["youtube_id", "ytid", "id", "YTID"])
    def test_other_names_of_the_id(self, column, tmp_path):
        (copy,), _ = copies([self.table(tmp_path / "x.parquet", {column: [ID]}, [{"bytes": CLIP, "path": None}])])
        assert (copy.ytid, copy.start_s) == (ID, None)

    def test_ids_in_the_path_of_the_audio(self, tmp_path):
        rows = [{"bytes": b"%d" % k, "path": f"/home/x/Y{ID}_{k}.flac"} for k in range(250)]
        path = self.table(tmp_path / "x.parquet", {}, rows, row_group_size=100)
        found, _ = copies([path])
        assert [copy.start_s for copy in found] == list(range(250))
        assert found[207].where == "x.parquet#207"
        assert [found[k].open().read() for k in (0, 99, 100, 207, 249)] == [b"0", b"99", b"100", b"207", b"249"]

    def test_tables_without_audio_and_damaged_ones(self, tmp_path):
        pq.write_table(pa.table({"id": [ID]}), tmp_path / "ledger.parquet")
        pq.write_table(pa.table({"id": [ID], "audio": [{"bytes": "text", "path": ""}]}), tmp_path / "text.parquet")
        put(tmp_path / "x.parquet", (tmp_path / "ledger.parquet").read_bytes()[:-20])
        counts = {"a Parquet file without a column of audio bytes": 2, "a damaged Parquet file": 1}
        assert copies([tmp_path]) == ([], counts)

    def test_a_row_without_bytes_or_with_damaged_ones(self, tmp_path):
        rows = [{"bytes": None, "path": "x"}, {"bytes": b"damaged" * 2000, "path": "x"}]
        path = self.table(tmp_path / "x.parquet", {"id": [ID, ID]}, rows, compression="none")
        data = path.read_bytes()
        found, _ = copies([path])
        for copy in found:
            with pytest.raises(CutError, match="FFmpeg"):
                taken(copy, 0, 10, RATE)
        path.write_bytes(data.replace(b"damaged" * 2000, b"")[:-8] + data[-8:])
        with pytest.raises(CutError, match="cannot be read"):
            taken(found[1], 0, 10, RATE)

    def test_one_row_does_not_cost_the_memory_of_all(self, tmp_path):
        rows = [{"bytes": np.random.default_rng(k).bytes(2_000_000), "path": f"{ID}_{k}.flac"} for k in range(40)]
        path = self.table(tmp_path / "x.parquet", {}, rows, row_group_size=4)
        found, _ = copies([path])
        kept, pool = pa.default_memory_pool(), pa.system_memory_pool()
        pa.set_memory_pool(pool)
        try:
            before = pool.bytes_allocated()
            data = found[35].open().read()
            most = (pool.max_memory() or 0) - before
        finally:
            pa.set_memory_pool(kept)
        assert data == rows[35]["bytes"]
        assert most < 40_000_000


class TestTaken:
    @pytest.mark.parametrize("kind", ["flac", "m4a", "mp3", "ogg"])
    def test_a_copy_as_long_as_the_segment_is_the_segment(self, kind):
        one = taken(a_copy(encoded(kind, SEGMENT)), 30, 40, RATE)
        assert len(one.samples) == 441000
        assert offset(one.samples[4096:], VIDEO, 30 * RATE + 4096)[0] == 0

    @pytest.mark.parametrize("kind", ["flac", "m4a", "mp3", "ogg"])
    def test_a_longer_copy_is_the_whole_video_and_is_cut(self, kind):
        data = encoded(kind, VIDEO)
        for start_s, end_s in ((30, 40), (0, 10), (50, 60), (23.7, 33.7)):
            one = taken(a_copy(data), start_s, end_s, RATE)
            assert len(one.samples) == 441000
            assert offset(one.samples[4096:], VIDEO, round(start_s * RATE) + 4096)[0] == 0

    def test_a_lossless_copy_at_another_rate(self):
        one = taken(a_copy(CLIP), 30, 40, 16000)
        assert (len(one.samples), one.rate_hz, one.heard_s) == (160_000, 16000, 10)

    def test_a_copy_that_names_its_part(self):
        part = flac(VIDEO[20 * RATE : 50 * RATE], RATE)
        np.testing.assert_array_equal(taken(a_copy(part, 20, 50), 30, 40, RATE).samples, SEGMENT)
        np.testing.assert_array_equal(taken(a_copy(CLIP, 30, 40), 30, 40, RATE).samples, SEGMENT)
        np.testing.assert_array_equal(taken(a_copy(CLIP, 30), 30, 40, RATE).samples, SEGMENT)

    @pytest.mark.parametrize(
        ("copy", "status"),
        [
            (a_copy(flac(VIDEO[: 7 * RATE], RATE)), "short"),
            (a_copy(flac(VIDEO[: 9 * RATE], RATE), 30, 40), "short"),
            (a_copy(flac(VIDEO[: 25 * RATE], RATE), 20, 50), "short"),
            (a_copy(flac(VIDEO[: 17 * RATE], RATE)), "ambiguous"),  # cut at some cluster before the segment
            (a_copy(flac(VIDEO[: 17 * RATE], RATE), 30, 40), "ambiguous"),
            (a_copy(flac(VIDEO, RATE), 30), "ambiguous"),
            (a_copy(CLIP, 50, 60), "ambiguous"),
            (a_copy(CLIP, 0), "ambiguous"),
        ],
    )
    def test_a_copy_that_is_not_used(self, copy, status):
        with pytest.raises(Refused, match=r"copy\.flac") as caught:
            taken(copy, 30, 40, RATE)
        assert caught.value.status == status

    def test_the_segment_or_the_whole_video(self):
        with pytest.raises(Refused, match="the segment or the whole video"):
            taken(a_copy(flac(VIDEO[: 441000 + 9000], RATE)), 0.1, 10.1, RATE)
        assert len(taken(a_copy(flac(VIDEO[: 441000 + 9000], RATE)), 0, 10, RATE).samples) == 441000

    def test_a_video_shorter_than_ten_seconds(self):
        one = taken(a_copy(flac(VIDEO[: 7 * RATE], RATE)), 0, 7, RATE)
        np.testing.assert_array_equal(one.samples, VIDEO[: 7 * RATE])

    def test_a_copy_that_is_gone_or_no_audio(self, tmp_path):
        path = put(tmp_path / f"{ID}.flac")
        (copy,), _ = copies([tmp_path])
        path.write_bytes(b"<html>")
        with pytest.raises(CutError, match="no audio"):
            taken(copy, 30, 40, RATE)
        path.unlink()
        with pytest.raises(CutError, match="cannot be read"):
            taken(copy, 30, 40, RATE)

    def test_what_a_copy_may_serve(self):
        assert serves(a_copy(b""), 30, 40)
        assert serves(a_copy(b"", 30), 30.0004, 40)
        assert not serves(a_copy(b"", 29), 30, 40)
        assert serves(a_copy(b"", 20, 40), 30, 40)
        assert not serves(a_copy(b"", 20, 39), 30, 40)

    def test_a_copy_is_kept_like_a_download(self, tmp_path):
        kept = keep(taken(a_copy(encoded("m4a", VIDEO)), 30, 40, 48000), f"{ID}_30000", 10, tmp_path)
        assert (kept.frames, decode(tmp_path / kept.path).rate_hz) == (480_000, 48000)
        silent = taken(a_copy(flac(np.zeros(441000, np.int16), RATE)), 30, 40, 48000)
        with pytest.raises(Refused) as caught:
            keep(silent, f"{ID}_30000", 10, tmp_path)
        assert caught.value.status == "silent"
