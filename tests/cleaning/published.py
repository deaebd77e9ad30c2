"""Checkpoints laid out as LAION publishes them, with weights of the tests' own."""

from __future__ import annotations

import io
import re
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch


def write(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write weights under LAION's names as its trainer does: beside them an optimiser whose rate is a numpy number."""
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.AdamW([weight], lr=1e-4)
    weight.sum().backward()
    optimiser.step()
    for group in optimiser.param_groups:
        group["lr"] = np.float64(5e-5)
    tensors = OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    content = {"epoch": 15, "name": "run", "state_dict": tensors, "optimizer": optimiser.state_dict()}
    made = io.BytesIO()
    torch.save(content, made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith("data.pkl"):  # as numpy 1 named it when the files were published
                assert b"numpy._core.multiarray" in data or b"numpy.core.multiarray" in data
                data = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            target.writestr(entry.filename, data)


def laion_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights of a ClapModel under LAION's names, with tensors that only LAION's model has."""
    out: dict[str, torch.Tensor] = {}
    thirds: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in state.items():
        new = name
        if name.startswith("text_model."):
            new = "text_branch." + name.removeprefix("text_model.")
        elif name.startswith("audio_model.audio_encoder."):
            new = "audio_branch." + name.removeprefix("audio_model.audio_encoder.")
            if found := re.match(r"(.*)\.attention\.self\.(query|key|value)\.(weight|bias)$", new):
                thirds.setdefault(f"{found[1]}.attn.qkv.{found[3]}", {})[found[2]] = tensor
                continue
            for old, other in (
                ("attention.self.relative", "attn.relative"),
                ("attention.output.dense", "attn.proj"),
                ("intermediate.dense", "mlp.fc1"),
                ("output.dense", "mlp.fc2"),
                ("layernorm_before", "norm1"),
                ("layernorm_after", "norm2"),
                ("batch_norm", "bn0"),
            ):
                new = new.replace(old, other)
        else:
            new = name.replace(".linear1.", ".0.").replace(".linear2.", ".2.")
        out[new] = tensor
    for name, parts in thirds.items():
        out[name] = torch.cat([parts["query"], parts["key"], parts["value"]])
    out["audio_branch.tscam_conv.weight"] = torch.zeros(3)
    out["audio_branch.logmel_extractor.melW"] = torch.zeros(3)
    out["audio_branch.layers.0.blocks.0.attn_mask"] = torch.zeros(3)
    return out


def stirred(model: torch.nn.Module, seed: int = 1) -> None:
    """Move every weight off its first value, so that no two of them could be mistaken for each other."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if "extractor" in name or "index" in name or "attn_mask" in name or not tensor.is_floating_point():
                continue
            if name.endswith("running_var"):
                tensor.copy_(1 + 200 * torch.rand(tensor.shape, generator=chance))
            elif name.endswith(("bn0.running_mean", "batch_norm.running_mean")):
                tensor.copy_(-30 + 5 * torch.randn(tensor.shape, generator=chance))
            elif tensor.ndim == 1:
                tensor.add_(0.1 * torch.randn(tensor.shape, generator=chance))
            else:
                tensor.add_(0.02 * torch.randn(tensor.shape, generator=chance))
