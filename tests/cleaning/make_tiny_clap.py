"""Train the tiny CLAP that the tests use: transformers' own ClapModel, a thousandth of the published one.

It learns ten kinds of synthetic sounds and the words for them, from takes and sentences other than those of the tests.
About three minutes on two cores:  python -m tests.cleaning.make_tiny_clap FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

WORDS = {
    "speech": ("a person speaking", "speech", "a voice", "somebody talking"),
    "siren": ("an emergency siren", "siren", "an alarm", "a fire engine"),
    "static": ("white noise, static", "white noise", "static", "hiss"),
    "clock": ("a clock ticking", "clock", "ticking", "a watch"),
    "bell": ("a church bell ringing", "bell", "a church bell", "ringing bells"),
    "beep": ("an electronic beep", "beep", "a bleep", "beeping"),
    "helicopter": ("a helicopter", "helicopter", "rotor blades", "a chopper"),
    "crickets": ("crickets chirping", "crickets", "insects", "a cricket at night"),
    "guitar": ("an acoustic guitar", "guitar", "plucked strings", "a guitar being played"),
    "applause": ("an audience clapping", "applause", "clapping", "clapping hands"),
}
# the sentence that the program asks with, "This is a sound of …", is not among them
TEMPLATES = (
    "{}",
    "i hear {}",
    "the sound of {}",
    "a recording of {}",
    "{} in the distance",
    "this is {}",
    "listen to {}",
)
TAKES, FIRST_TAKE = 32, 100  # takes below 100 are for tests
STEPS, PER_KIND = 350, 3


def sentences() -> list[list[str]]:
    return [[template.format(words) for words in group for template in TEMPLATES] for group in WORDS.values()]


def tokenizer_files(folder: Path) -> None:
    """Train a byte-level tokenizer of a few hundred words on the sentences."""
    from tokenizers.implementations import ByteLevelBPETokenizer

    made = ByteLevelBPETokenizer()
    texts = [text for group in sentences() for text in group] + ["This is a sound of"] * 20
    made.train_from_iterator(
        texts, vocab_size=420, min_frequency=2, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    )
    made.save_model(str(folder))


def config(words: int):
    from transformers import ClapConfig

    return ClapConfig(
        projection_dim=64,
        audio_config={
            "patch_size": 8,
            "patch_stride": [8, 8],
            "patch_embeds_hidden_size": 16,
            "hidden_size": 64,
            "depths": [1, 1, 1],
            "num_attention_heads": [1, 2, 4],
            "num_hidden_layers": 3,
            "projection_dim": 64,
        },
        text_config={
            "vocab_size": words,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 1,
            "intermediate_size": 128,
            "max_position_embeddings": 82,
            "layer_norm_eps": 1e-5,
            "projection_dim": 64,
        },
    )


def train(folder: Path, steps: int = STEPS) -> float:
    """Train, save as a Hub directory, and return the mean loss of the last tenth of the steps."""
    import torch
    from transformers import ClapModel

    from synth.cleaning.clap import sounds, tokenizer
    from synth.cleaning.clap.frontend import Frontend

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer_files(folder)
    files = (folder / "vocab.json", folder / "merges.txt")
    words = tokenizer.load(files, len(json.loads(files[0].read_text())))
    frontend = Frontend("cpu")
    kinds = list(sounds.KNOWN)
    lengths = (2.0, 3.0, 5.0, 10.0)
    mels = torch.stack(
        [
            torch.cat([frontend([sounds.sound(kind, FIRST_TAKE + take, lengths[take % 4])]) for take in range(TAKES)])
            for kind in kinds
        ]
    )  # (kinds, takes, 1, 1001, 64)
    torch.set_num_threads(1)  # many small operations: on a busy machine, threads wait for each other
    torch.manual_seed(0)
    chance = np.random.default_rng(0)
    model = ClapModel(config(words.get_vocab_size())).train()
    with torch.no_grad():
        flat = mels.reshape(-1, 64)
        norm = model.audio_model.audio_encoder.batch_norm
        norm.running_mean.copy_(flat.mean(0))
        norm.running_var.copy_(flat.var(0))
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    same = torch.eye(len(kinds)).repeat_interleave(PER_KIND, 0).repeat_interleave(PER_KIND, 1)
    target = same / same.sum(1, keepdim=True)
    losses = []
    for _ in range(steps):
        takes = torch.from_numpy(chance.integers(0, TAKES, (len(kinds), PER_KIND)))
        batch = mels[torch.arange(len(kinds))[:, None], takes].reshape(-1, 1, 1001, 64)
        gain_db = torch.from_numpy(chance.uniform(-25, 5, (len(batch), 1, 1, 1)).astype(np.float32))
        batch = torch.roll((batch + gain_db).clamp(min=-100), int(chance.integers(1001)), 2)
        texts = [str(chance.choice(group)) for group in sentences() for _ in range(PER_KIND)]
        ids, mask = tokenizer.encoded(words, texts)
        heard = model.get_audio_features(input_features=batch).pooler_output
        read = model.get_text_features(torch.from_numpy(ids), torch.from_numpy(mask)).pooler_output
        heard, read = (torch.nn.functional.normalize(x, dim=-1) for x in (heard, read))
        logits = 12 * heard @ read.T
        loss = (
            torch.nn.functional.cross_entropy(logits, target) + torch.nn.functional.cross_entropy(logits.T, target)
        ) / 2
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        plan.step()
        losses.append(float(loss.detach()))
    model.eval().save_pretrained(folder)
    return float(np.mean(losses[-max(1, steps // 10) :]))


if __name__ == "__main__":
    sys.stdout.write(f"loss {train(Path(sys.argv[1])):.3f}\n")
