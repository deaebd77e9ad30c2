"""synth: audio data sets whose labels are true, balanced and checkable.

The commands are functions here as well: ``synth.mix(...)``, ``synth.index(...)``, ``synth.split(...)``,
``synth.plan(...)``, ``synth.render(...)``, ``synth.clean(...)``, ``synth.review(...)``, ``synth.manifest(...)``,
``synth.audit(...)``, ``synth.verify(...)``, and ``synth.fetch_audioset(...)``, ``synth.fetch_librispeech(...)``,
``synth.fetch_ravdess(...)``. They are loaded when first used, so that ``import synth`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_STEPS = (
    "audit", "clean", "fetch_audioset", "fetch_librispeech", "fetch_ravdess", "index", "manifest", "mix", "plan", "render",
    "review", "split", "verify",
)  # fmt: skip

__all__ = ["__version__", *_STEPS]  # noqa: PLE0604  # the names of the steps


def __getattr__(name: str) -> Any:  # noqa: ANN401  # the functions differ
    if name in _STEPS:
        return getattr(import_module(f"synth.steps.{name}"), name)
    raise AttributeError(f"module 'synth' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
