"""Who does the work: shards are handed out here, and nothing else knows where they are rendered.

Another engine (a cluster's job array, Ray) needs only to call :class:`Renderer` with the job and a shard; shards do not
depend on one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from synth import processes
from synth.rendering.job import Job, Shard
from synth.rendering.shards import Renderer


def rendered(job: Job, shards: Sequence[Shard], jobs: int) -> Iterator[int]:
    """Render shards with so many processes; yield the clips of each as it is finished, in any order.

    When the caller stops listening (an error, Ctrl-C), shards under way are finished and no more are begun.
    """
    return processes.unordered(_renderer, job, shards, jobs)


def _renderer(job: Job) -> Callable[[Shard], int]:
    return Renderer(job).render
