"""The package laion_clap itself as an engine, on the same checkpoint.

Its import and its constructor ask a hub for three tokenizers and for RoBERTa's weights, which the checkpoint then
replaces, and it imports torchvision without using it here. So both run in a folder where those names are folders, with
stand-ins for torchvision while it is imported; its reader of checkpoints unpickles anything, so ours is used instead.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.cleaning.clap import keymap, weights
from synth.cleaning.clap import tokenizer as words
from synth.cleaning.clap.engine import TEXT_BATCH, Vectors, chosen_device, needed, pace
from synth.cleaning.clap.places import AbsentError, Checkpoint
from synth.errors import InputError, UsageError

KNOWN_VERSION = "1.1.7"
_MODELS = {96: "HTSAT-tiny", 128: "HTSAT-base", 256: "HTSAT-large"}  # by the width of the first stage


class Laion:
    """CLAP_Module of laion_clap, on a GPU where there is one."""

    name = "laion"

    def __init__(self, checkpoint: Checkpoint, *, device: str | None = None, allow_pickle: bool = False) -> None:
        self._torch = needed()
        if checkpoint.config is not None:
            raise UsageError(
                f"--engine laion reads checkpoints as LAION publishes them (.pt), and {checkpoint.name} is a Hub directory; "
                "use --engine transformers"
            )
        tensors = keymap.stripped(weights.state(checkpoint.weights, allow_pickle=allow_pickle))
        sizes = keymap.sizes(tensors, checkpoint.weights)
        width = sizes["audio_config"]["patch_embeds_hidden_size"]
        if width not in _MODELS:
            raise InputError(f"{checkpoint.weights}: an ear of width {width} is none of laion_clap's ({_MODELS})")
        words.load(checkpoint.words, sizes["text_config"]["vocab_size"])  # refuses a wrong one
        self._device = chosen_device(device)
        self._module = module(checkpoint.words, _MODELS[width], self._device)
        own = self._module.model.state_dict()
        tensors = {name: tensor for name, tensor in tensors.items() if name in own or not name.endswith("position_ids")}
        try:
            self._module.model.load_state_dict(tensors)
        except RuntimeError as error:
            raise InputError(f"{checkpoint.weights} does not fit laion_clap's {_MODELS[width]}: {error}") from None
        self._module.eval()
        self.dimension = int(sizes["model"]["projection_dim"])
        self.batch, self.decoders = pace(self._device)

    def audio(self, windows: Sequence[NDArray[np.int16]]) -> Vectors:
        """Embed windows, shape (windows, dimension)."""
        signals = [window.astype(np.float32) / np.float32(32768) for window in windows]
        with self._torch.no_grad():
            return np.asarray(self._module.get_audio_embedding_from_data(signals, use_tensor=False), np.float32)

    def text(self, sentences: Sequence[str]) -> Vectors:
        """Embed sentences, shape (sentences, dimension)."""
        out = [np.zeros((0, self.dimension), np.float32)]
        with self._torch.no_grad():
            for first in range(0, len(sentences), TEXT_BATCH):
                out.append(self._module.get_text_embedding(list(sentences[first : first + TEXT_BATCH])))
        return np.concatenate(out).astype(np.float32, copy=False)


def module(files: Sequence[Path], size: str, device: str) -> Any:  # noqa: ANN401  # a CLAP_Module
    """Construct laion_clap's module of a size (HTSAT-tiny, HTSAT-base) with blank weights; ``files`` are RoBERTa's words.

    Raises AbsentError where the package is missing, InputError where it is broken or of another version.
    """
    with _hub_in_a_folder(files):
        package = _imported()
        with _blank_roberta():
            return package.CLAP_Module(amodel=size, device=device)


def _imported() -> Any:  # noqa: ANN401  # the module laion_clap
    """Import laion_clap, with stand-ins for torchvision where it is not installed."""
    import transformers  # before the stand-ins, so that it finds out the truth
    from transformers import BartModel, BartTokenizer, BertModel, BertTokenizer, RobertaModel, RobertaTokenizer

    _ = (transformers, BartModel, BartTokenizer, BertModel, BertTokenizer, RobertaModel, RobertaTokenizer)
    stubs = {} if find_spec("torchvision") else _torchvision()
    arguments = sys.argv
    sys.modules.update(stubs)
    sys.argv = arguments[:1]
    try:
        import laion_clap
    except ImportError as error:
        what = f"--engine laion needs the package laion_clap {KNOWN_VERSION} ({error})"
        advice = (
            ": pip install 'synth[laion-clap]', in an environment of its own if numpy 2 is wanted elsewhere. "
            "--engine transformers gives the same embeddings"
        )
        absent = isinstance(error, ModuleNotFoundError)
        raise (AbsentError(what, advice) if absent else InputError(what + advice)) from error
    finally:
        sys.argv = arguments
        for name in stubs:
            sys.modules.pop(name, None)
    if version("laion-clap") != KNOWN_VERSION:
        raise InputError(f"--engine laion knows laion_clap {KNOWN_VERSION}, found {version('laion-clap')}")
    return laion_clap


@contextmanager
def _blank_roberta() -> Iterator[None]:
    """Let the constructor make a RoBERTa of the base size without weights: the checkpoint brings them."""
    from transformers import RobertaConfig, RobertaModel

    class Blank:
        """In place of RobertaModel, while CLAP_Module is constructed."""

        @staticmethod
        def from_pretrained(name: str) -> Any:  # noqa: ANN401  # a RobertaModel
            """Return the architecture of roberta-base."""
            del name
            return RobertaModel(RobertaConfig(**_ROBERTA))

    theirs: Any = sys.modules["clap_module.model"]
    kept = theirs.RobertaModel
    theirs.RobertaModel = Blank
    try:
        yield
    finally:
        theirs.RobertaModel = kept


_ROBERTA = {
    "vocab_size": words.ROBERTA_WORDS,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "layer_norm_eps": keymap.ROBERTA_EPS,
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
}


@contextmanager
def _hub_in_a_folder(files: Sequence[Path]) -> Iterator[None]:
    """Work in a folder that holds the tokenizers under the names that the package asks for: no hub is asked then."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        for name, kind in (("roberta-base", "roberta"), ("facebook/bart-base", "bart"), ("bert-base-uncased", "bert")):
            folder = Path(place) / name
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
            if kind == "bert":  # loaded at import and never used
                (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na", encoding="utf-8")
            else:
                for path in files:
                    shutil.copyfile(path, folder / path.name)
        os.chdir(place)
        try:
            yield
        finally:
            os.chdir(before)


def _torchvision() -> dict[str, ModuleType]:
    """Return modules with the names that laion_clap takes out of torchvision at import."""
    from torch import nn

    class Unused:
        """Any transform: made at import, called never."""

        def __init__(self, *args: object, **options: object) -> None:
            del args, options

        def __getattr__(self, name: str) -> Unused:
            return Unused()

    names = ("Normalize", "Compose", "RandomResizedCrop", "ToTensor", "Resize", "CenterCrop")
    made = {}
    for name in ("", ".transforms", ".datasets", ".ops", ".ops.misc"):
        stub = ModuleType(f"torchvision{name}")
        stub.__spec__ = ModuleSpec(stub.__name__, None)
        stub.__path__ = []
        made[stub.__name__] = stub
    made["torchvision"].__dict__.update(
        __version__="0",
        transforms=made["torchvision.transforms"],
        datasets=made["torchvision.datasets"],
        ops=made["torchvision.ops"],
    )
    made["torchvision.transforms"].__dict__.update(dict.fromkeys(names, Unused), InterpolationMode=Unused())
    made["torchvision.ops"].__dict__["misc"] = made["torchvision.ops.misc"]
    made["torchvision.ops.misc"].__dict__["FrozenBatchNorm2d"] = type("FrozenBatchNorm2d", (nn.Module,), {})
    return made
