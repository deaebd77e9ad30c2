"""The tables: names, types and one sentence per column.

Seconds end in ``_s``, sample counts in ``_n``, decibels in ``_db`` or ``_dbfs`` (full scale is a square wave of
32,768), rates in ``_hz``. Every other module takes its column names and types from here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa

SPLITS = ("train", "val", "test")
SEXES = ("F", "M")
FRAME_S = 0.02
FRAMES_PER_S = 50
NOISE = "noise"  # the corpus name of background noise in SOURCES
VERDICT_ORDER = ("keep", "doubtful", "wrong")  # from good to bad; 'unjudged' stands aside: nobody could tell
FORMAT_VERSION = "1"
MADE_FROM = "synth_made_from"  # metadata of a manifest: those of its plan and sources, and the version that rendered


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its Arrow type, and what it means."""

    name: str
    type: pa.DataType
    says: str
    later: bool = False  # tables made by earlier versions are without it, and stay what they are


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        """The columns that every such table has, in order: those of the first version."""
        return [column.name for column in self.columns if not column.later]

    def names_in(self, found: Collection[str]) -> list[str]:
        """Return the columns of this table that are among those found, in order."""
        return [column.name for column in self.columns if column.name in found]

    def schema(self, metadata: Mapping[str, str] | None = None) -> pa.Schema:
        """Return the Arrow schema, with text metadata."""
        fields = [pa.field(column.name, column.type) for column in self.columns]
        return pa.schema(fields, metadata=dict(metadata or {}))


_TEXT = pa.string()
_TEXTS = pa.list_(pa.field("element", pa.string()))  # the name that Parquet reads, so that bytes survive a reading
_F32, _F64, _I8, _I32, _I64 = pa.float32(), pa.float64(), pa.int8(), pa.int32(), pa.int64()

CORPUS_OWN = (
    Column("emotion", _TEXT, "emotion acted, for corpora that name one"),
    Column("intensity", _TEXT, "intensity of the emotion: normal or strong"),
    Column("statement", _TEXT, "the sentence spoken, for corpora with a fixed set"),
    Column("repetition", _TEXT, "which repetition of the same take"),
    Column("vocal_channel", _TEXT, "speech or song"),
)

SOURCES = Table(
    "sources",
    (
        Column("source_id", _TEXT, "root and path joined by a slash; unique"),
        Column("corpus", _TEXT, "corpus by its layout: librispeech, ravdess, folder, …; 'noise' for background noise"),
        Column("root", _TEXT, "name of the folder that was indexed; where it lies is not part of a data set"),
        Column("path", _TEXT, "path below the root, with forward slashes"),
        Column("sha256", _TEXT, "of the file's bytes"),
        Column("pcm_sha256", _TEXT, "of the decoded, downmixed 16-bit samples at the file's own rate"),
        Column("format", _TEXT, "container and sample format, e.g. FLAC/PCM_16"),
        Column("rate_hz", _I32, "sample rate of the file"),
        Column("channels", _I32, "channels of the file (more than one are averaged)"),
        Column("frames", _I64, "samples per channel in the file"),
        Column("duration_s", _F64, "frames / rate_hz"),
        Column("dc_n", _I32, "mean of the samples at the output rate, in steps of 1/32768; it is subtracted"),
        Column("speaker_id", _TEXT, "corpus/speaker, e.g. librispeech/84"),
        Column("sex", _TEXT, "F, M or null"),
        Column("group_id", _TEXT, "what a split keeps together: the speaker, the file, the video"),
        Column("chapter", _TEXT, "chapter or session of the recording"),
        Column("subset", _TEXT, "the corpus' own subset, e.g. train-clean-5"),
        Column("utterance_text", _TEXT, "transcript of the whole utterance"),
        Column("labels", _TEXTS, "labels of the recording"),
        Column("mids", _TEXTS, "AudioSet's machine ids of the labels, in the same order"),
        *CORPUS_OWN,
        Column("ytid", _TEXT, "YouTube id, for AudioSet"),
        Column("start_s", _F64, "start of the segment in the video"),
        Column("end_s", _F64, "end of the segment in the video"),
        Column("level_dbfs", _F64, "RMS over the active 20-ms frames: of somebody who speaks, the active speech level"),
        Column("peak_dbfs", _F64, "largest absolute sample"),
        Column("active_s", _F64, "total length of the active frames"),
        Column(
            "envelope", pa.binary(), "one byte per whole 20 ms: RMS in half dB below full scale, 255 = -127.5 or less"
        ),
        Column("peaks", pa.binary(), "one byte per whole 20 ms: largest absolute sample, in the same unit, rounded up"),
        Column(
            "speech",
            pa.binary(),
            "one bit per whole 20 ms, the first one lowest: active speech; null where nobody is said to speak",
            later=True,
        ),
        Column(
            "scaled_db",
            _F64,
            "what samples beyond full scale (floats) were scaled by, all alike, instead of being clipped; else null",
            later=True,
        ),
        Column(
            "licence",
            _TEXT,
            "SPDX id or expression of the licence of this recording; LicenseRef-unknown where none is known",
        ),
        Column("attribution", _TEXT, "whom to credit"),
        Column("split", _TEXT, "train, val, test or null"),
        Column("status", _TEXT, "ok, or why the recording is not used"),
        Column("reason", _TEXT, "the status in a sentence"),
        Column("extra", _TEXT, "further columns of one's own CSV, as a JSON object"),
    ),
)

