"""Predict before you run: keep a guess, then compare it with the value computed."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from pmt_helpers.teaching.choices import choice_buttons
from pmt_helpers.teaching.display import Shown, say
from pmt_helpers.teaching.workbook_file import current_workbook

STEPS = 100


def prediction(question: str, answers: Sequence[Any], key: str) -> Shown:
    """Ask for a guess and keep it in the workbook file under `key`.

    answers: (low, high) or (low, high, step) of numbers gives a slider; a list of texts gives buttons.
    """
    import ipywidgets

    before = current_workbook().get("predictions", key)
    kept = ipywidgets.HTML(_kept(before))

    def keep(guess: Any) -> None:
        current_workbook().put("predictions", key, guess)
        kept.value = _kept(guess)

    numbers = all(isinstance(answer, int | float) for answer in answers)
    answering = _slider(answers, before, keep) if numbers else choice_buttons(list(map(str, answers)), before, keep)
    title = f'<p style="line-height: 1.4"><b>Before you run the next cell:</b> {escape(question)}</p>'
    sentence = f"Before you run the next cell: {question} (A place for your guess appears here when this cell is run.)"
    return Shown(ipywidgets.VBox([ipywidgets.HTML(title), answering, kept]), sentence)


def _slider(answers: Sequence[Any], before: Any, keep: Callable[[Any], None]) -> Any:
    """A slider and a button to save: where it stands at first is no guess."""
    import ipywidgets

    low, high = float(answers[0]), float(answers[1])
    slider = ipywidgets.FloatSlider(
        value=before if isinstance(before, int | float) and low <= before <= high else (low + high) / 2,
        min=low,
        max=high,
        step=float(answers[2]) if len(answers) > 2 else (high - low) / STEPS,
        continuous_update=False,
        layout={"width": "90%", "max_width": "500px"},
    )
    save = ipywidgets.Button(description="Save my guess", icon="check")
    save.on_click(lambda _: keep(slider.value))
    return ipywidgets.VBox([slider, save])


def _kept(guess: Any) -> str:
    return "No guess yet." if guess is None else f"Your guess: <b>{escape(_readable(guess, 2))}</b>"


def _readable(value: Any, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def reveal(key: str, actual: float | str, digits: int = 2) -> None:
    """Print the value computed, and the guess kept under `key` if there is one: "You said 0.85; it is 0.87."."""
    shown = _readable(float(actual) if not isinstance(actual, str) else actual, digits)
    guess = current_workbook().get("predictions", key)
    if guess is None:
        say(f"It is {shown}.")
    else:
        guessed = _readable(float(guess) if not isinstance(guess, str) else guess, digits)
        say(f"You said {guessed}, and so it is." if guessed == shown else f"You said {guessed}; it is {shown}.")
