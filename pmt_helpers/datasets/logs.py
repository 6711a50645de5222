"""Silence for libraries that log more than a reader can use."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(name: str, level: int = logging.ERROR) -> Iterator[None]:
    """Nothing below `level` comes from the logger of that name."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
