"""Judge an answer: to do, right, or not yet with the likely mistake. Whatever an answer does, the judge survives it."""

import contextlib
import copy
import inspect
import io
import linecache
import traceback
import types
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Mistake

State = Literal["to do", "right", "not yet"]
OPENINGS: dict[State, str] = {"to do": "To do", "right": "Right", "not yet": "Not yet"}
ARGUMENTS_CHANGED = "arguments changed"


@dataclass(frozen=True)
class Verdict:
    """What is said to the learner. `mistake` is the name of the mistake recognised, if any."""

    state: State
    message: str
    mistake: str | None = None

    @property
    def text(self) -> str:
        return f"{OPENINGS[self.state]}: {self.message}"


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
    """The call returned something that is not an array of numbers; `found` says what."""

    found: str


Outcome = tuple[np.ndarray, ...] | Raised | Unusable
Outcomes = dict[str, Outcome]  # case -> what a call gave


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Compare an answer with the solution and with each known mistake, on every case of the exercise.

    An answer is right when it returns what the solution does (unless every mistake has a symptom: then right answers
    differ, and only the shape counts), shows no symptom, and leaves its arguments as they are.
    """
    if _is_blank(answer):
        return Verdict("to do", f"write {exercise.signature}, then run this cell again.")
    if not callable(answer):
        name = exercise.solution.__name__
        return Verdict("not yet", f"this check calls your function itself: pass {name}, not {_describe(answer)}.")

    given = {case: copy.deepcopy(arguments) for case, arguments in exercise.cases.items()}
    returned = {case: _call(answer, arguments) for case, arguments in given.items()}
    if all(map(_is_blank, returned.values())):
        return Verdict(
            "to do",
            f"{exercise.signature} returns nothing yet. Write its body, and end it with return; then run this cell "
            "again.",
        )
    ours = _returned(exercise, exercise.solution)
    found, expected = _outcomes(returned, ours), _outcomes(ours, ours)
    same = not exercise.judged_by_symptoms and all(_same(found[case], expected[case]) for case in given)
    facts = _shape_facts(exercise, found, expected)
    verdict = None if same else _known_value(exercise, found, ours)
    verdict = verdict or (Verdict("not yet", facts) if facts else _known_symptom(exercise, answer))
    if verdict:
        return verdict
    if changed := _changed_argument(exercise, given):
        return Verdict("not yet", f"your function changes `{changed}`: work on a copy.", ARGUMENTS_CHANGED)
    if same or exercise.judged_by_symptoms:
        return Verdict("right", exercise.right)
    if exercise.fallback:
        return _verdict(exercise.fallback)
    return Verdict("not yet", _value_facts(found, expected))


def _known_value(exercise: Exercise, found: Outcomes, ours: dict[str, Any]) -> Verdict | None:
    """The first mistake whose values the answer returns."""
    for mistake in exercise.mistakes:
        if mistake.symptom is None and _makes(found, _outcomes(_returned(exercise, exercise.mutant(mistake)), ours)):
            return _verdict(mistake)
    return None


def _known_symptom(exercise: Exercise, answer: Answer) -> Verdict | None:
    """The first mistake whose symptom the answer shows."""
    for mistake in exercise.mistakes:
        shown = _call(mistake.symptom, (answer,)) if mistake.symptom else False
        if isinstance(shown, Raised):
            return Verdict("not yet", _raised(shown, exercise, "other numbers"))
        if shown:
            return _verdict(mistake)
    return None


def _verdict(mistake: Mistake) -> Verdict:
    return Verdict("not yet", mistake.message, mistake.name)


def _returned(exercise: Exercise, function: Answer) -> dict[str, Any]:
    """Case -> what the solution, or a mutant of it, returns."""
    return {case: _call(function, copy.deepcopy(arguments)) for case, arguments in exercise.cases.items()}


def _outcomes(returned: dict[str, Any], ours: dict[str, Any]) -> Outcomes:
    return {case: _as_arrays(returned[case], ours[case]) for case in ours}


def _changed_argument(exercise: Exercise, given: dict[str, tuple[Any, ...]]) -> str:
    """The first parameter whose argument is another one after a call, or nothing."""
    for case, arguments in exercise.cases.items():
        for name, before, after in zip(
            inspect.signature(exercise.solution).parameters, arguments, given[case], strict=True
        ):
            if not _equal(before, after):
                return name
    return ""


def _equal(before: Any, after: Any) -> bool:
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_equal, before, after))
    return np.array_equal(before, after)


def _same(a: Outcome, b: Outcome) -> bool:
    if isinstance(a, Raised) and isinstance(b, Raised):
        return (a.kind, a.text) == (b.kind, b.text)  # the same broken product fails with the same words
    if isinstance(a, Raised | Unusable) or isinstance(b, Raised | Unusable):
        return False
    return all(
        x.shape == y.shape and np.allclose(x, y, rtol=1e-4, atol=1e-6, equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )


def _makes(found: Outcomes, mutant: Outcomes) -> bool:
    """Whether the answer makes this mistake on every case.

    A second mistake may turn some cases into NaN (softmax that overflows): those cases are passed over, as long as
    others agree.
    """
    disagreeing = [case for case in found if not _same(found[case], mutant[case])]
    return len(disagreeing) < len(found) and all(_has_nan(found[case]) for case in disagreeing)


def _has_nan(outcome: Outcome) -> bool:
    return isinstance(outcome, tuple) and any(part.dtype.kind == "f" and np.isnan(part).any() for part in outcome)


def _shape_facts(exercise: Exercise, found: Outcomes, expected: Outcomes) -> str:
    """What is wrong before any value is compared, or nothing."""
    for case, outcome in found.items():
        wanted = expected[case]
        assert isinstance(wanted, tuple)
        if isinstance(outcome, Raised):
            return _raised(outcome, exercise, case)
        if isinstance(outcome, Unusable):
            arrays = f"{len(wanted)} arrays" if len(wanted) > 1 else "an array of numbers"
            return f"{exercise.signature} should return {arrays}; in the case '{case}' it returned {outcome.found}."
        for number, (part, want) in enumerate(zip(outcome, wanted, strict=True), start=1):
            if part.shape != want.shape:
                which = f"value {number}" if len(wanted) > 1 else "the result"
                return f"{which} has the wrong shape in the case '{case}': expected {want.shape}, found {part.shape}."
    return ""


def _raised(outcome: Raised, exercise: Exercise, case: str) -> str:
    where = f" ({outcome.where})" if outcome.where else f" (it is called as {exercise.signature})"
    return f"your function stopped in the case '{case}' with {outcome}{where}."


def _value_facts(found: Outcomes, expected: Outcomes) -> str:
    for case, outcome in found.items():
        if _has_nan(outcome):
            return (
                f"your result holds NaN (not a number) in the case '{case}'. Look for 0/0 or infinity minus infinity."
            )
    case = next(case for case in found if not _same(found[case], expected[case]))
    outcome, wanted = found[case], expected[case]
    assert isinstance(outcome, tuple)
    assert isinstance(wanted, tuple)
    part, want = max(zip(outcome, wanted, strict=True), key=lambda pair: _gap(*pair).max(initial=0.0))
    worst = int(_gap(part, want).argmax())
    return (
        f"the shape is right, the values are not. In the case '{case}' the largest difference is at one place where "
        f"ours is {want.astype(float).flat[worst]:.4g} and yours is {part.astype(float).flat[worst]:.4g}."
    )


def _gap(part: np.ndarray, want: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.abs(part.astype(float) - want.astype(float))


def _call(function: Answer, arguments: tuple[Any, ...]) -> Any:
    """function(*arguments), without warnings or prints. Returns a Raised instead of raising.

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
            return function(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and worse: a check must survive whatever a function does
        return Raised(type(error).__name__, _first_line(error), _learners_line(function, error))


def _is_blank(value: Any) -> bool:
    """None or Ellipsis, or a pair that holds one: what an unfinished function returns."""
    if isinstance(value, tuple | list):
        return any(part is None or part is Ellipsis for part in value)
    return value is None or value is Ellipsis


def _as_arrays(value: Any, ours: Any) -> Outcome:
    """The returned value as arrays: one, or as many as the solution returns (`ours`)."""
    if isinstance(value, Raised):
        return value
    if not isinstance(ours, tuple):
        return _as_array(value)
    many = isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim > 0)
    if not many or len(value) != len(ours):
        return Unusable(_describe(value))
    parts = [_as_array(part) for part in value]
    broken = [part for part in parts if isinstance(part, Unusable)]
    return broken[0] if broken else tuple(part[0] for part in parts if isinstance(part, tuple))


def _as_array(value: Any) -> tuple[np.ndarray] | Unusable:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.asarray(value)
    except Exception:
        return Unusable(_describe(value))
    return (array,) if array.dtype.kind in "biuf" else Unusable(_describe(value))


def _describe(value: Any) -> str:
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
