"""Each test starts with a clean scope and the default settings; compiled code goes to a cache of the session."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache_directory(tmp_path_factory):
    """The user's own cache is left alone."""
    if "EQSNN_CACHE_DIR" not in os.environ:
        os.environ["EQSNN_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def clean():
    """No settings, clocks or objects of another test."""
    import eqsnn as eq
    from eqsnn.runtime.settings import Settings

    for name, value in vars(Settings()).items():
        setattr(eq.settings, name, value)
    eq.settings.all_threads = True  # most networks here are so small that one thread would do
    eq.defaultclock.dt = 0.1 * eq.ms
    eq.start_scope()
    eq.seed(12345)
