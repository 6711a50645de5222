"""The code of each exercise in a student's notebook: taken from its cells by name, without running any of them."""

import ast
import contextlib
import inspect
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from IPython.core.inputtransformer2 import TransformerManager
from nbformat.notebooknode import NotebookNode

from pmt_helpers.teaching.exercises import all_exercises, find_exercise

CHECK = re.compile(r'^check\(\s*["\']([\w-]+)["\']', re.M)
GIVEN = {"online-sgd": "sgd_step"}  # what a notebook imports for its exercise from the package
_NO_CODE = (SyntaxError, ValueError, RecursionError, MemoryError)
_LATER = (ast.FunctionDef, ast.ClassDef)  # whose names are looked up when they are called
_DEF = re.compile(r"^def\s+(\w+)\s*\(", re.M)
_CELL_MAGIC = re.compile(r"\A\s*%%.*")


@dataclass(frozen=True)
class Submitted:
    """code: the definitions that `expression` needs; problem: why there is none. blank: nothing was written."""

    exercise: str
    code: str = ""
    expression: str = ""
    blank: bool = False
    problem: str = ""


@cache
def _functions() -> dict[str, str]:
    return {exercise.solution.__name__: exercise.id for exercise in all_exercises()}


def submitted_answers(notebook: NotebookNode) -> dict[str, Submitted]:
    """Exercise -> its answer: what the last check of that exercise is given, or else the function of that name."""
    defined: list[tuple[str, ast.stmt]] = []
    checked: dict[str, tuple[ast.expr, int]] = {}
    found: dict[str, Submitted] = {}
    names = _functions()
    for source in _code(notebook):
        try:
            body = _parsed(source)
        except _NO_CODE as error:
            tried = {*CHECK.findall(source), *(names.get(name) for name in _DEF.findall(source))}
            for exercise in tried & set(names.values()):
                found[exercise] = Submitted(
                    exercise, problem=f"the cell is no Python: {str(error) or 'nested too deep'}"
                )
            continue
        defined += _defined(body)
        for node in body:
            call = node.value if isinstance(node, ast.Expr) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check":
                exercise = str(getattr(call.args[0], "value", "")) if len(call.args) > 1 else ""
                if exercise in names.values():
                    checked[exercise] = call.args[1], len(defined)
    for name, node in defined:  # the check itself may have been deleted; a later notebook imports some of our own
        if name in names and not isinstance(node, ast.ImportFrom):
            checked.setdefault(names[name], (ast.Name(name), len(defined)))
    for exercise, (expression, before) in checked.items():
        if exercise not in found or not isinstance(expression, ast.Name) or expression.id in dict(defined):
            found[exercise] = _submitted(exercise, expression, defined, before)
    return found


def submitted_function(notebook: NotebookNode, name: str) -> Submitted:
    """The last function of this name, of which no exercise knows; blank where there is none."""
    defined: list[tuple[str, ast.stmt]] = []
    for source in _code(notebook):
        with contextlib.suppress(*_NO_CODE):
            defined += _defined(_parsed(source))
    if name not in dict(defined):
        return Submitted(name, blank=True)
    return _submitted(name, ast.Name(name), defined, len(defined))


def _code(notebook: NotebookNode) -> Iterator[str]:
    return (cell.source for cell in notebook.cells if cell.cell_type == "code")


def _parsed(source: str) -> list[ast.stmt]:
    """The statements of a cell; an import of several names as one each, so that an answer rests on those it uses."""
    try:
        tree = ast.parse(source, "this cell")
    except SyntaxError:  # magics, or no Python
        tree = ast.parse(TransformerManager().transform_cell(_CELL_MAGIC.sub("", source)), "this cell")
    return [part for node in tree.body for part in _single(node)]


def _defined(body: list[ast.stmt]) -> list[tuple[str, ast.stmt]]:
    return [(name, node) for node in body for name in _defines(node)]


def _submitted(exercise: str, expression: ast.expr, defined: list[tuple[str, ast.stmt]], before: int) -> Submitted:
    try:
        nodes = [_given(exercise, node) for node in _needed(expression, defined, before)]
        code = ast.unparse(ast.Module(nodes, []))
        return Submitted(exercise, code, ast.unparse(expression), blank=_is_blank(expression, nodes))
    except _NO_CODE as error:  # such as a name that is an argument and global
        return Submitted(exercise, problem=f"the code is no Python: {error}")


def _single(node: ast.stmt) -> list[ast.stmt]:
    if isinstance(node, ast.Import):
        return [ast.Import([alias]) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
    return [node]


def _given(exercise: str, node: ast.stmt) -> ast.stmt:
    """The text of a function which the notebook gives for this exercise, in place of its import from the package."""
    given = GIVEN.get(exercise)
    if given is None or not isinstance(node, ast.ImportFrom) or node.names[0].name != given:
        return node
    function = ast.parse(inspect.getsource(find_exercise(_functions()[given]).solution)).body[0]
    assert isinstance(function, ast.FunctionDef)
    function.returns = None
    for argument in function.args.args:
        argument.annotation = None
    function.body.insert(0, ast.parse("import numpy as np").body[0])
    return function


def _defines(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))
    elif isinstance(node, ast.If | ast.Try | ast.With | ast.For):  # what is assigned or defined in it, functions apart
        symbols = symtable.symtable(ast.unparse(node), "answer", "exec").get_symbols()
        yield from (each.get_name() for each in symbols if each.is_assigned() or each.is_imported())


def _needed(expression: ast.expr, defined: list[tuple[str, ast.stmt]], before: int) -> list[ast.stmt]:
    """The definitions that an expression rests on, in their order: of each name the last one above the check."""
    latest = {name: number for number, (name, _) in reversed(list(enumerate(defined[before:], start=before)))}
    latest |= {name: number for number, (name, _) in enumerate(defined[:before])}
    numbers = {number for number, (name, _) in enumerate(defined[:before]) if name == "*"}
    open_nodes: list[ast.AST] = [expression]
    while open_nodes:
        user = open_nodes.pop()
        table = symtable.symtable(ast.unparse(user), "answer", "exec")
        for name in _globals(table):
            number = latest.get(name)
            if number is not None and defined[number][1] is user and not isinstance(user, _LATER):  # f = vectorize(f)
                above = (n for n in reversed(range(number)) if defined[n][0] == name and defined[n][1] is not user)
                number = next(above, None)
            if number is not None and number not in numbers:
                numbers.add(number)
                open_nodes.append(defined[number][1])
    nodes = [defined[number][1] for number in sorted(numbers)]
    return [node for position, node in enumerate(nodes) if node not in nodes[:position]]


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    """The names that a piece of code takes from its notebook: not its arguments and its own variables."""
    module = table.get_type() == "module"
    yield from (
        each.get_name() for each in table.get_symbols() if each.is_global() or (module and each.is_referenced())
    )
    for inner in table.get_children():
        yield from _globals(inner)


def _is_blank(expression: ast.expr, nodes: list[ast.stmt]) -> bool:
    """Whether the function is the stub still: nothing but a docstring, `...`, `pass` or names set to `...`."""
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == ast.unparse(expression)]
    return bool(functions) and all(
        isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in functions[-1].body
    )
