"""Commands as a shell starts them."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def what_is_started_heeds_ctrl_c() -> Iterator[None]:
    """A test run in the background ignores Ctrl-C, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
