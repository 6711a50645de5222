"""What every benchmark needs: its first line, and turns for its engines."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def turns(benchmark: ModuleType) -> ModuleType:
    return import_module(f"{benchmark.__name__}.turns")


def test_the_first_line_names_the_processor_and_what_is_installed(turns: ModuleType) -> None:
    line = turns.first_line("numpy", "no-such-library")
    assert line.startswith(f"{turns.processor()}; Python 3.")
    assert line.endswith(f", numpy {np.__version__}")


def test_every_benchmark_prints_that_line(benchmark: ModuleType) -> None:
    (folder,) = benchmark.__path__
    files = list(Path(folder).parent.glob("*.py"))
    assert len(files) >= 5
    assert [path.name for path in files if "print(first_line(" not in path.read_text()] == []


def test_engines_take_turns(turns: ModuleType) -> None:
    order: list[str] = []
    clocks = turns.in_turns({name: lambda name=name: order.append(name) for name in "ab"}, rounds=3)
    assert order == ["a", "b"] * 3
    assert {name: len(rounds) for name, rounds in clocks.items()} == {"a": 3, "b": 3}
