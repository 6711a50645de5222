"""Questions to a learner: predict before you run and compare (prediction, reveal), and the quiz of each notebook."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import Any

from pmt_helpers.datasets.doors import check_fields
from pmt_helpers.teaching.display import Shown, in_words, on_page, publish
from pmt_helpers.teaching.widgets import choice_buttons, spoken
from pmt_helpers.teaching.workbook_file import current_workbook

STEPS = 100


def prediction(question: str, answers: Sequence[Any], key: str) -> Shown:
    """Ask for a guess and keep it in the workbook file under `key`.

    answers: (low, high) or (low, high, step) of numbers gives a slider; a list of texts gives buttons.
    """
    import ipywidgets

    before = current_workbook().get("predictions", key)
    shown = ipywidgets.HTML(_guess_text(before))

    def keep(guess: Any) -> None:
        current_workbook().put("predictions", key, guess)
        shown.value = _guess_text(guess)

    numbers = all(isinstance(answer, int | float) for answer in answers)
    control = (
        _slider(question, answers, before, keep) if numbers else choice_buttons(list(map(str, answers)), before, keep)
    )
    title = f'<p style="line-height: 1.4"><b>Before you run the next cell:</b> {escape(question)}</p>'
    sentence = f"Before you run the next cell: {question} (A place for your guess appears here when this cell is run.)"
    choices = f"between {answers[0]} and {answers[1]}" if numbers else ", ".join(map(str, answers))

    def page() -> str:
        return f"{title}<p>Make a guess ({escape(choices)}). The answer is folded up further down.</p>"

    return Shown(ipywidgets.VBox([ipywidgets.HTML(title), control, shown]), sentence, page)


def _slider(question: str, answers: Sequence[Any], before: Any, keep: Callable[[Any], None]) -> Any:
    """A slider and a button to save: where it stands at first is no guess."""
    import ipywidgets

    if len(answers) not in (2, 3) or not answers[0] < answers[1]:
        raise ValueError(f"answers must be (low, high) or (low, high, step), or texts; got {answers}")
    low, high = float(answers[0]), float(answers[1])
    step = float(answers[2]) if len(answers) > 2 else (high - low) / STEPS
    whole = low.is_integer() and step.is_integer()
    slider = ipywidgets.FloatSlider(
        value=before if isinstance(before, int | float) and low <= before <= high else (low + high) / 2,
        min=low,
        max=high,
        step=step,
        readout_format=".0f" if whole else ".2f",
        continuous_update=False,
        layout={"width": "90%", "max_width": "500px"},
    )
    save = ipywidgets.Button(description="Save my guess", icon="check")
    save.on_click(lambda _: keep(round(slider.value) if whole else slider.value))
    return ipywidgets.VBox([slider, save, spoken(slider, question)])


def _guess_text(guess: Any) -> str:
    return "No guess yet." if guess is None else f"Your guess: <b>{escape(_readable(guess, 2))}</b>"


def _readable(value: Any, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def reveal(key: str, actual: float | str, digits: int = 2) -> None:
    """Say the value computed, and the guess kept under `key` if there is one: "You said 0.85; the answer is 0.87."."""
    shown = _readable(float(actual) if not isinstance(actual, str) else actual, digits)
    guess = current_workbook().get("predictions", key)
    text = f"Answer: {shown}."
    if guess is not None:
        said = _readable(guess, digits)
        is_right = shown == _readable(float(guess) if not isinstance(guess, str) else guess, digits)
        text = f"You said {said}, which is right." if is_right else f"You said {said}; the answer is {shown}."
    folded = f"<details><summary>Your guess first, then open the answer</summary><p>{escape(text)}</p></details>"
    publish({**in_words(text), **on_page(lambda: folded)})


@dataclass(frozen=True)
class Question:
    """A question, its choices with an explanation each, and the right choice."""

    text: str
    choices: Mapping[str, str]
    right: str

    def __post_init__(self) -> None:
        check_fields(self)
        if self.right not in self.choices:
            raise ValueError(f"the right choice {self.right!r} is not among {list(self.choices)}")


def quiz(notebook: str, questions: Sequence[Question] | None = None) -> Shown:
    """The quiz of a notebook ("01"), answered by mouse or keyboard; each choice is explained at once.

    The answers are kept in the workbook file. Where there are no widgets the questions are printed.
    """
    import ipywidgets

    questions = stored_quiz(notebook) if questions is None else tuple(questions)
    parts = [_question(f"{notebook}-{number}", number, question) for number, question in enumerate(questions, start=1)]
    lines = []
    for number, question in enumerate(questions, start=1):
        lines += [f"Question {number}. {question.text}", *(f"  ( ) {choice}" for choice in question.choices)]
    return Shown(
        ipywidgets.VBox(parts),
        "\n".join([*lines, "Run this cell to answer the questions and to read the explanations."]),
        lambda: "".join(_on_page(f"{notebook}-{place}", place, it) for place, it in enumerate(questions, start=1)),
    )


def stored_quiz(notebook: str) -> tuple[Question, ...]:
    """The questions that come with a notebook. Raises KeyError, naming those there are."""
    from pmt_helpers.teaching.exercises import NOTEBOOKS

    if notebook not in NOTEBOOKS:
        raise KeyError(f"no quiz for notebook {notebook!r}; there is one for {', '.join(NOTEBOOKS)}")
    return import_module(f"{__package__}.exercises.nb{notebook}").QUESTIONS


def _question(key: str, number: int, question: Question) -> Any:
    import ipywidgets

    title = ipywidgets.HTML(f'<p style="line-height: 1.4"><b>Question {number}.</b> {escape(question.text)}</p>')
    before = current_workbook().get("quiz", key)
    chosen = before if before in question.choices else None
    answer = ipywidgets.HTML(_explained(question, chosen))

    def explain(choice: str) -> None:
        current_workbook().put("quiz", key, choice)
        answer.value = _explained(question, choice)

    buttons = choice_buttons(list(question.choices), chosen, explain)
    return ipywidgets.VBox([title, buttons, answer], layout={"margin": "0 0 1em 0"})


def _on_page(key: str, number: int, question: Question) -> str:
    """The question with radio buttons; CSS shows what explains the one chosen."""
    choices = [
        f'<div><input type="radio" name="{key}" id="{key}-{place}"><label for="{key}-{place}"> {escape(choice)}</label>'
        f'<div class="pmt-why" role="status">{_explained(question, choice)}</div></div>'
        for place, choice in enumerate(question.choices)
    ]
    return f"<fieldset><legend><b>Question {number}.</b> {escape(question.text)}</legend>{''.join(choices)}</fieldset>"


def _explained(question: Question, choice: str | None) -> str:
    if choice is None:
        return ""
    sign, word, colour = ("✔", "Right", "#009E73") if choice == question.right else ("✘", "Not quite", "#D55E00")
    text = f'<span style="color: {colour}">{sign}</span> <b>{word}:</b> {escape(question.choices[choice])}'
    return f'<div style="border-left: 5px solid {colour}; padding-left: 0.7em; line-height: 1.4">{text}</div>'
