"""Train the network M5 on a data set made by synth, and see whether it learns to count speakers it has never heard.

    python tests/bench/m5.py DIR                   # DIR: an output folder, its splits disjoint in speakers
    python tests/bench/m5.py DIR --minutes 20 --epochs 60

M5 is from Dai, Dai, Qu, Li, Das: "Very deep convolutional neural networks for raw waveforms" (ICASSP 2017,
arXiv:1610.00087), table 1: a convolution of 80 samples, three of 3, batch normalisation and pooling by 4 after each,
and the mean over time. The first stride is 16 instead of 4, for clips of 1 s at 16 kHz.

The clips are standardised one by one, so their level says nothing; in training they get a random gain, polarity and
start. The epoch with the best validation accuracy is the one that is tested (without a validation split, the last).
With one seed, one machine and enough minutes for the epochs, two runs give the same answer.

Exit code: 0 if the test accuracy is above the 99.9 % interval of guessing the commonest class of the training clips, 1
if it is not. The interval is that of independent clips; clips share speakers, so do not read it finer than that.
"""
# ruff: noqa: T201  it prints a report

from __future__ import annotations

import argparse
import io
import math
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

CONFIDENCE = 0.999
SPLITS = ("train", "val", "test")


class M5(nn.Module):
    """M5 of Dai et al.: (batch, 1, samples) to (batch, classes)."""

    def __init__(self, classes: int, stride: int = 16) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(1, 128, kernel=80, stride=stride),
            *_block(128, 128),
            *_block(128, 256),
            *_block(256, 512),
        )
        self.head = nn.Linear(512, classes)

    def forward(self, waves: Tensor) -> Tensor:
        """Return the logits."""
        return self.head(self.features(waves).mean(dim=2))


def _block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv1d(inputs, outputs, kernel, stride, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
        nn.MaxPool1d(4),
    ]


@dataclass(frozen=True, slots=True)
class Clips:
    """One split: samples (clips, samples) as 16-bit integers, and the number of speakers of each."""

    samples: Tensor
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.counts)


def read(folder: Path) -> dict[str, Clips]:
    """Read data/*.parquet; the split is the beginning of a file's name."""
    found = {}
    for split in SPLITS:
        samples: list[NDArray[np.int16]] = []
        counts: list[int] = []
        for path in sorted((folder / "data").glob(f"{split}-*.parquet")):
            for batch in pq.ParquetFile(path).iter_batches(500, columns=["n_speakers", "audio"]):
                counts += batch.column("n_speakers").to_pylist()
                samples += [_decoded(clip["bytes"]) for clip in batch.column("audio").to_pylist()]
        if samples:
            found[split] = Clips(torch.from_numpy(np.stack(samples)), np.array(counts, np.int64))
    for split in ("train", "test"):
        if split not in found:
            raise SystemExit(f"{folder}: no data/{split}-*.parquet")
    return found


