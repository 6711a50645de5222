"""Multiple-choice questions with an explanation for every choice, right or wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import Any

from pmt_helpers.teaching.choices import choice_buttons
from pmt_helpers.teaching.display import Shown
from pmt_helpers.teaching.workbook_file import current_workbook


@dataclass(frozen=True)
class Question:
    """A question, its choices with an explanation each, and the right choice."""

    text: str
    choices: Mapping[str, str]
    right: str

    def __post_init__(self) -> None:
        if self.right not in self.choices:
            raise ValueError(f"the right choice {self.right!r} is not among {list(self.choices)}")


def quiz(notebook: str, questions: Sequence[Question] | None = None) -> Shown:
    """The quiz of a notebook ("01"), answered by mouse or keyboard; each choice explains itself at once.

    The answers are kept in the workbook file. Where there are no widgets the questions are printed.
    """
    import ipywidgets

    asked = stored_quiz(notebook) if questions is None else tuple(questions)
    parts = [_question(f"{notebook}-{number}", number, question) for number, question in enumerate(asked, start=1)]
    return Shown(ipywidgets.VBox(parts), quiz_text(asked))


def stored_quiz(notebook: str) -> tuple[Question, ...]:
    """The questions that come with a notebook. Raises KeyError, naming those there are."""
    from pmt_helpers.teaching.exercises import NOTEBOOKS

    if notebook not in NOTEBOOKS:
        raise KeyError(f"no quiz for notebook {notebook!r}; there is one for {', '.join(NOTEBOOKS)}")
    return import_module(f"{__package__}.exercises.nb{notebook}").QUESTIONS


def quiz_text(questions: Sequence[Question]) -> str:
    """The questions and their choices as plain text."""
    lines = []
    for number, question in enumerate(questions, start=1):
        lines += [f"Question {number}. {question.text}", *(f"  ( ) {choice}" for choice in question.choices)]
    return "\n".join([*lines, "Run this cell to answer, and to read why."])


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


def _explained(question: Question, choice: str | None) -> str:
    if choice is None:
        return ""
    sign, word, colour = ("✔", "Right", "#009E73") if choice == question.right else ("✘", "Not quite", "#D55E00")
    text = f'<span style="color: {colour}">{sign}</span> <b>{word}:</b> {escape(question.choices[choice])}'
    return f'<div style="border-left: 5px solid {colour}; padding-left: 0.7em; line-height: 1.4">{text}</div>'
