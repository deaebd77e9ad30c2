"""Which segment a name or the fields beside it speak of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.fetching.clips import name_of
from synth.fetching.names import Said, agreed, by_fields, by_name, stem_and_extension

ID = "-_a_b-c_d-e"
IDS = st.text("abcXYZY019_-", min_size=11, max_size=11)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (f"{ID}.flac", Said(ID)),
        (f"Y{ID}.wav", Said(ID)),
        (f"{ID}_30.wav", Said(ID, 30)),
        (f"{ID}_0.wav", Said(ID, 0)),
        (f"Y{ID}_30.wav", Said(ID, 30)),
        (f"{ID}_30_40.wav", Said(ID, 30, 40)),
        (f"{ID}-30-40.m4a", Said(ID, 30, 40)),
        (f"{ID}_30.0-40.0.m4a", Said(ID, 30, 40)),
        (f"{ID}_30.000_40.000", Said(ID, 30, 40)),
        (f"{ID}_30.000_40.000.webm", Said(ID, 30, 40)),
        (f"{ID}_11.100.OPUS", Said(ID, 11.1)),
        (f"{ID}_000030.mp4", Said(ID, 30)),
        (f"{ID}_000030_000040.mp4", Said(ID, 30, 40)),
        (f"{ID}_30000.flac", Said(ID, 30)),
        (f"{ID}_11100.flac", Said(ID, 11.1)),
        (f"{ID}_0_10000.flac", Said(ID, 0, 10)),
        (f"{ID}_590000_600000.flac", Said(ID, 590, 600)),
        (f"{ID}_590_600.flac", Said(ID, 590, 600)),
        (f"{ID}_30_10.wav", Said(ID, 30)),  # a start and a duration
        (f"{ID}.f140.m4a", Said(ID)),
        (f"{ID}_30000.audio.flac", Said(ID, 30)),
        (f"A title, with - and _ [{ID}].webm", Said(ID)),
        (name_of(f"{ID}_11100").rpartition("/")[2], Said(ID, 11.1)),
        ("YabcdefghijY_7.wav", Said("abcdefghijY", 7)),
        ("Yabcdefghij_7.wav", Said("Yabcdefghij", 7)),
        ("Yabcdefghij.wav", Said("Yabcdefghij")),
        ("Yabcdefghij__7.wav", Said("abcdefghij_", 7)),
    ],
)
def test_usual_names(name, said):
    assert by_name(stem_and_extension(name)[0]) == said


@pytest.mark.parametrize(
    "stem",
    ["", "abc", "abcdefghij", "abcdefghijkl", "abcdefghijk_", "abcdefghijk_x", "abcdefghijk_1_2_3", "äbcdefghijk", "a.cdefghijk",
     "abcdefghijk_-5", "abcdefghijk_1e3", "abcdefghijk_٣", "abcdefghijk\n", "Title [abc]", "../../../etc", "--exec"],
)  # fmt: skip
def test_names_without_an_id_at_its_place(stem):
    assert by_name(stem) is None


@given(IDS, st.integers(0, 590), st.sampled_from(["", "Y"]), st.sampled_from("_-"))
def test_every_id_is_read_whole(ytid, start_s, before, between):
    assert by_name(f"{before}{ytid}{between}{start_s}") == Said(ytid, start_s)
    assert by_name(f"{before}{ytid}{between}{start_s}.000") == Said(ytid, start_s)
    assert by_name(f"{before}{ytid}{between}{start_s}{between}{start_s + 10}") == Said(ytid, start_s, start_s + 10)
    assert by_name(f"{before}{ytid}{between}{start_s * 1000}{between}{start_s * 1000 + 10000}").start_s == start_s


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": ID}, Said(ID)),
        ({"YTID": ID, "start_seconds": 30.0, "end_seconds": 40.0}, Said(ID, 30, 40)),
        ({"video_id": ID, "start_time": "30", "end_time": "40"}, Said(ID, 30, 40)),
        ({"youtube_id": f"Y{ID}", "start": 30}, Said(ID, 30)),
        ({"ytid": ID, "start_ms": 30000, "end_ms": 40000}, Said(ID, 30, 40)),
        ({"segment_id": f"{ID}_30000"}, Said(ID, 30)),
        ({"id": "000123", "url": f"https://www.youtube.com/watch?v={ID}&t=30s"}, Said(ID)),
        ({"webpage_url": f"https://youtu.be/{ID}"}, Said(ID)),
        ({"id": ID, "extractor": "youtube", "start_time": 30, "section_start": None}, Said(ID)),
        ({"id": ID, "extractor": "youtube", "section_start": 30, "section_end": 40}, Said(ID, 30, 40)),
        ({"id": ID, "start": 30, "end": 10}, Said(ID, 30)),
        ({"id": ID, "start": "nan", "end": True}, Said(ID)),
        ({"id": 5, "url": ["x"]}, None),
        ({"url": f"https://www.youtube.com/watch?v={ID}x"}, None),
        ({}, None),
    ],
)
def test_fields(fields, said):
    assert by_fields(fields) == said


def test_fields_know_the_video_and_a_name_may_know_the_times():
    assert agreed(Said("00000_00012"), Said(ID, 30)) == Said(ID, 30)
    assert agreed(Said(ID, 30), Said(ID)) == Said(ID, 30)
    assert agreed(Said(ID, 30), Said(ID, 50)) == Said(ID, 50)
    assert agreed(None, Said(ID)) == agreed(Said(ID), None) == Said(ID)
    assert agreed(None, None) is None
