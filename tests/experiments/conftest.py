"""Real people for these tests: the watch data, whole or cut down to what trains in a second."""

from pathlib import Path

import pytest

from pmt_helpers.datasets import ActivityData, load_activity
from pmt_helpers.experiments import JobRunner


@pytest.fixture(scope="session")
def watch() -> ActivityData:
    return load_activity("watch")


@pytest.fixture(scope="session")
def four_people(watch: ActivityData) -> ActivityData:
    return watch.select((watch.users <= 4) & (watch.starts % 500 == 0))


@pytest.fixture(scope="session")
def few_windows(watch: ActivityData) -> ActivityData:
    """Everybody, every second window: none overlap."""
    return watch.select(watch.starts % 250 == 0)


@pytest.fixture
def runner(tmp_path: Path) -> JobRunner:
    """One process, and a work folder of its own."""
    return JobRunner(tmp_path / "work", workers=1)
