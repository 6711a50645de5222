"""Real people for these tests: the watch data, whole or cut down to what trains in a second."""

import pytest

from pmt_helpers.datasets import ActivityData, load_activity


@pytest.fixture(scope="session")
def watch() -> ActivityData:
    return load_activity("watch")


@pytest.fixture(scope="session")
def few_windows(watch: ActivityData) -> ActivityData:
    """Everybody, every second window: none overlap."""
    return watch.select(watch.starts % 250 == 0)