def _decoded(wav: bytes) -> NDArray[np.int16]:
    with wave.open(io.BytesIO(wav)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def standardised(samples: Tensor) -> Tensor:
    """Return (batch, 1, samples) with mean 0 and deviation 1 in each clip; silence stays 0."""
    waves = samples.float()
    waves = waves - waves.mean(dim=1, keepdim=True)
    return (waves / (waves.std(dim=1, keepdim=True) + 1e-3)).unsqueeze(1)


def varied(waves: Tensor, random: torch.Generator) -> Tensor:
    """Change what does not change the number of speakers: gain within 6 dB, polarity, and a start moved in a circle."""
    n = len(waves)
    gain = 10 ** ((torch.rand(n, generator=random) * 12 - 6) / 20)
    sign = torch.randint(0, 2, (n,), generator=random) * 2 - 1
    shift = torch.randint(0, waves.shape[2], (1,), generator=random).item()
    return torch.roll(waves, int(shift), dims=2) * (gain * sign).view(n, 1, 1).to(waves.device)


def batches(count: int, size: int, random: torch.Generator) -> Iterator[Tensor]:
    """Yield the clips in a new order; a last batch of one is left out, as it has no statistics."""
    for one in torch.randperm(count, generator=random).split(size):
        if len(one) > 1:
            yield one


@torch.no_grad()
def predicted(model: M5, samples: Tensor, device: torch.device, size: int) -> NDArray[np.int64]:
    """Return the likeliest class of each clip."""
    model.eval()
    found = [model(standardised(part.to(device))).argmax(dim=1).cpu() for part in samples.split(size)]
    return torch.cat(found).numpy()


def train(
    model: M5, clips: dict[str, Clips], targets: Tensor, classes: NDArray[np.int64], asked: argparse.Namespace
) -> None:
    """Train in place; the epochs, and with them the learning rate, are cut to what the minutes allow."""
    device = next(model.parameters()).device
    random = torch.Generator().manual_seed(asked.seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=asked.rate, weight_decay=1e-3)
    epochs, began, best, kept = asked.epochs, time.monotonic(), -1.0, model.state_dict()
    epoch = 0
    while epoch < epochs:
        for group in optimiser.param_groups:
            group["lr"] = asked.rate * (0.5 + 0.5 * math.cos(math.pi * epoch / epochs))
        model.train()
        losses = []
        for rows in batches(len(targets), asked.batch, random):
            waves = varied(standardised(clips["train"].samples[rows].to(device)), random)
            loss = nn.functional.cross_entropy(model(waves), targets[rows].to(device), label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        epoch += 1
        line = f"epoch {epoch} of {epochs}: loss {np.mean(losses):.3f}"
        if "val" in clips:
            guessed = classes[predicted(model, clips["val"].samples, device, asked.batch)]
            accuracy = float(np.mean(guessed == clips["val"].counts))
            line += f", validation accuracy {accuracy:.3f}"
            if accuracy > best:
                best, kept = accuracy, {name: value.clone() for name, value in model.state_dict().items()}
        print(f"{line}, {time.monotonic() - began:.0f} s", flush=True)
        spent_s = time.monotonic() - began
        epochs = min(epochs, epoch + int((60 * asked.minutes - spent_s) / (spent_s / epoch)))
    if "val" in clips:
        model.load_state_dict(kept)


def binomial_interval(n: int, p: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the shares that n guesses, each right with probability p, lie between (exact, equal tails)."""
    if p >= 1:
        return 1.0, 1.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
        for k in range(n + 1)
    ]
    below = np.cumsum(np.exp(logs))
    tail = (1 - confidence) / 2
    low, high = np.searchsorted(below, tail), np.searchsorted(below, 1 - tail)
    return float(low) / n, min(float(high) / n, 1.0)


def report(truth: NDArray[np.int64], guessed: NDArray[np.int64], commonest: int) -> bool:
    """Print accuracy by class and chance; return whether it is clearly better than chance."""
    classes = sorted(set(truth.tolist()) | set(guessed.tolist()))
    print("\nspeakers  clips  right   guessed: " + "  ".join(f"{count:>5}" for count in classes))
    for count in classes:
        of_class = truth == count
        if of_class.any():
            row = "  ".join(f"{np.sum(guessed[of_class] == other):>5}" for other in classes)
            print(f"{count:>8}  {of_class.sum():>5}  {np.mean(guessed[of_class] == count):5.1%}            {row}")
    n, right = len(truth), float(np.mean(truth == guessed))
    chance = float(np.mean(truth == commonest))
    low, high = binomial_interval(n, chance)
    better = right > high
    print(f"\ntest accuracy {right:.1%} of {n} clips by speakers not heard in training")
    print(f"chance {chance:.1%} (always {commonest}), {CONFIDENCE:.1%} of guessers between {low:.1%} and {high:.1%}")
    print("clearly better than chance" if better else "NOT clearly better than chance")
    return better


def main() -> int:
    """Read, train, test."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="a data set made by `synth mix`, WAV in Parquet")
    parser.add_argument(
        "--minutes", type=float, default=15 if gpu else 5, help="at most so long (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=200 if gpu else 40, help="at most so many (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at the start (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    device = torch.device("cuda" if gpu else "cpu")

    clips = read(asked.folder)
    classes, targets = np.unique(clips["train"].counts, return_inverse=True)
    sizes = ", ".join(f"{len(of)} {split}" for split, of in clips.items())
    print(f"{sizes} clips of {clips['train'].samples.shape[1]} samples, classes {classes.tolist()}, on {device}")
    model = M5(len(classes)).to(device)
    train(model, clips, torch.from_numpy(targets), classes, asked)
    guessed = classes[predicted(model, clips["test"].samples, device, asked.batch)]
    commonest = int(classes[np.bincount(targets).argmax()])
    return 0 if report(clips["test"].counts, guessed, commonest) else 1


if __name__ == "__main__":
    raise SystemExit(main())
