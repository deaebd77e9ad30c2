"""The audit catches data sets that were made wrong, and passes the honest one they were made from."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.audio.envelope import active_thresholds
from synth.steps.audit import audit
from synth.steps.index import index
from synth.steps.verify import verify
from synth.store import arrays
from tests.checking.wrong_sets import audio_edited, copied, failed, found, plan_rows, rendered_from, table_edited
from tests.real_data import DATA, needs_data

FILES = {"shards", "digests", "manifest", "plan"}


def speaker_of(source_id):
    return source_id.split("/")[2]


def sexes(folder):
    table = pq.ParquetFile(folder / "sources.parquet").read(columns=["source_id", "sex"])
    return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


def quiet(folder):
    return audit(folder, pictures=False)


def test_an_honest_set_passes(honest):
    result = quiet(honest)
    assert result.holds, failed(result)
    assert {f.claim for f in result.findings if f.holds is None} == {
        "shortcut-peak",
        "shortcut-crest",
        "shortcut-active",
    }
    assert verify(honest).holds


def test_a_level_that_falls_with_the_count(honest, tmp_path):
    rows = plan_rows(honest)
    for row in rows:
        for part in row["parts"]:
            part["gain_q12"] //= row["n_speakers"]
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    assert "shortcut-level" in failed(result)
    assert not failed(result) & FILES
    assert found(result, "shortcut-level").figures["n_speakers"]["accuracy"] > 0.45


def test_a_claimed_speaker_with_gain_0(honest, tmp_path):
    rows = plan_rows(honest)
    row = next(row for row in rows if row["n_speakers"] == 2)
    row["parts"][1]["gain_q12"] = 0
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    assert failed(result) == {"active", "promises"}
    assert row["clip_id"] in found(result, "active").says


def test_a_claimed_speaker_in_a_pause(honest, tmp_path):
    sources = pq.ParquetFile(honest / "sources.parquet").read()
    rms, offsets = arrays.ragged(sources.column("envelope"))
    active = rms <= np.repeat(active_thresholds(rms, offsets), np.diff(offsets))
    starts = {}
    for k, name in enumerate(sources.column("source_id").to_pylist()):
        heard = np.convolve(active[offsets[k] : offsets[k + 1]], np.ones(50), "valid")
        starts[name] = int(heard.argmin()), float(heard.min()) / 50
    rows = plan_rows(honest)
    row, part = next(
        (row, part) for row in rows for part in row["parts"] if starts[part["source_id"]][1] < part["active_s"] - 0.1
    )
    part["start_n"] = starts[part["source_id"]][0] * 320
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    assert "active" in failed(result)
    assert row["clip_id"] in found(result, "active").says


def test_a_speaker_drowned_by_another(honest, tmp_path):
    rows = plan_rows(honest)
    row = next(row for row in rows if row["n_speakers"] == 2)
    row["parts"][0]["gain_q12"] //= 10
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    assert failed(result) == {"active", "promises"}
    assert "dB under the loudest" in found(result, "active").says


def test_a_voice_tied_to_a_class(honest, tmp_path):
    """Speakers change places so that one of them says most of the solos; everyone is still used equally often."""
    rows = plan_rows(honest)
    train = [row for row in rows if row["split"] == "train"]
    tied = next(speaker_of(row["parts"][0]["source_id"]) for row in train if row["cell"] == "F")
    elsewhere = [
        row for row in train if row["cell"] != "F" and any(speaker_of(p["source_id"]) == tied for p in row["parts"])
    ]
    for row in train:
        if row["cell"] != "F" or speaker_of(row["parts"][0]["source_id"]) == tied:
            continue
        mine = row["parts"][0]
        for other in elsewhere:
            voices = [speaker_of(p["source_id"]) for p in other["parts"]]
            if speaker_of(mine["source_id"]) not in voices:
                k = voices.index(tied)
                for name in ("source_id", "start_n", "active_s", "gain_q12"):
                    mine[name], other["parts"][k][name] = other["parts"][k][name], mine[name]
                elsewhere.remove(other)
                break
    counts = Counter(speaker_of(row["parts"][0]["source_id"]) for row in train if row["cell"] == "F")
    assert counts[tied] > 2 * sum(counts.values()) / 4
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    assert "dependence" in failed(result)
    assert "use" not in failed(result)
    assert f"/{tied} is in" in found(result, "dependence").says


def test_a_speaker_in_two_splits(honest, tmp_path):
    rows = plan_rows(honest)
    voice = next(row["parts"][0] for row in rows if row["split"] == "train" and row["cell"] == "F")
    row = next(row for row in rows if row["split"] == "test" and row["cell"] == "F")
    row["parts"] = [{**voice, "gain_q12": row["parts"][0]["gain_q12"]}]
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    leaked = {f"{what}-disjoint" for what in ("groups", "speakers", "chapters", "files", "samples")}
    assert leaked <= failed(result)
    assert speaker_of(voice["source_id"]) in found(result, "speakers-disjoint").says
    assert "train+test" in found(result, "speakers-disjoint").says


def test_one_recording_under_two_speakers(made, tmp_path):
    table = index([]).table
    ids = table.column("source_id").to_pylist()
    a, b = (next(k for k, name in enumerate(ids) if f"/{speaker}/" in name) for speaker in ("9901", "9902"))
    for column in ("sha256", "pcm_sha256", "envelope", "peaks", "duration_s", "frames", "dc_n", "path", "root"):
        values = table.column(column).to_pylist()
        values[b] = values[a]
        position = table.schema.get_field_index(column)
        table = table.set_column(
            position, table.schema.field(column), pa.array(values, table.schema.field(column).type)
        )
    assert {table.column("status")[k].as_py() for k in (a, b)} == {"ok"}
    wrong = made("duplicated", clips="600/0/0", table=table, share="100/0/0")
    result = quiet(wrong)
    assert "duplicates" in failed(result)
    assert ids[b] in found(result, "duplicates").says


def test_a_flipped_sample(honest, tmp_path):
    wrong = copied(honest, tmp_path / "wrong")
    flipped = []

    def flip(_, pcm):
        if flipped:
            return None
        flipped.append(True)
        changed = pcm.copy()
        changed[1234] ^= 1
        return changed

    audio_edited(wrong, flip)
    done = verify(wrong, everything=True)
    assert not done.holds
    assert done.differing == ("test-00000000",)
    assert failed(quiet(wrong)) == {"render"}


def test_a_removed_shard(honest, tmp_path):
    wrong = copied(honest, tmp_path / "wrong")
    (wrong / "data" / "val-00000-of-00001.parquet").unlink()
    result = quiet(wrong)
    assert "shards" in failed(result)
    assert "val-00000-of-00001 is missing" in found(result, "shards").says
    done = verify(wrong)
    assert not done.holds
    assert any("val-00000-of-00001" in text for text in done.problems)
    assert done.differing


def test_a_cut_shard(honest, tmp_path):
    wrong = copied(honest, tmp_path / "wrong")
    path = wrong / "data" / "val-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-1000])
    assert "shards" in failed(quiet(wrong))
    assert not verify(wrong).holds


def test_an_edited_label(honest, tmp_path):
    wrong = copied(honest, tmp_path / "wrong")
    table_edited(wrong / "manifest.parquet", "n_speakers", lambda k, n: n % 3 + 1 if k == 77 else n)
    result = quiet(wrong)
    assert {"labels", "manifest"} <= failed(result)
    name = plan_rows(honest)[77]["clip_id"]
    assert name in found(result, "labels").says
    assert name in found(result, "manifest").says
    done = verify(wrong)
    assert name in done.differing


@pytest.mark.parametrize(
    ("column", "value", "claim"),
    [
        ("cell", 0, "cells"),
        ("licence", "CC-BY-4.0", "licence"),
        ("speakers_sex", "FMF", "labels"),
        ("level_dbfs", -5.0, "levels"),
    ],
)
def test_an_edited_column(honest, tmp_path, column, value, claim):
    wrong = copied(honest, tmp_path / "wrong")
    table_edited(wrong / "manifest.parquet", column, lambda k, old: value if k % 50 == 0 else old)
    assert claim in failed(quiet(wrong))


def test_an_edited_speaker(honest, tmp_path):
    wrong = copied(honest, tmp_path / "wrong")

    def renamed(k, parts):
        return [{**parts[0], "speaker_id": "demo-voices/9999"}, *parts[1:]] if k == 5 else parts

    table_edited(wrong / "manifest.parquet", "parts", renamed)
    assert "parts" in failed(quiet(wrong))


def test_edited_sources(honest, tmp_path):
    wrong = copied(honest, tmp_path / "wrong")
    table_edited(wrong / "sources.parquet", "sex", lambda k, sex: "M" if k == 0 else sex)
    assert "digests" in failed(quiet(wrong))


def in_class(n, change):
    return lambda count, pcm: change(pcm.astype(np.float64)).clip(-32768, 32767).round() if count == n else None


def dull(pcm):
    spectrum = np.fft.rfft(pcm)
    spectrum[3000:] = 0  # clips of a second: 3 kHz
    return np.fft.irfft(spectrum, len(pcm))


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize(
    ("change", "claim"),
    [
        (lambda pcm: pcm + 100, "shortcut-dc"),
        (dull, "shortcut-bandwidth"),
        (lambda pcm: pcm + np.random.default_rng(len(pcm)).normal(0, 200, len(pcm)), "shortcut-floor"),
        (lambda pcm: pcm * 0.4, "shortcut-level"),
    ],
    ids=["offset", "low-pass", "noise", "gain"],
)
def test_one_class_processed_otherwise(honest, tmp_path, change, claim, n):
    wrong = copied(honest, tmp_path / "wrong")
    audio_edited(wrong, in_class(n, change))
    assert {claim, "render"} <= failed(quiet(wrong))


def test_the_loudest_speaker_first(honest, tmp_path):
    rows = plan_rows(honest)
    for row in rows:
        row["parts"].sort(key=lambda part: -(part["sir_db"] or 0))
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    assert "shortcut-order" in failed(result)


def test_women_first(honest, tmp_path):
    rows, sex = plan_rows(honest), sexes(honest)
    for row in rows:
        row["parts"].sort(key=lambda part: sex[part["source_id"]])
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    assert failed(result) == {"shortcut-order"}


def dealt(rows, rank):
    """Give the recordings of a split and a speaker's group, ordered by ``rank``, to the clips ordered by their number of
    speakers: everyone is used as often as before, but the first recordings in clips of one speaker alone."""
    uses = {}
    for row in rows:
        for part in row["parts"]:
            group, value = rank(part["source_id"])
            kept = {name: part[name] for name in ("source_id", "start_n", "active_s", "gain_q12")}
            uses.setdefault((row["split"], group), []).append((row["n_speakers"], value, part, kept))
    for many in uses.values():
        parts = [part for _, _, part, _ in sorted(many, key=lambda entry: entry[0])]
        for part, (_, _, _, kept) in zip(parts, sorted(many, key=lambda entry: entry[1]), strict=True):
            part.update(kept)


def test_recordings_of_a_kind_for_one_class_alone(honest, tmp_path):
    """Each speaker's recordings with the least between speech and pauses are those in which he speaks alone."""
    table = pq.ParquetFile(honest / "sources.parquet").read(columns=["source_id", "envelope"]).to_pylist()
    dynamic = {
        row["source_id"]: np.ptp(np.percentile(np.frombuffer(row["envelope"], np.uint8), [5, 95])) for row in table
    }
    rows = plan_rows(honest)
    dealt(rows, lambda name: (speaker_of(name), dynamic[name]))
    result = quiet(rendered_from(honest, rows, tmp_path / "wrong"))
    figures = found(result, "shortcut-floor").figures["n_speakers from one recording"]
    assert "shortcut-floor" in failed(result)
    assert figures["accuracy"] > figures["bar"]
    assert not failed(result) & FILES