LEDGER = Table(
    "ledger",
    (
        Column("item_id", _TEXT, "YouTube id and start of the segment in ms, e.g. --PJHxphWEs_30000; unique"),
        Column("ytid", _TEXT, "YouTube id"),
        Column("start_s", _F64, "start of the segment in the video"),
        Column("end_s", _F64, "end of the segment in the video"),
        Column("labels", _TEXTS, "display names of the segment's labels"),
        Column("mids", _TEXTS, "their machine ids, in the same order"),
        Column("subset", _TEXT, "AudioSet's own subset: balanced, eval or unbalanced"),
        Column("status", _TEXT, "ok, or why there is no audio: gone, private, age, geo, members, bot, rate, …"),
        Column("permanent", pa.bool_(), "whether asking again is useless; null while nothing was asked"),
        Column("message", _TEXT, "what the site or the check said"),
        Column("attempts", _I32, "number of attempts"),
        Column("time", _TEXT, "time of the last attempt, UTC, ISO 8601"),
        Column(
            "path", _TEXT, "the clip below the folder of the ledger, with forward slashes; null where there is none"
        ),
        Column("sha256", _TEXT, "of the clip's file"),
        Column("rate_hz", _I32, "sample rate of the clip"),
        Column("frames", _I64, "samples in the clip"),
        Column("format_id", _TEXT, "the site's name of the format that was downloaded"),
        Column("codec", _TEXT, "codec of the download, e.g. opus"),
        Column("priming", _TEXT, "how the start of the stream was found: edit list, codec delay, none declared"),
        Column("adopted_from", _TEXT, "name of the copy that was taken over instead of a download"),
    ),
)

PART_PLAN = pa.struct(
    [
        pa.field("source_id", _TEXT),
        pa.field("start_n", _I32),  # window start in the source, at the output rate
        pa.field("onset_n", _I32),  # where the window begins in the clip
        pa.field("length_n", _I32),
        pa.field("gain_q12", _I32),  # amplitude × 4096
        pa.field("active_s", _F32),  # promised: the speaker is active for so long in this clip
        pa.field("sir_db", _F32),  # promised: energy over that of the other speakers together; null when alone
    ]
)

PLAN = Table(
    "plan",
    (
        Column("clip_id", _TEXT, "split and index, e.g. train-00000042"),
        Column("split", _TEXT, "train, val or test"),
        Column("n_speakers", _I8, "number of different speakers"),
        Column("n_female", _I8, "how many of them are female"),
        Column("n_male", _I8, "how many of them are male"),
        Column("cell", _TEXT, "sexes in alphabetic order: F, M, FF, FM, …; 'none' for no speaker"),
        Column("level_dbfs", _F32, "RMS over the whole clip that the gains aim at"),
        Column("snr_db", _F32, "speech over noise, null without noise or without speech"),
        Column("parts", pa.list_(PART_PLAN), "what is summed: speakers first, noise last"),
    ),
)

# of clips that are used as they are: nobody counted their speakers, so the columns of speakers are null
LABELLED_PLAN = Table(
    "plan",
    (
        *PLAN.columns,
        Column("labels", _TEXTS, "labels of the clip: those of its recording that were kept, in alphabetic order"),
        Column("labels_mask", pa.list_(pa.field("element", pa.bool_())), "whether each label was verified"),
    ),
)

