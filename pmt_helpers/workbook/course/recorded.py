"""The exercises as students get them: what the solution and each mistake return, in place of their text.

`releasing` writes this module and compiled.bin into teaching/exercises of what it releases.
"""

import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Mistake

COMPILED = "compiled.bin"


def key(value: Any) -> Any:
    """Equal for equal arguments of a call, and hashable."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(map(key, value))
    return repr(value)


def _content(notebook: str) -> Any:
    own = Path(COMPILED)  # beside the notebooks: cases that were drawn for one student
    compiled = (own if own.exists() else Path(__file__).with_name(COMPILED)).read_bytes()
    return pickle.loads(zlib.decompress(compiled))[notebook]  # comes with this package


def exercises_of(notebook: str) -> tuple[Exercise, ...]:
    """The exercises of "01", to be judged like the lecturer's."""
    return tuple(_exercise(**each) for each in _content(notebook)["exercises"])


def questions_of(notebook: str) -> Any:
    """The quiz of a notebook."""
    return _content(notebook)["questions"]


def given_function(notebook: str, name: str) -> Answer:
    """A function that a later notebook builds upon."""
    names: dict[str, Any] = {"np": np, "Array": Any}
    exec(_content(notebook)["given"][name], names)
    return names[name]


def _exercise(name: str, parameters: str, returned: list[dict[str, Any]], **rest: Any) -> Exercise:
    cases = {key(arguments): case for case, arguments in rest["cases"].items()}

    def function(number: int) -> Answer:
        names = {"given": lambda *arguments: returned[number][cases[key(arguments)]]}
        exec(f"def {name}{parameters}: return given({parameters.strip('()')})", names)
        return names[name]

    rest["mistakes"] = tuple(Mistake(*each) for each in rest["mistakes"])
    rest["fallback"] = Mistake(*rest["fallback"]) if rest["fallback"] else None
    solution = function(0)
    solution.mutants = [function(number) for number in range(1, len(returned))]  # type: ignore[attr-defined]
    return Exercise(solution=solution, **rest)
