"""What is asked: the bars, each a ratio of two jobs or a limit on one, and whether they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from measure import Cost


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job at one size: its cost and the bytes it left."""

    cost: Cost
    left_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """The rounds of one job: runs by size."""

    runs: dict[int, list[Run]]

    def rounds(self, of: Callable[[Run], float] = lambda run: run.cost.cpu_s) -> list[float]:
        """Return a number per round: the slope over the two sizes, or the value at the only one."""
        small, big = min(self.runs), max(self.runs)
        if small == big:
            return [of(run) for run in self.runs[big]]
        pairs = zip(self.runs[small], self.runs[big], strict=True)
        return [(of(many) - of(few)) / (big - small) for few, many in pairs]

    def as_dict(self) -> dict[str, list[dict[str, float]]]:
        """Return every run, by size, for the JSON file."""
        return {
            str(size): [{**asdict(run.cost), "left_bytes": run.left_bytes} for run in of]
            for size, of in self.runs.items()
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the report."""

    path: str
    figure: str
    spread: str
    bar: str
    holds: bool | None  # None: not run
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def as_dict(self) -> dict[str, object]:
        """Return what the JSON file says of it."""
        return asdict(self)


def not_run(path: str, bar: str, reason: str, failed: bool) -> Verdict:
    """Return a line that says why there is no figure."""
    return Verdict(
        path, "failed" if failed else "not run", reason.splitlines()[-1][:80], bar, False if failed else None
    )


def cpu_s(run: Run) -> float:
    """Return processor seconds, user and system, of all processes."""
    return run.cost.cpu_s


def wall_s(run: Run) -> float:
    """Return elapsed seconds."""
    return run.cost.wall_s


def rss_mb(run: Run) -> float:
    """Return peak resident memory."""
    return run.cost.rss_mb


def private_mb(run: Run) -> float:
    """Return peak private memory of the process tree."""
    return run.cost.private_mb


@dataclass(frozen=True, slots=True)
class Ratio:
    """A bar on how many times as much one job takes as another."""

    group: str
    path: str
    top: str
    bottom: str
    limit: float
    at_least: bool = True
    of: Callable[[Run], float] = cpu_s

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs it needs."""
        return self.top, self.bottom

    @property
    def bar(self) -> str:
        """The bar, as it is printed."""
        return f"{'>=' if self.at_least else '<='} {self.limit:,g} x"

    def judge(self, measured: dict[str, Measured]) -> Verdict:
        """Compare the medians; the spread is that of the ratios of single rounds."""
        top, bottom = measured[self.top].rounds(self.of), measured[self.bottom].rounds(self.of)
        if min(median(top), median(bottom)) <= 0:
            return Verdict(
                self.path, "noise", "a median slope is not positive: give it a quieter machine", self.bar, False
            )
        value = median(top) / median(bottom)
        each = [a / b for a, b in zip(top, bottom, strict=False) if b > 0]
        holds = value >= self.limit if self.at_least else value <= self.limit
        low, high = min(each), max(each)
        return Verdict(self.path, f"{value:,.3g} x", f"{low:,.3g}-{high:,.3g}", self.bar, holds, value, low, high)


@dataclass(frozen=True, slots=True)
class Limit:
    """A bar on what one job takes at one of its sizes."""

    group: str
    path: str
    job: str
    size: int
    of: Callable[[Run], float]
    unit: str
    limit: float

    @property
    def jobs(self) -> tuple[str, ...]:
        """The job it needs."""
        return (self.job,)

    @property
    def bar(self) -> str:
        """The bar, as it is printed."""
        return f"<= {self.limit:,g} {self.unit}"

    def judge(self, measured: dict[str, Measured]) -> Verdict:
        """Compare the median over the rounds."""
        each = [self.of(run) for run in measured[self.job].runs[self.size]]
        value, low, high = median(each), min(each), max(each)
        return Verdict(
            self.path,
            f"{value:,.3g} {self.unit}",
            f"{low:,.3g}-{high:,.3g}",
            self.bar,
            value <= self.limit,
            value,
            low,
            high,
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """A bar on how far a figure at the two sizes of one job may differ."""

    group: str
    path: str
    job: str
    of: Callable[[Run], float]
    limit: float

    @property
    def jobs(self) -> tuple[str, ...]:
        """The job it needs."""
        return (self.job,)

    @property
    def bar(self) -> str:
        """The bar, as it is printed."""
        return f"within {self.limit:.0%}"

    def judge(self, measured: dict[str, Measured]) -> Verdict:
        """Compare the medians at the two sizes."""
        runs = measured[self.job].runs
        few, many = ([self.of(run) for run in runs[size]] for size in (min(runs), max(runs)))
        value = median(many) / median(few) - 1
        figures = f"{median(few):,.0f} and {median(many):,.0f} MB"
        return Verdict(self.path, f"{value:+.1%}", figures, self.bar, abs(value) <= self.limit, value)


Bar = Ratio | Limit | Growth


def bytes_a_row(rows: int) -> Callable[[Run], float]:
    """Return how to find the size of a row."""
    return lambda run: run.left_bytes / rows


def mean_run(runs: Sequence[Run]) -> Run:
    """Return the mean of repeated runs of one round."""
    costs = [run.cost for run in runs]
    n = len(runs)
    cost = Cost(
        sum(c.cpu_s for c in costs) / n,
        sum(c.wall_s for c in costs) / n,
        max(c.rss_mb for c in costs),
        max(c.private_mb for c in costs),
    )
    return Run(cost, runs[-1].left_bytes)
