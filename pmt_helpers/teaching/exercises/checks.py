"""check("exercise-id", answer): shows the verdict on an answer, with hints. `judging.judge` decides it."""

import re
from collections.abc import Callable
from html import escape
from typing import Any

from IPython.display import display

from pmt_helpers.teaching.display import publish, say
from pmt_helpers.teaching.exercises import Exercise, find_exercise
from pmt_helpers.teaching.exercises.calling import learners_line
from pmt_helpers.teaching.exercises.judging import OPENINGS, State, Verdict, judge
from pmt_helpers.teaching.workbook_file import current_workbook

# A sign as well as a colour, so that nothing depends on seeing the colour (Okabe-Ito: blue, green, vermilion).
_LOOK: dict[State, tuple[str, str]] = {
    "to do": ("✎", "#0072B2"),
    "right": ("✔", "#009E73"),
    "not yet": ("✘", "#D55E00"),
}
_HINT_TITLES = ("Hint 1 of 3: a question", "Hint 2 of 3: the steps", "Hint 3 of 3: where to find it")


class Interrupted(KeyboardInterrupt):
    """The learner has stopped a check. Jupyter shows its one sentence, and none of our frames."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(exercise_id: str, answer: Any, use: Callable[[Any], Any] | None = None) -> None:
    """Display the verdict on an answer, with three hints to open, and note it in the workbook file.

    use: puts a right answer to work, and what it returns is displayed. Until then the first line of its docstring says,
    in grey, what it will show; nothing later may depend on it.
    Raises nothing but Interrupted, when the learner interrupts the kernel.
    """
    try:
        exercise = find_exercise(exercise_id)
    except KeyError as error:
        publish(_plain(Verdict("not yet", str(error.args[0]) + ".")))
        return
    try:
        verdict = judge(exercise, answer)
    except KeyboardInterrupt as error:
        line, code = learners_line(answer, error)
        raise Interrupted("You stopped this check" + (f" in line {line}: {code}" if line else ".")) from None
    except Exception as error:  # the answer broke the judge: say so, do not show a traceback of ours
        verdict = Verdict(
            "not yet",
            f"the check could not read this answer ({type(error).__name__}): return what the exercise asks for.",
        )
    _note(exercise.id, verdict)
    publish(_bundle(exercise, verdict))
    if use is not None:
        _put_to_work(use, answer, verdict)


def _note(exercise_id: str, verdict: Verdict) -> None:
    """Keep the verdict in the workbook file, how many answers were checked so far, and the last named mistake."""
    also: dict[str, Any] = {}
    if verdict.state != "to do":
        before = current_workbook().get("attempts", exercise_id)
        also["attempts"] = before + 1 if isinstance(before, int) else 1
    if verdict.mistake:
        also["mistakes"] = verdict.mistake
    current_workbook().put("checks", exercise_id, verdict.state, **also)


def _put_to_work(use: Callable[[Any], Any], answer: Any, verdict: Verdict) -> None:
    """Use a right answer, or say what it will be used for."""
    if verdict.state != "right":
        soon = f"Once your answer is right, this cell also shows {(use.__doc__ or '').strip()}"
        publish(
            {"text/plain": soon, "text/html": f'<p style="color: var(--jp-ui-font-color2, #767676)">{escape(soon)}</p>'}
        )
        return
    try:
        shown = use(answer)
    except Exception as error:  # right on the cases, and yet not on these data: no traceback of ours
        stopped = f"{type(error).__name__}: {error}"
        say(f"Your answer is right in every case of the check, but it stopped with these data: {stopped}")
        return
    if shown is not None:
        display(shown)


def _plain(verdict: Verdict) -> dict[str, str]:
    return {"text/plain": _text(verdict), "text/html": _box(verdict, "")}


def _text(verdict: Verdict, nudge: str = "") -> str:
    printed = f"Your function printed:\n{verdict.printed}" if verdict.printed else ""
    return "\n".join(filter(None, (verdict.text, nudge, printed)))


def _bundle(exercise: Exercise, verdict: Verdict) -> dict[str, str]:
    if verdict.state == "right":
        return _plain(verdict)
    nudge = f"Hint: {exercise.hints[0]}" if verdict.state == "not yet" else ""
    return {"text/plain": _text(verdict, nudge), "text/html": _box(verdict, _nested(exercise.hints))}


def _nested(hints: tuple[str, str, str]) -> str:
    """The hints as HTML: the second opens inside the first, the third inside the second. No script needed."""
    html = ""
    for title, text in reversed(list(zip(_HINT_TITLES, hints, strict=True))):
        html = f"<details><summary>{title}</summary><p>{_html(text)}</p>{html}</details>"
    return html


def _html(text: str) -> str:
    """Escaped, with `code` as code."""
    return re.sub("`(.+?)`", r"<code>\1</code>", escape(text))


def _box(verdict: Verdict, hints: str) -> str:
    sign, colour = _LOOK[verdict.state]
    printed = f"<p>Your function printed:</p><pre>{escape(verdict.printed)}</pre>" if verdict.printed else ""
    return (
        f'<div class="pmt-check" style="border-left: 5px solid {colour}; padding: 0.3em 0.9em; max-width: 46em">'
        f'<p><b><span style="color: {colour}">{sign}</span> {OPENINGS[verdict.state]}:</b> '
        f"{_html(verdict.message)}</p>"
        f"{printed}{hints}</div>"
    )
