"""Judge an answer: to do, right, or not yet with the likely mistake."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pmt_helpers.teaching.exercises import Exercise, Mistake
from pmt_helpers.teaching.outcomes import Outcome, Raised, Unusable, as_arrays, call, describe, is_blank

State = Literal["to do", "right", "not yet"]
OPENINGS: dict[State, str] = {"to do": "To do", "right": "Right", "not yet": "Not yet"}


@dataclass(frozen=True)
class Verdict:
    """What is said to the learner. `mistake` is the name of the mistake recognised, if any."""

    state: State
    message: str
    mistake: str | None = None

    @property
    def text(self) -> str:
        return f"{OPENINGS[self.state]}: {self.message}"


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Compare an answer with the reference, then with each known mistake, on every case of the exercise."""
    if is_blank(answer):
        return Verdict("to do", f"write {exercise.signature}, then run this cell again.")
    if not callable(answer):
        name = exercise.signature.partition("(")[0]
        return Verdict("not yet", f"this check calls your function itself: pass {name}, not {describe(answer)}.")

    returned = {case: call(answer, arguments) for case, arguments in exercise.cases.items()}
    if all(is_blank(value) for value in returned.values()):
        return Verdict(
            "to do",
            f"{exercise.signature} returns nothing yet. Write its body, and end it with return; then run this cell "
            "again.",
        )
    expected = {case: call(exercise.reference, arguments) for case, arguments in exercise.cases.items()}
    found = {case: as_arrays(returned[case], expected[case]) for case in exercise.cases}
    ours = {case: as_arrays(expected[case], expected[case]) for case in exercise.cases}
    if exercise.judged_by_symptoms:
        return _judge_symptoms(exercise, answer, found, ours)
    if all(_same(found[case], ours[case]) for case in found):
        return Verdict("right", exercise.right)
    for mistake in exercise.mistakes:
        imitated = {
            case: as_arrays(call(mistake.imitation, arguments), expected[case])
            for case, arguments in exercise.cases.items()
        }
        if _makes(found, imitated):
            return Verdict("not yet", mistake.message, mistake.name)
    return Verdict("not yet", _facts(exercise, found, ours))


def _judge_symptoms(exercise: Exercise, answer: Any, found: dict[str, Outcome], ours: dict[str, Outcome]) -> Verdict:
    facts = _shape_facts(exercise, found, ours)
    if facts:
        return Verdict("not yet", facts)
    for mistake in exercise.mistakes:
        shown = _shows(mistake, answer)
        if isinstance(shown, Raised):
            return Verdict("not yet", _raised(shown, exercise, "other numbers"))
        if shown:
            return Verdict("not yet", mistake.message, mistake.name)
    return Verdict("right", exercise.right)


def _shows(mistake: Mistake, answer: Any) -> Any:
    assert mistake.symptom is not None, f"{mistake.name} has no symptom, but its exercise is judged by symptoms"
    return call(mistake.symptom, (answer,))


def _same(a: Outcome, b: Outcome) -> bool:
    if isinstance(a, Raised) and isinstance(b, Raised):
        return (a.kind, a.text) == (b.kind, b.text)  # the same broken product fails with the same words
    if isinstance(a, Raised | Unusable) or isinstance(b, Raised | Unusable):
        return False
    return all(
        x.shape == y.shape and np.allclose(x, y, rtol=1e-4, atol=1e-6, equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )


def _makes(found: dict[str, Outcome], imitated: dict[str, Outcome]) -> bool:
    """Whether the answer makes this mistake on every case.

    A second mistake may turn some cases into NaN (softmax that overflows): those cases are passed over, as long as
    others agree.
    """
    disagreeing = [case for case in found if not _same(found[case], imitated[case])]
    return len(disagreeing) < len(found) and all(_has_nan(found[case]) for case in disagreeing)


def _has_nan(outcome: Outcome) -> bool:
    return isinstance(outcome, tuple) and any(part.dtype.kind == "f" and np.isnan(part).any() for part in outcome)


def _facts(exercise: Exercise, found: dict[str, Outcome], ours: dict[str, Outcome]) -> str:
    return _shape_facts(exercise, found, ours) or _value_facts(found, ours)


def _shape_facts(exercise: Exercise, found: dict[str, Outcome], ours: dict[str, Outcome]) -> str:
    """What is wrong before any value is compared, or nothing."""
    for case, outcome in found.items():
        expected = ours[case]
        assert isinstance(expected, tuple)
        if isinstance(outcome, Raised):
            return _raised(outcome, exercise, case)
        if isinstance(outcome, Unusable):
            wanted = f"{len(expected)} arrays" if len(expected) > 1 else "an array of numbers"
            return f"{exercise.signature} should return {wanted}; in the case '{case}' it returned {outcome.found}."
        for number, (part, want) in enumerate(zip(outcome, expected, strict=True), start=1):
            if part.shape != want.shape:
                which = f"value {number}" if len(expected) > 1 else "the result"
                return f"{which} has the wrong shape in the case '{case}': expected {want.shape}, found {part.shape}."
    return ""


def _raised(outcome: Raised, exercise: Exercise, case: str) -> str:
    where = f" ({outcome.where})" if outcome.where else f" (it is called as {exercise.signature})"
    return f"your function stopped in the case '{case}' with {outcome}{where}."


def _value_facts(found: dict[str, Outcome], ours: dict[str, Outcome]) -> str:
    for case, outcome in found.items():
        if _has_nan(outcome):
            return (
                f"your result holds NaN (not a number) in the case '{case}'. Look for 0/0 or infinity minus infinity."
            )
    case = next(case for case in found if not _same(found[case], ours[case]))
    outcome, expected = found[case], ours[case]
    assert isinstance(outcome, tuple)
    assert isinstance(expected, tuple)
    part, want = max(zip(outcome, expected, strict=True), key=lambda pair: _gap(*pair).max(initial=0.0))
    worst = int(_gap(part, want).argmax())
    return (
        f"the shape is right, the values are not. In the case '{case}' the largest difference is at one place where "
        f"ours is {want.astype(float).flat[worst]:.4g} and yours is {part.astype(float).flat[worst]:.4g}."
    )


def _gap(part: np.ndarray, want: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.abs(part.astype(float) - want.astype(float))
