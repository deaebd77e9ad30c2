"""Labels with times: relative to the clip, absolute in the video."""

from __future__ import annotations

import pytest

from synth.corpora.audioset import strong
from synth.errors import InputError
from tests.corpora import audioset_real as real
from tests.real_data import needs_data


@needs_data
def test_strong_rows_land_at_the_right_absolute_times():
    """Every row of the real files, against the file itself: clip start, plus the row's own time."""
    files = sorted((real.FOLDER / "strong_subset").glob("*.tsv"))
    assert len(files) == 18
    total = 0
    for path in files:
        lines = path.read_text().splitlines()[1:]
        found = strong.read(path)
        assert len(found) == len(lines)
        for event, line in zip(found, lines, strict=True):
            fields = line.split("\t")
            ytid, clip_ms = fields[0][:11], int(fields[0][12:])
            assert (event.ytid, event.mid) == (ytid, fields[3])
            assert event.start_s == pytest.approx(clip_ms / 1000 + float(fields[1]), abs=1e-9)
            assert event.end_s == pytest.approx(clip_ms / 1000 + float(fields[2]), abs=1e-9)
            assert event.present == (fields[4:] != ["NOT_PRESENT"])
        total += len(found)
    assert total == 10_913


@needs_data
def test_they_lie_within_the_segments_of_their_clips():
    inside = 0
    for path in (real.FOLDER / "strong_subset").glob("*_train_strong.tsv"):
        for event in strong.read(path):
            row = real.rows().get(event.ytid)
            if row:
                inside += 1
                assert row[0] == event.clip_s
                assert row[0] <= event.start_s < event.end_s <= row[0] + 10.001
    assert inside > 100


def test_ids_with_underscores_are_whole(tmp_path):
    path = tmp_path / "s.tsv"
    path.write_text("segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n__a_b_c-_1__30000\t0.5\t1.5\t/m/09x0r\n")
    [event] = strong.read(path)
    assert (event.ytid, event.clip_s, event.start_s, event.end_s) == ("__a_b_c-_1_", 30.0, 30.5, 31.5)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("short_30000\t0\t1\t/m/09x0r", "YTID_milliseconds"),
        ("../../../ab_30000\t0\t1\t/m/09x0r", "YTID_milliseconds"),
        ("ABCDEFGHIJK\t0\t1\t/m/09x0r", "YTID_milliseconds"),
        ("ABCDEFGHIJK_0\t30.5\t31.5\t/m/09x0r", "relative to the clip"),
        ("ABCDEFGHIJK_0\t2\t1\t/m/09x0r", "relative to the clip"),
        ("ABCDEFGHIJK_0\tx\t1\t/m/09x0r", "no times"),
        ("ABCDEFGHIJK_0\t0\t1\tSpeech", "no mid"),
        ("ABCDEFGHIJK_0\t0\t1\t/m/09x0r\tMAYBE", "PRESENT"),
        ("ABCDEFGHIJK_0\t0\t1", "3 fields"),
        ("x" * 100_000, "line 2"),
    ],
)
def test_a_row_that_is_not_right_is_named(tmp_path, row, says):
    path = tmp_path / "s.tsv"
    path.write_text(f"segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n{row}\n")
    with pytest.raises(InputError, match=says) as error:
        strong.read(path)
    assert "line 2" in str(error.value)
