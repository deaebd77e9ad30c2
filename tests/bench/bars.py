"""Which jobs there are, of which sizes, and which bars are put on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs import Command, Job, Workbench
from judge import Bar, Growth, Limit, Ratio, bytes_a_row, cpu_s, private_mb, rss_mb, wall_s
from measure import MB

GROUPS = ("render", "cold", "flac", "files", "processes", "index", "plan", "memory", "help")
CLIP_BYTES = 44 + 2 * 16_000
PRIVATE_MB = 250
TEN_MILLION = 10_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much each job is given: clips, or minutes of corpus; two numbers where a slope is wanted."""

    clips: tuple[int, int] = (2_000, 14_000)
    encoded: tuple[int, int] = (1_000, 6_000)
    loop: tuple[int, int] = (100, 700)
    slow: tuple[int, int] = (10, 70)
    slowest: tuple[int, int] = (2, 8)
    processes: int = 40_000
    minutes: tuple[int, int] = (20, 140)
    whole: int = 20_000
    held: tuple[int, int] = (10_000, 100_000)
    long_rounds: int = 3


QUICK = Sizes(
    clips=(1_000, 5_000),
    encoded=(500, 2_000),
    loop=(50, 250),
    slow=(5, 25),
    slowest=(1, 3),
    processes=10_000,
    minutes=(10, 40),
    whole=5_000,
    held=(5_000, 20_000),
    long_rounds=1,
)


def all_jobs(bench: Workbench, sizes: Sizes) -> dict[str, Callable[[], Job]]:
    """Return how to make each job, in the order in which a round runs them: what is compared stands together."""

    def plan(rows: int, out: Path) -> Command:
        return bench.plan_command(rows, out / "plan.parquet")

    rounds = sizes.long_rounds
    return {
        "raw write": lambda: Job(bench.raw_write, sizes.clips),
        "synth wav": lambda: Job(bench.render(), sizes.clips),
        "loop wav": lambda: Job(bench.peer("soundfile_loop"), sizes.loop, pages_mb=500),
        "synth files": lambda: Job(bench.render(store="files"), sizes.encoded),
        "loop flac": lambda: Job(bench.peer("soundfile_loop", "--codec", "flac"), sizes.loop, pages_mb=500),
        "synth flac": lambda: Job(bench.render(codec="flac"), sizes.encoded),
        "lhotse": lambda: Job(bench.peer("lhotse_mix"), sizes.loop, pages_mb=500),
        "scaper": lambda: Job(bench.peer("scaper_mix"), sizes.slow, pages_mb=500),
        "librimix": lambda: Job(bench.peer("librimix_style"), sizes.slow, pages_mb=500),
        "pydub": lambda: Job(bench.peer("pydub_overlay"), sizes.slowest, pages_mb=500),
        "synth -j 1": lambda: Job(bench.render(processes=1), (sizes.processes,), pages_mb=4_000),
        "synth -j 2": lambda: Job(bench.render(processes=2), (sizes.processes,), pages_mb=4_000),
        "decode": lambda: Job(bench.decode, sizes.minutes, pages_mb=100),
        "synth index": lambda: Job(bench.index, sizes.minutes),
        "synth help": lambda: Job(bench.help, (1,), repeat=5, pages_mb=0),
        "click help": lambda: Job(bench.click_help, (1,), repeat=5, pages_mb=0),
        "synth plan": lambda: Job(plan, (120_000,), pages_mb=100),
        "synth plan 10M": lambda: Job(plan, (TEN_MILLION,), at_most=rounds),
        "synth mix cold": lambda: Job(bench.mix(cold=True), (sizes.whole,), at_most=rounds),
        "loop whole": lambda: Job(bench.peer("soundfile_loop"), (sizes.whole,), at_most=rounds),
        "held by render": lambda: Job(bench.render(), sizes.held, at_most=1, private=True, pages_mb=0),
        "held by mix": lambda: Job(bench.mix(cold=False), sizes.held, at_most=1, private=True, pages_mb=0),
    }


def all_bars(sizes: Sizes, rows_a_batch: int) -> list[Bar]:
    """Return the bars; a batch of clips is held besides the memory that is allowed."""
    allowed_mb = PRIVATE_MB + rows_a_batch * CLIP_BYTES / MB
    most = sizes.held[1]
    return [
        Ratio("render", "WAV in Parquet, per clip: soundfile loop / synth", "loop wav", "synth wav", 15),
        Ratio("render", "WAV in Parquet, per clip: lhotse / synth", "lhotse", "synth wav", 10),
        Ratio("render", "WAV in Parquet, per clip: scaper / synth", "scaper", "synth wav", 80),
        Ratio("render", "WAV in Parquet, per clip: LibriMix-style / synth", "librimix", "synth wav", 100),
        Ratio("render", "WAV in Parquet, per clip: pydub / synth", "pydub", "synth wav", 2_000),
        Ratio("render", "WAV in Parquet, per clip: synth / raw write", "synth wav", "raw write", 5.2, at_least=False),
        Ratio("cold", f"mix, whole, cold, {sizes.whole:,} clips: loop / synth", "loop whole", "synth mix cold", 5),
        Ratio("flac", "FLAC in Parquet, per clip: loop as FLAC / synth", "loop flac", "synth flac", 2.7),
        Ratio("files", "WAV files, per clip: loop in Parquet / synth", "loop wav", "synth files", 5),
        Ratio("processes", "two processes, CPU: -j 2 / -j 1", "synth -j 2", "synth -j 1", 1.3, at_least=False),
        Ratio("processes", "two processes, wall: -j 1 / -j 2", "synth -j 1", "synth -j 2", 1.4, of=wall_s),
        Ratio("index", "index with arena, per minute: synth / decoding", "synth index", "decode", 1.8, at_least=False),
        Limit("plan", "plan of 120,000 rows, whole: CPU", "synth plan", 120_000, cpu_s, "s", 0.5),
        Limit("plan", "plan of 10 million rows, whole: CPU", "synth plan 10M", TEN_MILLION, cpu_s, "s", 10),
        Limit("plan", "plan of 10 million rows: memory (RSS)", "synth plan 10M", TEN_MILLION, rss_mb, "MB", 300),
        Limit("plan", "plan of 10 million rows: bytes a row", "synth plan 10M", TEN_MILLION, _bytes_a_row, "B", 40),
        Limit(
            "memory", f"render of {most:,} clips: private memory", "held by render", most, private_mb, "MB", allowed_mb
        ),
        Growth("memory", "render: private memory, many clips to few", "held by render", private_mb, 0.1),
        Limit("memory", f"mix of {most:,} clips: private memory", "held by mix", most, private_mb, "MB", allowed_mb),
        Growth("memory", "mix: private memory, many clips to few", "held by mix", private_mb, 0.1),
        Ratio("help", "synth --help / trivial click group", "synth help", "click help", 1.5, at_least=False),
    ]


_bytes_a_row = bytes_a_row(TEN_MILLION)
