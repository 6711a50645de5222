"""Real people for these tests: the watch data, whole or cut down to what trains in a second."""

import numpy as np
import pytest

from pmt_helpers.datasets import ActivityData, load_activity
from pmt_helpers.privacy import noise


@pytest.fixture(scope="session")
def watch() -> ActivityData:
    return load_activity("watch")


@pytest.fixture(scope="session")
def few_windows(watch: ActivityData) -> ActivityData:
    """Everybody, every second window: none overlap."""
    return watch.select(watch.starts % 250 == 0)


@pytest.fixture(autouse=True)
def known_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes from a seed in the place of secret ones, so that what is true by chance is true on every run."""
    monkeypatch.setattr(noise, "secret_bytes", np.random.default_rng(0).bytes)
