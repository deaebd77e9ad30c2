"""The weights of a checkpoint as a ClapModel, without running anything that the file says."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synth.cleaning.clap import keymap
from synth.cleaning.clap.places import Checkpoint
from synth.errors import InputError, listed

if TYPE_CHECKING:
    import torch
    from transformers import ClapModel

# constant buffers: which of them a file holds depends on the version that saved it, and a model makes them by itself
_CONSTANT = ("position_ids", "token_type_ids", "relative_position_index", "num_batches_tracked")


def state(path: Path, *, allow_pickle: bool = False) -> dict[str, torch.Tensor]:
    """Read the tensors of a ``.pt``, ``.bin`` or ``.safetensors`` file.

    A pickle that asks for more than tensors and numbers is refused, unless ``allow_pickle``: then it is run.
    """
    import torch

    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except (SafetensorError, OSError) as error:
            raise _damaged(path, error) from None
    try:
        with torch.serialization.safe_globals(_numbers()):
            # mapped, not read: two thirds of LAION's files are the optimiser's state
            found = torch.load(
                path, map_location="cpu", weights_only=not allow_pickle, mmap=zipfile.is_zipfile(path) or None
            )
    except pickle.UnpicklingError as error:
        raise _refused(path, error) from None
    except (OSError, RuntimeError, EOFError, KeyError, ValueError, AttributeError, ImportError, IndexError) as error:
        raise _damaged(path, error) from None
    inner = found.get("state_dict", found) if isinstance(found, dict) else None
    if not isinstance(inner, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in inner.values()):
        raise InputError(f"{path} holds no state_dict of tensors; wanted a checkpoint as LAION publishes it")
    return inner


def model(checkpoint: Checkpoint, *, allow_pickle: bool = False) -> ClapModel:
    """Build the ClapModel of a checkpoint, in evaluation mode, on the CPU.

    Raises InputError where a tensor is missing, left over or of another shape than the architecture wants.
    """
    from transformers import ClapConfig, ClapModel

    tensors = state(checkpoint.weights, allow_pickle=allow_pickle)
    if checkpoint.config is None:
        tensors = keymap.stripped(tensors)
        sizes = keymap.sizes(tensors, checkpoint.weights)
        config = ClapConfig(**sizes.pop("model"), **sizes)
        tensors = keymap.converted(tensors)
    else:
        config = _config(checkpoint.config)
    made = ClapModel(config)
    try:
        rest = made.load_state_dict(tensors, strict=False)
    except RuntimeError as error:  # shapes
        raise InputError(f"{checkpoint.weights} does not fit its architecture: {error}") from None
    for what, names in (("lacks", rest.missing_keys), ("has left over", rest.unexpected_keys)):
        wrong = [name for name in names if not name.endswith(_CONSTANT)]
        if wrong:
            raise InputError(
                f"{checkpoint.weights} {what} {len(wrong)} tensors of this architecture ({listed(wrong, 5)}): it is damaged "
                "or another kind of model, and would judge by chance"
            )
    bad = [
        name for name, tensor in made.state_dict().items() if tensor.is_floating_point() and not tensor.isfinite().all()
    ]
    if bad:
        raise InputError(f"{checkpoint.weights} holds values that are no numbers in {listed(bad, 5)}: it is damaged")
    return made.eval()


def _config(path: Path) -> Any:  # noqa: ANN401  # a ClapConfig
    from transformers import ClapConfig

    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); wanted the config.json of a ClapModel") from None
    if not isinstance(values, dict) or values.get("model_type") != "clap":
        kind = values.get("model_type") if isinstance(values, dict) else None
        raise InputError(f"{path} describes a model of the kind {kind!r}; wanted 'clap'")
    config = ClapConfig.from_dict(values)
    if config.audio_config.enable_fusion:
        raise InputError(f"{path} describes a fusion model, which hears another spectrogram; wanted an unfused one")
    return config


def _numbers() -> list[Any]:
    """Return what LAION's files hold beside tensors: the learning rate as a numpy number, under numpy's old name."""
    multiarray = getattr(np, "_core", None) or np.core
    return [(multiarray.multiarray.scalar, "numpy.core.multiarray.scalar"), np.dtype, np.dtypes.Float64DType]


def _refused(path: Path, error: Exception) -> InputError:
    lines = [line.strip() for line in str(error).splitlines() if "nsupported" in line or "GLOBAL" in line]
    return InputError(
        f"{path} is refused: reading it would run code or make objects that are no tensors ({(lines or [str(error)])[0][:300]}). "
        "Nothing of it was run. Published checkpoints do not need that; check the download. Only for a file whose maker "
        "you trust with everything on this machine: --allow-pickle"
    )


def _damaged(path: Path, error: Exception) -> InputError:
    size = path.stat().st_size if path.exists() else 0
    return InputError(
        f"{path} ({size:,} bytes) cannot be read as weights ({' '.join(str(error).split())[:200]}): damaged or cut short; "
        "download it again"
    )
