"""Judge an answer: to do, right, or not yet with the likely mistake. `calling` runs it."""

import copy
import functools
import inspect
import types
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from pmt_helpers.teaching.exercises import calling
from pmt_helpers.teaching.exercises.base import Answer, Exercise, Mistake
from pmt_helpers.teaching.exercises.calling import Printed, Raised, TimeUp, as_raised, call, quiet, run, shortened

State = Literal["to do", "right", "not yet"]
OPENINGS: dict[State, str] = {"to do": "To do", "right": "Right", "not yet": "Not yet"}
ARGUMENTS_CHANGED = "arguments changed"
PRINTED = "printed, not returned"
SECONDS = 10.0  # that one call of an answer may take
_AGAIN = 0.1


@dataclass(frozen=True)
class Verdict:
    """What is said to the learner. `mistake` is the name of the mistake recognised, if any.

    printed: what the answer printed, case by case and shortened.
    """

    state: State
    message: str
    mistake: str | None = None
    printed: str = ""

    @property
    def text(self) -> str:
        return f"{OPENINGS[self.state]}: {self.message}"


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
    printed = {case: Printed() for case in exercise.cases}
    verdict = _judge(exercise, answer, printed)
    return replace(verdict, printed=shortened({case: text.getvalue().strip() for case, text in printed.items()}))


def _judge(exercise: Exercise, answer: Any, printed: Mapping[str, "Printed"]) -> Verdict:
    if _is_blank(answer):
        return Verdict("to do", f"write {exercise.signature}, then run this cell again.")
    if not callable(answer):
        name = exercise.solution.__name__
        return Verdict(
            "not yet", f"this check needs the function itself, to call it: pass {name}, not {_describe(answer)}."
        )

    given = {case: copy.deepcopy(arguments) for case, arguments in exercise.cases.items()}
    returned: dict[str, Any] = {}
    for case, arguments in given.items():
        returned[case] = call(answer, arguments, printed[case])
        if isinstance(returned[case], Raised) and returned[case].kind == TimeUp.__name__:
            return Verdict("not yet", _raised(returned[case], exercise, case))  # the other cases would wait as long
    if all(map(_is_blank, returned.values())):
        return _nothing_returned(exercise, [text.getvalue() for text in printed.values()])
    ours = _returned(exercise, exercise.solution)
    found, expected = _outcomes(returned, ours), _outcomes(ours, ours)
    same = not exercise.judged_by_symptoms and all(_same(found[case], expected[case]) for case in given)
    facts = _shape_facts(exercise, found, expected)
    verdict = None if same else _known_value(exercise, found, ours)
    verdict = verdict or (Verdict("not yet", facts) if facts else _known_symptom(exercise, answer))
    if verdict:
        return verdict
    if changed := _changed_argument(exercise, given):
        return Verdict("not yet", f"your function changes its argument `{changed}`: change a copy.", ARGUMENTS_CHANGED)
    if same or exercise.judged_by_symptoms:
        return Verdict("right", exercise.right)
    if exercise.fallback:
        return _verdict(exercise.fallback)
    return Verdict("not yet", _value_facts(found, expected))


def _nothing_returned(exercise: Exercise, printed: list[str]) -> Verdict:
    if text := next(filter(None, map(str.strip, printed)), ""):
        said = text.splitlines()[-1][:60]
        message = f"your function prints `{said}` but returns nothing: end it with return and that value."
        return Verdict("not yet", message, PRINTED)
    return Verdict(
        "to do",
        f"{exercise.signature} returns nothing yet. Write its body and end it with return. Then run this cell again.",
    )


def _known_value(exercise: Exercise, found: Outcomes, ours: dict[str, Any]) -> Verdict | None:
    """The first mistake whose values the answer returns."""
    for mistake in exercise.mistakes:
        if mistake.symptom is None and _makes(found, _outcomes(_of_mistake(exercise, mistake), ours)):
            return _verdict(mistake)
    return None


@functools.cache
def _of_mistake(exercise: Exercise, mistake: Mistake) -> dict[str, Any]:
    return _returned(exercise, exercise.mutant(mistake))


def _known_symptom(exercise: Exercise, answer: Answer) -> Verdict | None:
    """The first mistake whose symptom the answer shows."""
    own_errors: list[BaseException] = []

    def guarded(*arguments: Any) -> Any:
        try:
            return run(answer, arguments, Printed())
        except BaseException as error:
            own_errors.append(error)
            raise

    for mistake in exercise.mistakes:
        try:
            with quiet(Printed()):
                shown = mistake.symptom is not None and mistake.symptom(guarded)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if any(error is each for each in own_errors):
                return Verdict("not yet", _raised(as_raised(answer, error), exercise, "other numbers"))
            text = f"{exercise.signature} returns another kind of value for other numbers: always return the same kind."
            return Verdict("not yet", text)
        if shown:
            return _verdict(mistake)
    return None


def _verdict(mistake: Mistake) -> Verdict:
    return Verdict("not yet", mistake.message, mistake.name)


def _returned(exercise: Exercise, function: Answer) -> dict[str, Any]:
    """Case -> what the solution, or a mutant of it, returns."""
    return {case: call(function, copy.deepcopy(given), Printed()) for case, given in exercise.cases.items()}


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
    may_be_nan = isinstance(before, np.ndarray) and before.dtype.kind == "f"
    return np.array_equal(before, after, equal_nan=may_be_nan)


def _same(a: Outcome, b: Outcome) -> bool:
    if isinstance(a, Raised) and isinstance(b, Raised):
        return (a.kind, a.text) == (b.kind, b.text)  # the same broken product fails with the same words
    if isinstance(a, Raised | Unusable) or isinstance(b, Raised | Unusable):
        return False
    return all(map(_close, a, b))


