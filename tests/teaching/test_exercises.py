"""What holds of every exercise: its solution is right, its mistakes are called by name, its texts are short."""

import ast
import copy
import inspect
import re
from importlib import import_module

import numpy as np
import pytest

from pmt_helpers.teaching.exercises import NOTEBOOKS, all_exercises
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.workbook.build import read_source
from pmt_helpers.workbook.files import source_paths

EXERCISES = list(all_exercises())
MISTAKES = [
    (exercise, mistake)
    for exercise in EXERCISES
    for mistake in (*exercise.mistakes, exercise.fallback)
    if mistake is not None
]
MUTABLE = [
    (exercise, place)
    for exercise in EXERCISES
    for place, argument in enumerate(next(iter(exercise.cases.values())))
    if isinstance(argument, np.ndarray | list) and len(argument)
]
CODE = {path.stem[:2]: [cell.source for cell in read_source(path).cells] for path in source_paths()}


def each(exercises):
    """Parametrise by exercises, or by pairs of an exercise and something of it."""
    names = "exercise" if exercises is EXERCISES else ("exercise", "part")
    return pytest.mark.parametrize(names, exercises, ids=lambda value: getattr(value, "id", getattr(value, "name", "")))


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook_has_the_exercises_that_it_checks_in_its_order(notebook):
    checked = re.findall(r'^check\("([\w-]+)"', "\n".join(CODE[notebook]), re.MULTILINE)
    exercises = import_module(f"pmt_helpers.teaching.exercises.nb{notebook}").EXERCISES
    assert [exercise.id for exercise in exercises] == checked


def test_no_two_exercises_share_an_id_and_a_mistake_with_two_edits_has_one_message():
    assert len({exercise.id for exercise in EXERCISES}) == len(EXERCISES)
    messages = {(exercise.id, mistake.name): mistake.message for exercise, mistake in MISTAKES}
    assert all(messages[exercise.id, mistake.name] == mistake.message for exercise, mistake in MISTAKES)


def bare_function(code, name):
    """The function of this name in some code, without docstring, annotations, comments and layout."""
    functions = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef) and node.name == name]
    if not functions:
        return None
    function = functions[0]
    function.returns = None
    if ast.get_docstring(function) is not None:
        del function.body[0]
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(function)


@each(EXERCISES)
def test_the_solution_is_that_of_the_notebook(exercise):
    notebook = exercise.solution.__module__[-2:]
    name = exercise.solution.__name__
    cells = [cell for cell in CODE[notebook] if f"def {name}(" in cell]
    assert len(cells) == 1
    assert bare_function(inspect.getsource(exercise.solution), name) == bare_function(cells[0], name)


@each(EXERCISES)
def test_the_solution_is_right(exercise):
    assert judge(exercise, exercise.solution).text == f"Right: {exercise.right}"


@each(MISTAKES)
def test_each_mistake_is_called_by_its_name(exercise, part):
    verdict = judge(exercise, exercise.mutant(part))
    assert (verdict.mistake, verdict.text) == (part.name, f"Not yet: {part.message}")


@each(EXERCISES)
@pytest.mark.parametrize(
    "blank", [None, ..., lambda *args: None, lambda *args: ..., lambda *args: (..., ...), lambda *args: (None, None)]
)
def test_a_blank_is_to_do_not_wrong(exercise, blank):
    assert judge(exercise, blank).text.startswith("To do: ")


@each(MUTABLE)
def test_an_answer_that_changes_an_argument_is_told_which(exercise, part):
    def spoiling(*arguments):
        value = exercise.solution(*copy.deepcopy(arguments))
        argument = arguments[part]
        if isinstance(argument, list):
            argument.append(0)
        else:
            argument[...] = ~argument if argument.dtype == bool else argument + 1
        return value

    verdict = judge(exercise, spoiling)
    assert verdict.mistake == "arguments changed"
    assert f"`{list(inspect.signature(exercise.solution).parameters)[part]}`" in verdict.message


def squeezed(text):
    return re.sub(r"\s+", "", text)


@each(EXERCISES)
def test_neither_hints_nor_messages_hold_a_line_of_the_solution(exercise):
    body = inspect.getsource(exercise.solution).split('"""')[-1]
    lines = [line for line in (squeezed(each).removeprefix("return") for each in body.splitlines()) if len(line) > 12]
    assert lines
    said = [*exercise.hints, exercise.right, *(mistake.message for owner, mistake in MISTAKES if owner is exercise)]
    for text in map(squeezed, said):
        assert not [line for line in lines if line in text]


@each(MISTAKES)
def test_messages_are_whole_short_sentences(exercise, part):
    assert part.message.endswith(".")
    assert "  " not in part.message
    assert len(part.message) < 260
    assert 1 <= len(re.findall(r"[.?!](?= |$)", part.message)) <= 3
