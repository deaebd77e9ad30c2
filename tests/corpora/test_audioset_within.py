"""Times within a clip are not taken for times in a video, in whatever form such labels come."""

from __future__ import annotations

import pytest

from synth.corpora.audioset import segments, within
from synth.errors import InputError
from tests.corpora import audioset_real as real
from tests.end_to_end.commands import synth
from tests.real_data import needs_data

MIDS = '"/m/09x0r,/t/dd00088"'
STRONG = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
KINDS = {
    "DESED": "filename\tonset\toffset\tevent_label\nY-5QrBL6MzLg.wav\t0.917\t2.029\tAccordion\nY-0BIyqJj9ZU.wav\t3.2\t4.0\tDog\n",
    "DESED, names with times": "filename\tonset\toffset\tevent_label\nY-5QrBL6MzLg_30.000_40.000.wav\t0.9\t2.0\tDog\n",
    "DESED, a file without events": "filename\tonset\toffset\tevent_label\nY-5QrBL6MzLg.wav\t\t\t\n",
    "DESED with commas": "filename,onset,offset,event_label\nY-5QrBL6MzLg.wav,0.917,2.029,Accordion\n",
    "DESED, no header": "Y-5QrBL6MzLg.wav\t0.917\t2.029\tAccordion\nY-5QrBL6MzLg.wav\t3.0\t4.0\tAccordion\n",
    "onset and offset of plain ids": "ytid,onset,offset,labels\n-5QrBL6MzLg,0.917,2.029,/m/0mkg\n",
    "strong": STRONG + "-THl_72tO8I_4000\t3.807\t6.338\t/t/dd00002\n",
    "strong, no header": "-THl_72tO8I_4000\t3.807\t6.338\t/t/dd00002\n-THl_72tO8I_4000\t7.0\t8.1\t/t/dd00002\n",
    "strong, framed": STRONG[:-1] + "\tpresent\n-THl_72tO8I_4000\t0.960\t1.920\t/t/dd00002\tNOT_PRESENT\n",
    "strong, ids of videos": STRONG.replace("segment_id", "ytid") + "-THl_72tO8I\t3.807\t6.338\t/t/dd00002\n",
    "names of files": "Yb0RFKhbpFJA.wav,0,10,/m/0mkg\nY-0BIyqJj9ZU.wav,0,4.5,/m/0mkg\n",
    "paths of files": "audio/b0RFKhbpFJA.flac;0.5;3.0;/m/0mkg\naudio/-0BIyqJj9ZU.flac;2.0;4.5;/m/0mkg\n",
}
SEGMENTS = {
    "as published": f"--PJHxphWEs, 30.000, 40.000, {MIDS}\n",
    "short videos": f"--PJHxphWEs, 0.000, 8.000, {MIDS}\n-0BIyqJj9ZU, 0.000, 3.000, {MIDS}\n",
    "the beginnings of videos": f"--PJHxphWEs, 0.000, 10.000, {MIDS}\n-0BIyqJj9ZU, 0.000, 10.000, {MIDS}\n",
    "names of files, seconds of videos": f"YPJHxphWEsA.wav,30.000,40.000,{MIDS}\nY-0BIyqJj9Z.wav,0.000,10.000,{MIDS}\n",
    "a header of its own": f"ytid,start_time_seconds,end_time_seconds,positive_labels\n--PJHxphWEs,30,40,{MIDS}\n",
}


@pytest.mark.parametrize("kind", KINDS)
def test_times_within_clips_are_refused_as_what_they_are(tmp_path, kind):
    path = tmp_path / "labels.tsv"
    path.write_text(KINDS[kind])
    with pytest.raises(InputError, match="times within a clip") as caught:
        segments.read(path, {"accordion": "/m/0mkg", "dog": "/m/0bt9lr"})
    assert "balanced_train_segments.csv" in str(caught.value)
    assert not segments.looks_like(path)


@pytest.mark.parametrize("kind", SEGMENTS)
def test_segments_of_videos_are_read(tmp_path, kind):
    path = tmp_path / "list.csv"
    path.write_text(SEGMENTS[kind])
    assert len(segments.read(path)) == SEGMENTS[kind].count(MIDS)


@needs_data
def test_the_published_lists_are_segments_and_the_strong_ones_are_not():
    for path in sorted(real.FOLDER.glob("*_segments.csv")):
        lines = path.read_text().splitlines()
        for first in range(0, len(lines), 2_000):
            assert within.why(lines[first : first + 400]) is None
    for path in sorted((real.FOLDER / "strong_subset").glob("*.tsv")):
        assert within.why(path.read_text().splitlines()[:400]) is not None
        assert within.why(path.read_text().splitlines()[1:400]) is not None


@pytest.mark.parametrize("kind", ["DESED", "strong", "names of files"])
def test_nothing_is_fetched_by_them(tmp_path, kind):
    (tmp_path / "class_labels_indices.csv").write_text('index,mid,display_name\n0,/m/0mkg,"Accordion"\n')
    (tmp_path / "labels.tsv").write_text(KINDS[kind])
    done = synth("fetch-audioset", "--label", "Accordion", "--csv", tmp_path / "labels.tsv", "--dry-run", code=3)
    assert "times within a clip" in done.says
