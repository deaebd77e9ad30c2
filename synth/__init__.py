"""synth: audio data sets whose labels are true, balanced and checkable.

The commands are functions here as well: ``synth.mix(...)``, ``synth.index(...)``, ``synth.split(...)``,
``synth.plan(...)``, ``synth.render(...)``, ``synth.clean(...)``, ``synth.review(...)``, ``synth.manifest(...)``,
``synth.audit(...)``, ``synth.verify(...)``, and ``synth.fetch_audioset(...)``, ``synth.fetch_librispeech(...)``,
``synth.fetch_ravdess(...)``; ``help(synth.mix)`` shows the options. They are loaded when first used, so that
``import synth`` costs nothing. What goes wrong is a ``synth.errors.SynthError``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth.steps.audit import audit as audit
    from synth.steps.clean import clean as clean
    from synth.steps.fetch_audioset import fetch_audioset as fetch_audioset
    from synth.steps.fetch_librispeech import fetch_librispeech as fetch_librispeech
    from synth.steps.fetch_ravdess import fetch_ravdess as fetch_ravdess
    from synth.steps.index import index as index
    from synth.steps.manifest import manifest as manifest
    from synth.steps.mix import mix as mix
    from synth.steps.plan import plan as plan
    from synth.steps.render import render as render
    from synth.steps.review import review as review
    from synth.steps.split import split as split
    from synth.steps.verify import verify as verify

__version__ = "0.1.0"

_STEPS = (
    "audit", "clean", "fetch_audioset", "fetch_librispeech", "fetch_ravdess", "index", "manifest", "mix", "plan", "render",
    "review", "split", "verify",
)  # fmt: skip

__all__ = ["__version__", *_STEPS]  # noqa: PLE0604  # the names of the steps


def __getattr__(name: str) -> Any:  # noqa: ANN401  # the functions differ
    if name in _STEPS:
        return import_module("synth.steps.calling").public(name)
    raise AttributeError(f"module 'synth' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
