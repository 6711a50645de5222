"""An exercise: a solution, the calls it is checked on, and the usual mistakes as edits of the solution's own text."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Answer = Callable[..., Any]


def where(name: str, module: str, text: str) -> str:
    """A third hint: what `name` of pmt_helpers.`module` does, and how to read it without leaving the notebook."""
    path = f"pmt_helpers/{module.replace('.', '/')}.py"
    lines = f"`import pmt_helpers.{module} as ours` and `ours.{name}??`"
    return f"{name} in {path} {text} To read it, run these two lines in a new cell: {lines}."


@dataclass(frozen=True)
class Mistake:
    """A usual mistake and what to tell whoever makes it: the solution with `old` replaced by `new`.

    An answer makes this mistake when it returns what that edited solution returns, on every case; or, where values do
    not tell (random draws, raised errors), when `symptom(answer)` is true.
    """

    name: str
    message: str
    old: str
    new: str
    symptom: Callable[[Answer], bool] | None = None


@dataclass(frozen=True, eq=False)  # one is itself only: its cases hold arrays
class Exercise:
    """One exercise; the same solution stands in the notebook's source, and a test holds the two together.

    cases: name ("a window at rest") -> the arguments of one call. hints: a nudge, a sketch, and where the package does
    the same. mistakes: in the order in which they are tried, those with a symptom last; a name may come twice, with
    another edit. fallback: named when the shape is right and the values are wrong in no other known way.
    """

    id: str
    title: str
    solution: Answer
    cases: Mapping[str, tuple[Any, ...]]
    right: str
    hints: tuple[str, str, str]
    mistakes: tuple[Mistake, ...]
    fallback: Mistake | None = None

    @property
    def signature(self) -> str:
        """The call to write, as in "sgd_step(W, b, x, y, learning_rate)"."""
        return f"{self.solution.__name__}({', '.join(inspect.signature(self.solution).parameters)})"

    @property
    def judged_by_symptoms(self) -> bool:
        """Whether right answers differ, so that no value is compared: true when every mistake has a symptom."""
        return all(mistake.symptom is not None for mistake in self.mistakes)

    def mutant(self, mistake: Mistake) -> Answer:
        """The solution with one mistake in it. Raises ValueError unless `old` stands in it exactly once."""
        source = inspect.getsource(self.solution)
        if (times := source.count(mistake.old)) != 1:
            raise ValueError(f"{mistake.name}: {mistake.old!r} stands {times} times in the solution of {self.id}")
        names = dict(vars(sys.modules[self.solution.__module__]))
        exec(source.replace(mistake.old, mistake.new), names)
        return names[self.solution.__name__]
