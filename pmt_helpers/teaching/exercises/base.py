"""What an exercise is made of: the reference, made-up inputs, and the mistakes that people often make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Mistake:
    """A mistake with a name, what to tell the learner, and a function that makes it.

    An answer makes this mistake when it returns what `imitation` returns, on every case; or, for an answer that has no
    single right value, when `symptom(answer)` is true.
    """

    name: str
    message: str
    imitation: Answer
    symptom: Callable[[Answer], bool] | None = None


@dataclass(frozen=True)
class Hints:
    """Three steps: a nudge (a question or a direction), a sketch in words, and where the package does the same."""

    nudge: str
    sketch: str
    pointer: str


@dataclass(frozen=True)
class Exercise:
    """One exercise. `cases` maps a name ("a window at rest") to the arguments of one call.

    When `judged_by_symptoms` is true there is no single right value: an answer is right when it returns something of
    the reference's shape and shows no mistake's symptom.
    """

    id: str
    notebook: str
    title: str
    signature: str
    right: str
    hints: Hints
    cases: dict[str, tuple[Any, ...]]
    reference: Answer
    mistakes: tuple[Mistake, ...]
    judged_by_symptoms: bool = False
