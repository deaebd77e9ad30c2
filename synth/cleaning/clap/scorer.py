"""Recordings and labels to scores: embed what is not yet known, then one matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.cleaning.clap import listening, overlap, places, selftest, windows
from synth.cleaning.clap.engine import Engine, Transformers
from synth.cleaning.clap.listening import Progress
from synth.cleaning.clap.store import Store
from synth.cleaning.material import mids
from synth.cleaning.prompts import prompts as standard_prompts
from synth.errors import InputError, UsageError, listed

Vectors = NDArray[np.float32]
ENGINES = ("transformers", "laion")


@dataclass(frozen=True, slots=True)
class Scored:
    """What CLAP says of every recording and label.

    ``scores``, shape (clips, labels), float32: cosines in [-1, 1], the largest over the windows of a clip, because a
    label holds wherever in the clip its sound is heard; NaN where a recording could not be heard. ``none_of_these``,
    shape (clips,): the largest cosine with any such prompt, NaN without them. ``embeddings``, shape (clips, dimension):
    mean over the windows, of unit length. ``problems``: why a recording was not heard, by row. ``judge``: the model,
    with its hash. ``warnings``: sentences for the user. ``standard``: labels that the file of prompts does not speak of.
    """

    scores: Vectors
    embeddings: Vectors
    none_of_these: Vectors
    problems: dict[int, str]
    judge: str
    warnings: tuple[str, ...]
    standard: tuple[str, ...] = ()


class Judge:
    """One checkpoint and engine; the model is loaded when something must be embedded that is not in the cache."""

    def __init__(
        self,
        checkpoint: str,
        *,
        engine: str = "transformers",
        allow_pickle: bool = False,
        device: str | None = None,
        bfloat16: bool = False,
    ) -> None:
        """Find the files; raises InputError with what to download where they are missing, UsageError for a bad name."""
        if engine not in ENGINES:
            raise UsageError(f"--engine {engine}: wanted {' or '.join(ENGINES)}")
        if bfloat16 and engine != "transformers":
            raise UsageError("bfloat16 is for the engine transformers; laion_clap computes in float32")
        self.files = places.find(checkpoint)
        self.engine_name = engine
        self._allow_pickle, self._device, self._bfloat16 = allow_pickle, device, bfloat16
        self._engine: Engine | None = None
        name = f"{self.files.digest[:32]}-{engine}{'-bfloat16' if bfloat16 else ''}-v{windows.VERSION}"
        folder = places.own_folder() / "embeddings" / name
        self._sounds, self._sentences = Store(folder / "audio"), Store(folder / "text")

    @property
    def says(self) -> str:
        """The model and its hash, for the record."""
        return f"CLAP {self.files.name} (sha256 {self.files.sha256}, {self.engine_name})"

    @property
    def engine(self) -> Engine:
        """The engine, loaded at the first use."""
        if self._engine is None:
            if self.engine_name == "laion":
                from synth.cleaning.clap.laion import Laion

                self._engine = Laion(self.files, device=self._device, allow_pickle=self._allow_pickle)
            else:
                self._engine = Transformers(
                    self.files, device=self._device, bfloat16=self._bfloat16, allow_pickle=self._allow_pickle
                )
        return self._engine

    def sentences(self, texts: Sequence[str]) -> Vectors:
        """Embed sentences, shape (texts, dimension), unit rows."""
        keys = [sha256(text.encode()).hexdigest() for text in texts]
        missing = np.flatnonzero(self._sentences.find(keys).counts == 0).tolist()
        if missing:
            fresh = self.engine.text([texts[k] for k in missing])
            self._sentences.add([keys[k] for k in missing], [row[None] for row in fresh])
        return self._sentences.find(keys).vectors

    def sounds(self, samples: Sequence[NDArray[np.int16]]) -> Vectors:
        """Embed sounds at 48 kHz of at most ten seconds, shape (sounds, dimension), unit rows."""
        keys = [listening.key(sha256(np.ascontiguousarray(one).data).hexdigest(), windows.RATE_HZ) for one in samples]
        missing = np.flatnonzero(self._sounds.find(keys).counts == 0).tolist()
        if missing:
            fresh = self.engine.audio([samples[k] for k in missing])
            self._sounds.add([keys[k] for k in missing], [row[None] for row in fresh])
        return self._sounds.find(keys).vectors

    def recordings(
        self, files: Sequence[Path], keys: Sequence[str | None], durations_s: Sequence[float], progress: Progress
    ) -> tuple[Vectors, NDArray[np.int64], dict[int, str]]:
        """Embed all windows of files: vectors end to end, their count a file, and why some have none.

        ``keys`` name the samples, see ``listening.key``; a file whose samples are others than its key says is not heard.
        """
        known = self._sounds.find([name or "" for name in keys])
        todo = np.flatnonzero(known.counts == 0).tolist()
        if not todo:
            return known.vectors, known.counts, {}
        found, failed = listening.listen(
            self.engine,
            self._sounds,
            [files[k] for k in todo],
            [keys[k] for k in todo],
            [durations_s[k] for k in todo],
            progress,
        )
        self._sounds.tidy()
        names = [name or "" for name in keys]
        for k, name in zip(todo, found, strict=True):
            names[k] = name or ""
        known = self._sounds.find(names)
        return known.vectors, known.counts, {todo[position]: why for position, why in failed.items()}


def scored(
    sources: pa.Table,
    files: Sequence[Path],
    labels: Sequence[str],
    checkpoint: str,
    progress: Progress,
    *,
    prompts: Path | None = None,
    engine: str = "transformers",
    allow_pickle: bool = False,
    device: str | None = None,
    bfloat16: bool = False,
    self_test: bool = True,
) -> Scored:
    """Score every label for every recording with CLAP.

    Args:
        sources: rows of SOURCES, one a recording.
        files: where each of them lies.
        labels: the labels to ask about, the columns of the scores.
        checkpoint: ``630k-best``, ``630k-audioset-best``, or the path of a .pt file or a Hub directory.
        progress: called with what is being done, how much is done and how much there is.
        prompts: a file of prompts in place of the standard sentences.
        engine: ``transformers``, or ``laion`` for the package laion_clap itself.
        allow_pickle: run what a checkpoint's pickle says; only for files of a trusted maker.
        device: ``cpu``, ``cuda``, …; by default a GPU where there is one.
        bfloat16: compute the audio side in bfloat16.
        self_test: refuse a judge that does not know sounds that everybody knows.

    Raises:
        InputError: files are missing, damaged, refused or do not belong together, or no recording could be heard.
        ClaimError: the judge fails the self-test.
        UsageError: a checkpoint, engine or device that does not exist.
    """
    asked = standard_prompts(labels, prompts, mids(sources))  # a wrong file is wrong without a judge, too
    judge = Judge(checkpoint, engine=engine, allow_pickle=allow_pickle, device=device, bfloat16=bfloat16)
    if self_test:
        selftest.required(judge)
    texts = asked.all()
    sentences = dict(zip(texts, judge.sentences(texts), strict=True))
    facts = [sources.column(name).to_pylist() for name in ("pcm_sha256", "rate_hz", "duration_s")]
    keys = [listening.key(pcm, rate) if pcm and rate else None for pcm, rate in zip(facts[0], facts[1], strict=True)]
    vectors, counts, problems = judge.recordings(files, keys, [seconds or 0.0 for seconds in facts[2]], progress)
    if len(files) and not counts.any():
        raise InputError(f"none of {len(files)} recordings could be heard: {listed(problems.values(), 3)}")
    matrix = np.stack([_mean(np.stack([sentences[text] for text in group])) for group in asked.sentences])
    none = np.stack([sentences[text] for text in asked.none_of_these]) if asked.none_of_these else None
    return Scored(
        scores=_largest(vectors, counts, matrix),
        embeddings=_means(vectors, counts),
        none_of_these=np.full(len(counts), np.nan, np.float32)
        if none is None
        else np.max(_largest(vectors, counts, none), axis=1),
        problems=problems,
        judge=judge.says,
        warnings=(*overlap.warnings(judge.files, sources), *asked.notes),
        standard=asked.standard,
    )


def _mean(rows: Vectors) -> Vectors:
    """Return the mean of unit vectors, as a unit vector."""
    total = rows.sum(0, dtype=np.float64)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), np.float32)


def _largest(vectors: Vectors, counts: NDArray[np.int64], sentences: Vectors) -> Vectors:
    """Return the largest cosine over the windows of each recording, shape (recordings, sentences)."""
    out = np.full((len(counts), len(sentences)), np.nan, np.float32)
    there = counts > 0
    firsts = (np.cumsum(counts) - counts)[there]
    if len(firsts):
        out[there] = np.maximum.reduceat(vectors @ sentences.T, firsts, axis=0)
    return out


def _means(vectors: Vectors, counts: NDArray[np.int64]) -> Vectors:
    """Return the mean vector of each recording, of unit length, shape (recordings, dimension)."""
    out = np.full((len(counts), vectors.shape[1]), np.nan, np.float32)
    there = counts > 0
    firsts = (np.cumsum(counts) - counts)[there]
    if len(firsts):
        total = np.add.reduceat(vectors, firsts, axis=0)
        out[there] = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return out
