"""AudioSet's lists: segments with their labels, classes and their graph, labels with times. No audio is read here.

segments.py   the lists of segments and damaged copies of them (lines.py, clean.py, damaged.py, repeats.py)
classes.py    names, mids, the ontology's graph, how well each label was judged
strong.py     labels with times, relative to the clip, as absolute times
"""

from __future__ import annotations

from synth.corpora.audioset import classes, segments, strong

__all__ = ["classes", "segments", "strong"]