def _close(x: np.ndarray, y: np.ndarray) -> bool:
    return x.shape == y.shape and np.allclose(x, y, rtol=1e-4, atol=1e-6, equal_nan=True)


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
            one = "an array of numbers" if wanted[0].ndim else "one number"
            arrays = f"{len(wanted)} arrays or numbers" if len(wanted) > 1 else one
            path = " Does every path through it end with return?" if outcome.found == _describe(None) else ""
            return (
                f"{exercise.signature} should return {arrays}; in the case '{case}' it returned {outcome.found}.{path}"
            )
        for number, (part, want) in enumerate(zip(outcome, wanted, strict=True), start=1):
            if part.shape != want.shape:
                which = f"value {number} of {len(wanted)}" if len(wanted) > 1 else "the result"
                return f"{which} has the wrong shape in the case '{case}': expected {want.shape}, found {part.shape}."
    return ""


def _raised(outcome: Raised, exercise: Exercise, case: str) -> str:
    line, code = f"line {outcome.line}", outcome.code
    if outcome.kind == TimeUp.__name__:
        still = f"still in {line}: `{code}`" if code else "not finished"
        after = f"In the case '{case}', after {calling.SECONDS:g} s it was {still}."
        return f"your function is too slow or never ends. {after}"
    if outcome.kind == SystemExit.__name__:
        at = f" ({line}: `{code}`)" if code else ""
        return f"your function calls exit, which would stop the whole notebook{at}: use return to leave a function."
    at = f"{line}: {code}" if code else line if outcome.line else f"it is called as {exercise.signature}"
    return f"your function stopped in the case '{case}' with {outcome} ({at})."


_ORDINALS = ("first", "second", "third")


def _value_facts(found: Outcomes, expected: Outcomes) -> str:
    """Which values are wrong, and the largest difference of the first of them."""
    for case, outcome in found.items():
        if _has_nan(outcome):
            return (
                f"your result holds NaN (not a number) in the case '{case}'. Look for 0/0 or infinity minus infinity."
            )
    pairs = {case: list(zip(found[case], wanted, strict=True)) for case, wanted in expected.items()}  # type: ignore[arg-type]
    n_values = len(next(iter(pairs.values())))
    wrong = {n: [case for case in pairs if not _close(*pairs[case][n])] for n in range(n_values)}
    wrong = {n: cases for n, cases in wrong.items() if cases}
    which, case = next((n, cases[0]) for n, cases in wrong.items())
    part, want = pairs[case][which]
    where = int(_gap(part, want).argmax())
    ours, yours = next(pair for digits in (4, 7, 12) if len(set(pair := _texts(want, part, where, digits))) == 2)
    shown = f"ours is {ours} and yours is {yours}."
    if n_values > 1:
        right = [n for n in range(n_values) if n not in wrong]
        start = (
            f"{_which(list(wrong), 'wrong')}, {_which(right, 'right')}"
            if right
            else f"{'both' if n_values == 2 else f'all {n_values}'} values are wrong"
        )
        start += f". In the case '{case}', in the {_ORDINALS[which]} one,"
    else:
        start = f"the shape is right, the values are not. In the case '{case}'"
    of_truths = "at one place " if want.dtype == bool else "the largest difference is at one place where "
    place = of_truths if part.size > 1 else ""
    return f"{start} {place}{shown}"


def _texts(want: np.ndarray, part: np.ndarray, where: int, digits: int) -> list[str]:
    values = [array.flat[where] for array in (want, part)]
    return [str(value) if value.dtype == bool else f"{value:.{digits}g}" for value in values]


def _which(numbers: list[int], word: str) -> str:
    """The values with these numbers, as in "the first and the third values are wrong"."""
    names = " and ".join(f"the {_ORDINALS[n]}" for n in numbers)
    return f"{names} {'values are' if len(numbers) > 1 else 'value is'} {word}"


def _gap(part: np.ndarray, want: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.abs(part.astype(float) - want.astype(float))


def _is_blank(value: Any) -> bool:
    """None or Ellipsis, or a pair of them: what an unfinished function returns."""
    if isinstance(value, tuple | list):
        return len(value) > 0 and all(part is None or part is Ellipsis for part in value)
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
    parts = [part[0] for part in map(_as_array, value) if isinstance(part, tuple)]
    return tuple(parts) if len(parts) == len(ours) else Unusable(_describe(value))


def _as_array(value: Any) -> tuple[np.ndarray] | Unusable:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.asarray(value)
    except Exception:
        return Unusable(_describe(value))
    return (array,) if array.dtype.kind in "biuf" else Unusable(_describe(value))


def _describe(value: Any, parts: bool = True) -> str:
    """A short name for any value: "the number 3", "a list of 2 (the text 'a', nothing (None))"."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, bool | np.bool_):
        return f"the truth value {value}"
    if isinstance(value, int | float | np.number):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:30]!r}"
    if isinstance(value, np.ndarray):
        of = "" if value.dtype.kind in "biuf" else " whose values are not numbers"
        return f"an array of shape {value.shape}{of}"
    if isinstance(value, tuple | list):
        inner = ", ".join(_describe(part, parts=False) for part in value[:3]) + ", ..." * (len(value) > 3)
        return f"a {type(value).__name__} of {len(value)}" + (f" ({inner})" if parts and inner else "")
    if isinstance(value, dict | set):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, types.GeneratorType):
        return "a generator (list(...) makes a list of it)"
    if inspect.isroutine(value):
        return f"the function {value.__name__} itself (add () to call it)"
    return f"an object of type {type(value).__name__}"
