"""The model of transformers as an engine: windows and sentences in, unit vectors out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.cleaning.clap import tokenizer as words
from synth.cleaning.clap.places import AbsentError, Checkpoint
from synth.errors import InputError, UsageError

Vectors = NDArray[np.float32]
CPU_BATCH = 1  # a processor gains nothing from more, and loses its caches (tests/bench/clap.py)
GPU_BATCH = 64
TEXT_BATCH = 64


class Engine(Protocol):
    """What a judge needs: both methods return unit vectors of ``dimension`` numbers, a row an input.

    Windows are 16-bit samples at 48 kHz, at most 480,000 each. ``batch`` is the best number of them at once,
    ``decoders`` the number of threads that decode files meanwhile.
    """

    name: str
    dimension: int
    batch: int
    decoders: int

    def audio(self, windows: Sequence[NDArray[np.int16]]) -> Vectors:
        """Embed windows."""

    def text(self, sentences: Sequence[str]) -> Vectors:
        """Embed sentences."""


class Transformers:
    """ClapModel of transformers, on a GPU where there is one."""

    name = "transformers"

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: str | None = None,
        bfloat16: bool = False,
        allow_pickle: bool = False,
    ) -> None:
        torch = needed()
        from synth.cleaning.clap import weights
        from synth.cleaning.clap.frontend import Frontend

        self._torch = torch
        self._device = chosen_device(device)
        made = weights.model(checkpoint, allow_pickle=allow_pickle)
        self._tokenizer = words.load(checkpoint.words, made.config.text_config.vocab_size)
        self._model = made.to(self._device)
        self._frontend = Frontend(self._device)
        self._bfloat16 = bfloat16
        self.dimension = int(made.config.projection_dim)
        self.batch, self.decoders = pace(self._device)

    def audio(self, windows: Sequence[NDArray[np.int16]]) -> Vectors:
        """Embed windows, shape (windows, dimension)."""
        with self._torch.inference_mode(), self._cast():
            return self._numbers(self._model.get_audio_features(input_features=self._frontend(windows)))

    def text(self, sentences: Sequence[str]) -> Vectors:
        """Embed sentences, shape (sentences, dimension)."""
        out = [np.zeros((0, self.dimension), np.float32)]
        for first in range(0, len(sentences), TEXT_BATCH):
            ids, mask = words.encoded(self._tokenizer, sentences[first : first + TEXT_BATCH])
            with self._torch.inference_mode():
                tensors = [self._torch.from_numpy(array).to(self._device) for array in (ids, mask)]
                out.append(self._numbers(self._model.get_text_features(*tensors)))
        return np.concatenate(out)

    def _cast(self) -> Any:  # noqa: ANN401  # a context manager
        kind = self._device.partition(":")[0]
        return self._torch.autocast(kind, self._torch.bfloat16, enabled=self._bfloat16)

    def _numbers(self, output: Any) -> Vectors:  # noqa: ANN401  # a model output
        vectors = output.pooler_output.float()
        return np.asarray(self._torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy(), np.float32)


def needed() -> Any:  # noqa: ANN401  # the module torch
    """Import torch and transformers; raise AbsentError, or InputError where they are broken, with the line that installs them."""
    advice = ": pip install 'synth[clap]'. Or let another model judge: --scores FILE or --embeddings FILE"
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise AbsentError(f"CLAP needs PyTorch and transformers ({error})", advice) from error
    except ImportError as error:
        raise InputError(f"CLAP needs PyTorch and transformers, which cannot be imported ({error}){advice}") from error
    if int(transformers.__version__.split(".")[0]) < 5:
        raise AbsentError(f"CLAP needs transformers 5 or later, found {transformers.__version__}", advice)
    return torch


def pace(device: str) -> tuple[int, int]:
    """Return the best number of windows at once, and of threads that decode meanwhile."""
    return (CPU_BATCH, 1) if device == "cpu" else (GPU_BATCH, min(16, os.cpu_count() or 1))


def chosen_device(device: str | None) -> str:
    """Return the device that was asked for, else a GPU where there is one; raise UsageError for one that is not there."""
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.partition(":")[0] == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"--device {device}: PyTorch finds no GPU here; wanted cpu")
    return device
