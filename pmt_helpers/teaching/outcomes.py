"""Call a learner's function safely, and describe what came out of it."""

import contextlib
import copy
import io
import linecache
import traceback
import types
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Raised:
    """The call stopped with an exception; `where` names the learner's line, or is empty when there is none."""

    kind: str
    text: str
    where: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


@dataclass(frozen=True)
class Unusable:
    """The call returned something that is no array of numbers; `found` says what."""

    found: str


Outcome = tuple[np.ndarray, ...] | Raised | Unusable


def call(answer: Any, arguments: tuple[Any, ...]) -> Any:
    """answer(*arguments) on copies, without warnings or prints. Returns a Raised instead of raising.

    Only the learner's own interruption (KeyboardInterrupt) passes through.
    """
    silence = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
        ):
            warnings.simplefilter("ignore")
            return answer(*copy.deepcopy(arguments))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and worse: a check must survive whatever a function does
        return Raised(type(error).__name__, _first_line(error), _learners_line(answer, error))


def is_blank(value: Any) -> bool:
    """None or Ellipsis, or a pair that holds one: what an unfinished function returns."""
    if isinstance(value, tuple | list):
        return any(part is None or part is Ellipsis for part in value)
    return value is None or value is Ellipsis


def as_arrays(value: Any, expected: Any) -> Outcome:
    """The returned value as arrays: one, or as many as the reference (`expected`) returns."""
    if isinstance(value, Raised):
        return value
    if not isinstance(expected, tuple):
        return _as_array(value)
    if not isinstance(value, tuple | list) or len(value) != len(expected):
        return Unusable(describe(value))
    parts = [_as_array(part) for part in value]
    broken = [part for part in parts if isinstance(part, Unusable)]
    return broken[0] if broken else tuple(part[0] for part in parts if isinstance(part, tuple))


def _as_array(value: Any) -> tuple[np.ndarray] | Unusable:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.asarray(value)
    except Exception:
        return Unusable(describe(value))
    return (array,) if array.dtype.kind in "biuf" else Unusable(describe(value))


def describe(value: Any) -> str:
    """A short name for any value: "the number 3", "an array of shape (4, 3)", "a list of 2"."""
    if isinstance(value, bool | int | float | np.number):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:30]!r}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple | list | dict | set):
        return f"a {type(value).__name__} of {len(value)}"
    return f"an object of type {type(value).__name__}"


def _first_line(error: BaseException) -> str:
    try:
        lines = str(error).splitlines()
    except Exception:  # an exception that cannot even be printed
        return ""
    return lines[0][:200] if lines else ""


def _learners_line(answer: Any, error: BaseException) -> str:
    """The last line of the learner's own cell that the exception passed, as "line 3: `x / 0`"."""
    code = getattr(answer, "__code__", None)
    if not isinstance(code, types.CodeType):
        return ""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == code.co_filename]
    if not frames or frames[-1].lineno is None:
        return ""
    text = linecache.getline(frames[-1].filename, frames[-1].lineno).strip()[:80]
    return f"line {frames[-1].lineno}: {text}" if text else f"line {frames[-1].lineno}"
