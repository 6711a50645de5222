"""Real people for these tests: the watch data, whole or cut down to what trains in a second."""

import pytest

from pmt_helpers.datasets import ActivityData, load_activity


@pytest.fixture(scope="session")
def watch() -> ActivityData:
    return load_activity("watch")


@pytest.fixture(scope="session")
def four_people(watch: ActivityData) -> ActivityData:
    return watch.select((watch.users <= 4) & (watch.starts % 500 == 0))
