"""Which labels are above which: those that go along with nearly all clips of another, and AudioSet's parents.

The ontology is read where it lies on this machine already, as the file of prompts or among AudioSet's lists in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synth.cleaning.material import Material
from synth.cleaning.null import Bools
from synth.corpora.audioset import classes
from synth.corpora.audioset.classes import Ontology
from synth.errors import InputError
from synth.fetching import lists


@dataclass(frozen=True, slots=True)
class Related:
    """Parents by what goes ``together`` and by the ``graph`` of the ontology, (labels, labels) both, parents in rows.

    ``ontology``: where the graph comes from; ``warnings``: why it does not, although there is a file.
    """

    together: Bools
    graph: Bools
    ontology: Path | None = None
    warnings: tuple[str, ...] = ()

    def pairs(self) -> dict[str, int]:
        """Return how many pairs of labels are related, by how that is known."""
        return {"together": int(self.together.sum()), "ontology": int(self.graph.sum())}

    @property
    def above(self) -> Bools:
        """Which label (rows) is above which (columns), however that is known."""
        found: Bools = self.together | self.graph
        return found


def related(stuff: Material, mids: Mapping[str, str], prompts: str | Path | None) -> Related:
    """Return how the labels of ``stuff`` are related; ``mids``: AudioSet's machine ids of those that have one."""
    together, alone = stuff.above(), np.zeros((len(stuff.labels),) * 2, np.bool_)
    given = Path(prompts) if prompts is not None and Path(prompts).suffix.lower() == ".json" else None
    path = given or lists.kept(classes.ONTOLOGY)
    if path is None or not mids:
        return Related(together, alone)
    try:
        ontology = classes.read_ontology(path)
    except InputError as error:
        return Related(together, alone, None, (f"which labels are parents of others is not known: {error}",))
    return Related(together, above([mids.get(label) for label in stuff.labels], ontology), path)


def above(mids: Sequence[str | None], ontology: Ontology) -> Bools:
    """Return which classes (rows) are above which (columns) in the graph, by whatever way, (classes, classes)."""
    upper = [ontology.ancestors(mid) if mid is not None else set() for mid in mids]
    return np.array([[mid in one for one in upper] for mid in mids], np.bool_).reshape(len(mids), len(mids))
