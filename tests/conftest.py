"""What all tests share: a cache of their own."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # how long a case takes says nothing here
settings.load_profile("shared machine")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """The cache folder of this test run; the user's own is never touched."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_CACHE_DIR", str(folder))
        yield folder