SCORES = Table(
    "scores",
    (
        Column("source_id", _TEXT, "the recording, as in SOURCES; a column path may stand in for it"),
        Column("label", _TEXT, "the label that was scored"),
        Column("score", _F64, "any real number, larger = more present"),
    ),
)

VERDICTS = Table(
    "verdicts",
    (
        Column("source_id", _TEXT, "the recording, as in SOURCES"),
        Column("label", _TEXT, "the label that was judged"),
        Column("score", _F64, "what the judge said of it: larger = more present"),
        Column("p_wrong", _F64, "probability that the label is wrong"),
        Column("verdict", _TEXT, "keep, doubtful, wrong or unjudged"),
        Column("reason", _TEXT, "the verdict in a sentence"),
        Column("by", _TEXT, "model or human; a human verdict wins"),
        Column("suggested", _TEXTS, "labels that are probably missing"),
    ),
)
# a further column of VERDICTS, where a judge was asked
HEARD_INSTEAD = Column(
    "heard_instead",
    _TEXT,
    "label that stands out in the clip of a doubtful or rejected label; null: none, or not asked",
)
HEARD = (  # further columns of VERDICTS, once a person decided
    Column("model_verdict", _TEXT, "verdict of the model where a person decided, else null"),
    Column("model_reason", _TEXT, "the model's reason where a person decided, else null"),
    Column("check", pa.bool_(), "whether the person heard it in the random check; null where no person decided"),
    Column("check_seed", _I64, "seed of that random check, else null"),
)

PART_MANIFEST = pa.struct(
    [
        pa.field("source_id", _TEXT),
        pa.field("speaker_id", _TEXT),
        pa.field("sex", _TEXT),
        pa.field("onset_s", _F64),
        pa.field("duration_s", _F64),
        pa.field("active_s", _F32),
        pa.field("gain_db", _F32),
        pa.field("level_dbfs", _F32),
        pa.field("sir_db", _F32),
        pa.field("utterance_text", _TEXT),
        *(pa.field(column.name, column.type) for column in CORPUS_OWN),
        pa.field("corpus", _TEXT),
        pa.field("chapter", _TEXT),
    ]
)

AUDIO = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", _TEXT)])

MANIFEST = Table(
    "manifest",
    (
        Column("clip_id", _TEXT, "split and index, e.g. train-00000042"),
        Column("split", _TEXT, "train, val or test"),
        Column("n_speakers", _I64, "number of different speakers heard in the clip; null where nobody counted them"),
        Column("speakers_sex", _TEXT, "a letter per speaker, in the order of the parts, e.g. MMF"),
        Column("n_female", _I64, "how many speakers are female"),
        Column("n_male", _I64, "how many speakers are male"),
        Column("cell", _I64, "class label; its names (F, M, FF, FM, …) are in the schema metadata"),
        Column("parts", pa.list_(PART_MANIFEST), "what was summed: speakers first, noise last"),
        Column("labels", _TEXTS, "labels of the clip, where its sources have labels"),
        Column(
            "labels_mask",
            pa.list_(pa.bool_()),
            "whether each label was verified: false where a judge was asked and did not keep it",
        ),
        Column("level_dbfs", _F32, "RMS over the whole clip, measured on the rendered samples"),
        Column("snr_db", _F32, "speech over noise, null without noise or without speech"),
        Column("overlap", _F32, "share of the active time in which two or more speakers are active"),
        Column("max_concurrent", _I64, "largest number of speakers active in the same 20 ms"),
        Column("duration_s", _F64, "length of the clip"),
        Column("rate_hz", _I64, "sample rate of the clip"),
        Column(
            "licence",
            _TEXT,
            "SPDX id of the licence that all its sources permit; LicenseRef-not-shareable where they permit none",
        ),
        Column("attribution", _TEXT, "whom to credit for this clip"),
    ),
)

# a further column of MANIFEST, where each clip has exactly one label
LABEL = Column("label", _I64, "class label; its names, in alphabetic order, are in the schema metadata")


def cell_name(n_female: int, n_male: int) -> str:
    """Name a cell by its sexes in alphabetic order; nobody is ``none``."""
    return "F" * n_female + "M" * n_male or "none"