@needs_data
def test_a_corpus_for_one_class_alone(made, tmp_path):
    table = index([DATA / "LibriSpeech", DATA / "ravdess"]).table
    folder = made("two-corpora", clips="900/150/150", table=table)
    sex = sexes(folder)
    rows = plan_rows(folder)
    dealt(rows, lambda name: (sex[name], name.startswith("LibriSpeech")))
    for part in (part for row in rows for part in row["parts"]):
        part["gain_q12"] //= 2  # what spoke alone now speaks with others: the sum must fit
    result = quiet(rendered_from(folder, rows, tmp_path / "wrong"))
    assert {"shortcut-corpus", "dependence"} <= failed(result)


@needs_data
def test_background_under_one_class_alone(made, tmp_path):
    """Noise is part of the plan here, so the audio is what the plan makes, and still it tells the class."""
    table = index([DATA / "LibriSpeech"], noise=[DATA / "esc10" / "audio"]).table
    folder = made("with-noise", clips="600/100/100", table=table, speakers="1-3")
    rows = plan_rows(folder)
    for row in rows:
        if row["n_speakers"] != 3:
            row["parts"] = row["parts"][:-1]
            row["snr_db"] = None
    result = quiet(rendered_from(folder, rows, tmp_path / "wrong"))
    assert "shortcut-floor" in failed(result)
    assert found(result, "render").holds
