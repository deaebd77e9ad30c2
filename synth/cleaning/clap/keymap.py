"""LAION's names and shapes to those of transformers' ClapModel.

The conversion script that once came with transformers has fixed sizes and loads leniently, so that six blocks of a
larger model vanish without a word. Here every size is read off the weights, and the caller checks both lists of keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synth.errors import InputError

if TYPE_CHECKING:
    import torch

ROBERTA_EPS = 1e-5  # of RoBERTa; ClapTextConfig's own default is 1e-12
HEAD_WIDTH = 64  # of RoBERTa
_NOT_MAPPED = re.compile(
    # the fixed front end, AudioSet's heads, CLIP's causal mask, blocks' masks, training-time layers, constant buffers
    r"spectrogram_extractor|logmel_extractor|tscam_conv|audio_branch\.head\.|(^|\.)attn_mask$|_transform\.|position_ids$"
)
_AUDIO = (
    (".bn0.", ".batch_norm."),
    (".mlp.fc1.", ".intermediate.dense."),
    (".mlp.fc2.", ".output.dense."),
    (".attn.proj.", ".attention.output.dense."),
    (".attn.relative_position", ".attention.self.relative_position"),
)
_NORM = re.compile(r"(\.blocks\.\d+)\.norm([12])\.")
_BLOCK = re.compile(r"audio_branch\.layers\.(\d+)\.blocks\.(\d+)\.")
_LAYER = re.compile(r"text_branch\.encoder\.layer\.(\d+)\.")


def stripped(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Take away the ``module.`` that distributed training puts before every name."""
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def converted(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return LAION's weights (stripped) under transformers' names."""
    out: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        if _NOT_MAPPED.search(name):
            continue
        if name.startswith("audio_branch."):
            new = "audio_model.audio_encoder." + name.removeprefix("audio_branch.")
            for old, current in _AUDIO:
                new = new.replace(old, current)
            new = _NORM.sub(lambda found: f"{found[1]}.layernorm_{'before' if found[2] == '1' else 'after'}.", new)
            if ".attn.qkv." in new:
                for part, third in zip(("query", "key", "value"), tensor.chunk(3, 0), strict=True):
                    out[new.replace(".attn.qkv.", f".attention.self.{part}.")] = third
                continue
        elif name.startswith("text_branch."):
            new = "text_model." + name.removeprefix("text_branch.")
        else:
            new = name.replace("_projection.0.", "_projection.linear1.").replace(
                "_projection.2.", "_projection.linear2."
            )
        out[new] = tensor
    return out


def sizes(state: Mapping[str, torch.Tensor], where: object) -> dict[str, dict[str, Any]]:
    """Read the architecture off LAION's weights (stripped): the arguments of a ClapConfig; ``where`` names the file.

    Raises InputError for weights of another kind: no CLAP, a fused model, a text side that is not RoBERTa.
    """
    shape = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if any("fusion_model" in name or "mel_conv2d" in name for name in shape):
        raise InputError(
            f"{where} is a fusion model, which hears another spectrogram of four crops; wanted an unfused one: "
            "--checkpoint 630k-audioset-best or 630k-best"
        )
    blocks: dict[int, int] = {}
    for name in shape:
        if found := _BLOCK.match(name):
            stage, block = int(found[1]), int(found[2])
            blocks[stage] = max(blocks.get(stage, 0), block + 1)
    layers = 1 + max((int(found[1]) for found in map(_LAYER.match, shape) if found), default=-1)
    try:
        patch = shape["audio_branch.patch_embed.proj.weight"]
        first = "audio_branch.layers.{}.blocks.0."
        tables = [shape[first.format(k) + "attn.relative_position_bias_table"] for k in range(len(blocks))]
        words = shape["text_branch.embeddings.word_embeddings.weight"]
        projection = shape["audio_projection.2.weight"][0]
        return {
            "audio_config": {
                "patch_embeds_hidden_size": patch[0],
                "patch_size": patch[2],
                "patch_stride": [patch[2], patch[2]],
                "num_mel_bins": shape["audio_branch.bn0.weight"][0],
                "depths": [blocks[k] for k in range(len(blocks))],
                "num_attention_heads": [table[1] for table in tables],
                "num_hidden_layers": len(blocks),
                "window_size": (int(tables[0][0] ** 0.5 + 0.5) + 1) // 2,
                "mlp_ratio": shape[first.format(0) + "mlp.fc1.weight"][0] / patch[0],
                "hidden_size": shape["audio_branch.norm.weight"][0],
                "projection_dim": projection,
            },
            "text_config": {
                "vocab_size": words[0],
                "hidden_size": words[1],
                "num_hidden_layers": layers,
                "num_attention_heads": max(1, words[1] // HEAD_WIDTH),
                "intermediate_size": shape["text_branch.encoder.layer.0.intermediate.dense.weight"][0],
                "max_position_embeddings": shape["text_branch.embeddings.position_embeddings.weight"][0],
                "layer_norm_eps": ROBERTA_EPS,
                "projection_dim": projection,
            },
            "model": {"projection_dim": projection},
        }
    except (KeyError, IndexError) as error:
        raise InputError(
            f"{where} holds {len(shape)} tensors and lacks {error.args[0]}: it is no LAION CLAP with an HTSAT ear and "
            "a RoBERTa reader, the only kind that is read; published ones: --checkpoint 630k-audioset-best or 630k-best"
        ) from None
