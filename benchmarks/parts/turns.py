"""What every benchmark needs: its first line, a clock, turns for engines, and what to do about those not installed."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

E = TypeVar("E")
R = TypeVar("R")


def first_line(*libraries: str) -> str:
    """The processor, and the versions of Python and of those libraries that are installed."""
    found, _ = installed({name: name for name in libraries}, version)
    versions = {"Python": platform.python_version(), **found}
    return f"{processor()}; " + ", ".join(f"{name} {number}" for name, number in versions.items())


def processor() -> str:
    """Its name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


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


def in_turns(turns: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[Clock]]:
    """A clock for each round of each engine. They take turns, so that whatever else the machine does hits all."""
    clocks: dict[str, list[Clock]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            with Clock() as clock:
                turn()
            clocks[name].append(clock)
    return clocks


def installed(engines: Mapping[str, E], made: Callable[[E], R]) -> tuple[dict[str, R], list[str]]:
    """What `made` returns for each engine that can be imported, and a line for each package that cannot."""
    found, absent = {}, []
    for name, engine in engines.items():
        try:
            found[name] = made(engine)
        except ImportError as error:
            absent.append(f"{error.name}: not installed")
    return found, list(dict.fromkeys(absent))
