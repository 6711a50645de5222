"""A clock for engines that are measured side by side, and what to do about those that are not installed."""

import os
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

E = TypeVar("E")
R = TypeVar("R")


class Clock:
    """Seconds while it runs, added up over every `with`: of processor time, all threads and ended children, and wall.

    Children that still run are not counted, and those that ended only to a hundredth of a second.
    """

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def __enter__(self) -> "Clock":
        self._started = _processor_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu += _processor_time() - self._started[0]
        self.wall += time.perf_counter() - self._started[1]


def _processor_time() -> float:
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def installed(engines: Mapping[str, E], made: Callable[[E], R]) -> tuple[dict[str, R], list[str]]:
    """What `made` returns for each engine that can be imported, and a line for each package that cannot."""
    found, absent = {}, []
    for name, engine in engines.items():
        try:
            found[name] = made(engine)
        except ImportError as error:
            absent.append(f"{error.name}: not installed")
    return found, list(dict.fromkeys(absent))
