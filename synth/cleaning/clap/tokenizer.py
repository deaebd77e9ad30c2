"""RoBERTa's byte-level tokenizer, and the refusal of one that is not the model's.

A wrong vocabulary gives embeddings that look like any others and mean nothing, so its length and a few tokenisations
that are known are checked before a word is embedded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LONGEST = 77  # tokens; the original pads and cuts to it
ROBERTA_WORDS = 50_265
GOLDEN = {
    "Hello world!": (0, 31414, 232, 328, 2),
    "This is a sound of dog": (0, 713, 16, 10, 2369, 9, 2335, 2),
}
_START, _PAD, _END = "<s>", "<pad>", "</s>"


def load(files: Sequence[Path], vocabulary: int) -> Tokenizer:
    """Load vocab.json and merges.txt, or tokenizer.json, for a model of so many words.

    Raises InputError where the files are damaged or belong to another model.
    """
    from tokenizers import Tokenizer
    from tokenizers.implementations import ByteLevelBPETokenizer
    from tokenizers.processors import RobertaProcessing

    folder = files[0].parent
    try:
        if files[0].name == "tokenizer.json":
            tokenizer = Tokenizer.from_file(str(files[0]))
        else:
            words = json.loads(files[0].read_text(encoding="utf-8"))
            lines = files[1].read_text(encoding="utf-8").split("\n")
            merges = [
                (a, b) for a, _, b in (line.partition(" ") for line in lines if not line.startswith("#version")) if b
            ]
            made = ByteLevelBPETokenizer(words, merges)
            made.add_special_tokens([_START, _PAD, _END, "<unk>", "<mask>"])
            tokenizer = made._tokenizer
            tokenizer.post_processor = RobertaProcessing(
                (_END, words[_END]), (_START, words[_START]), add_prefix_space=False
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"the tokenizer in {folder} cannot be read ({error}); wanted RoBERTa's vocab.json and merges.txt"
        ) from None
    except Exception as error:  # the tokenizers library raises nothing narrower
        raise InputError(f"the tokenizer in {folder} cannot be read ({error})") from error
    _check(tokenizer, vocabulary, folder)
    tokenizer.enable_truncation(LONGEST)
    pad = tokenizer.token_to_id(_PAD)
    tokenizer.enable_padding(pad_id=pad, pad_token=_PAD)
    return tokenizer


def _check(tokenizer: Tokenizer, vocabulary: int, folder: Path) -> None:
    found = tokenizer.get_vocab_size()
    if found != vocabulary or tokenizer.token_to_id(_PAD) is None:
        raise InputError(
            f"the tokenizer in {folder} has {found:,} words and the model {vocabulary:,}: it belongs to another model. "
            "Put the files that came with the checkpoint there (LAION's own: roberta-base)"
        )
    if vocabulary != ROBERTA_WORDS:
        return
    for text, wanted in GOLDEN.items():
        ids = tuple(tokenizer.encode(text).ids)
        if ids != wanted:
            raise InputError(
                f"the tokenizer in {folder} reads {text!r} as {list(ids)}, where RoBERTa's reads {list(wanted)}: the model "
                "would understand every sentence wrongly. Put roberta-base's vocab.json and merges.txt there"
            )


def encoded(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return token ids and attention mask, shape (texts, longest) each, at most 77 long."""
    found = tokenizer.encode_batch(list(texts))
    return (
        np.array([one.ids for one in found], np.int64),
        np.array([one.attention_mask for one in found], np.int64),
    )
