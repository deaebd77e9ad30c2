"""What all tests share: a cache of their own, and --slow for those that take minutes."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # how long a case takes says nothing here
settings.load_profile("shared machine")


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --slow"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """The cache folder of this test run; the user's own is never touched."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_CACHE_DIR", str(folder))
        yield folder
