from __future__ import annotations

import pytest

from synth.steps.index import index
from synth.steps.plan import plan
from synth.steps.render import render
from synth.steps.split import split


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Make an honest data set of the demo voices: ``made(name, clips=…, **options)``, once a session for each name."""
    known = {}

    def make(name, clips="900/150/150", share="80/10/10", table=None, rendering=None, **options):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            table = index([]).table if table is None else table
            split(table, clips=clips, split=share, out=folder / "sources.parquet")
            plan(folder / "sources.parquet", out=folder / "plan.parquet", clips=clips, split=share, **options)
            render(folder / "plan.parquet", out=folder / "set", jobs=1, **(rendering or {}))
            known[name] = folder / "set"
        return known[name]

    return make


@pytest.fixture(scope="session")
def honest(made):
    return made("honest")
