"""What all tests share: a cache of their own."""

from __future__ import annotations

import pytest
from hypothesis import settings

LONG = ("test_readme.py", "checking", "end_to_end", "cleaning", "fetching", "cli")  # begun first, in this order

settings.register_profile("shared machine", deadline=None)  # how long a case takes says nothing here
settings.load_profile("shared machine")


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, or one process would be left with it at the end."""
    places = [*LONG, None]

    def place(item):
        return next(k for k, name in enumerate(places) if name is None or name in item.path.parts)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """The cache folder of this test run; the user's own is never touched."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_CACHE_DIR", str(folder))
        yield folder
