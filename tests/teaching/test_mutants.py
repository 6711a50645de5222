"""Every small change of a solution is judged wrong, or stands in EQUIVALENT with the reason why it is right, too."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pmt_helpers.teaching.exercises import all_exercises
from pmt_helpers.teaching.exercises.judging import judge

EXERCISES = list(all_exercises())

SAME_LENGTH = "both are as long"
SIGN = "the sign is lost in a square or an absolute value"
# Exercise -> why a change makes no difference -> the changes; one stands twice when it can be made in two places.
EQUIVALENT: dict[str, dict[str, list[str]]] = {
    "feature-by-hand": {SIGN: ["window - window.mean(axis=0) -> window.mean(axis=0) - window"]},
    "grouped-validation": {
        "about this fraction: rounded down is well": ["round(fraction * len(ids)) -> int(fraction * len(ids))"]
    },
    "online-sgd": {SAME_LENGTH: ["zip(X, y, strict=True) -> zip(X, y)", "strict=True -> strict=False"]},
    "early-stopping": {
        "the first loss is always the best so far": ["(np.inf, 0) -> (np.inf, 1)", "(np.inf, 0) -> (np.inf, -1)"]
    },
    "paired-bootstrap": {SAME_LENGTH: 2 * ["len(gains) -> len(before)", "len(gains) -> len(after)"]},
    "find-the-leak": {
        SIGN: ["starts[train][:, None] - starts[test] -> starts[test] - starts[train][:, None]"],
    },
    "gibbs-update": {
        "each topic has as many tokens in both tables": ["word_topic.sum -> doc_topic.sum"],
        "both have a column per topic": ["word_topic.shape -> doc_topic.shape"],
    },
    "grow-dictionary": {
        "a list of lists is as good as an array": [
            "np.array([[document.count(word) for word in grown] for document in documents]) -> "
            "[[document.count(word) for word in grown] for document in documents]"
        ]
    },
    "document-completion": {
        "theta is scaled anyway": [
            *("1 / len(phi) -> 1", "1 / len(phi) -> len(phi)", "1 / len(phi) -> 1 * len(phi)"),
            *("1 / len(phi) -> len(phi) / 1", "1 / len(phi) -> 2 / len(phi)", "len(phi) -> len(phi) + 1"),
            *("len(phi) -> len(phi) - 1", "len(phi) -> len(seen)", "len(phi) -> len(unseen)"),
        ],
        "a product of two vectors": ["unseen @ np.log2(theta @ phi) -> np.log2(theta @ phi) @ unseen"],
    },
    "choose-weight": {"the highest sum is the highest mean": ["validation.mean -> validation.sum"]},
    "label-flip": {
        "no probability is higher than 1": ["np.inf -> np.pi"],
        "nothing is flipped yet": ["(range(len(y)), y) -> (range(len(y)), flipped)"],
        SAME_LENGTH: [f"len(y) -> len({name})" for name in 2 * ["probabilities", "order", "flipped", "believed"]],
    },
    "trimmed-mean": {SAME_LENGTH: ["len(weights) -> len(ordered)"]},
    "loss-threshold": {
        "the logarithm keeps the order": [
            "np.log(probabilities[range(len(y)), y]) -> probabilities[range(len(y)), y]",
            "np.log -> np.log10",
        ],
        "between two scores of members a threshold finds no more of them": ["score -> members"],
        SAME_LENGTH: ["len(y) -> len(probabilities)", "len(y) -> len(member)"],
    },
    "recover-word": {"whole numbers are not asked for": ["in_topic.sum().round() -> in_topic.sum()"]},
    "parse-record": {
        "no line comes after the last one": ["break -> continue"],
        "any text will do": ["record['origin'] -> record"],
    },
    "fit-line": {
        SIGN: ["dy - slope * dx -> slope * dx - dy"],
        SAME_LENGTH: ["len(x) -> len(seconds)"],
        "one centred factor is enough": ["dx * dy -> x * dy", "dx * dy -> dx * seconds"],
    },
    "predict-zero": {
        "a billionth more or less": [f"rate * 1000000000.0 -> rate * {value}.0" for value in (1000000001, 999999999)]
    },
    "throttle-bits": {"0 and 1 are truths, too": 2 * ["bool(value >> bit & 1) -> value >> bit & 1"]},
    "find-leak-sent": {
        "one more for everybody is as different": [
            "len(messages) -> len(messages) + 1",
            "len(messages) -> len(messages) - 1",
        ]
    },
    "keep-better": {SAME_LENGTH: ["len(y) -> len(old)", "len(y) -> len(new)"]},
    "choose-donors": {
        "every donor is tried on as many windows": [
            "np.log(probabilities[:, windows, y]).mean -> np.log(probabilities[:, windows, y]).sum"
        ],
        "any logarithm gives the same order": ["np.log -> np.log10"],
    },
}

# ---- mutants ----

OTHER_OPERATORS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd], ast.RShift: [ast.LShift], ast.And: [ast.Or], ast.Or: [ast.And],
    ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.GtE], ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.In: [ast.NotIn], ast.NotIn: [ast.In],
}  # fmt: skip
OTHER_NAMES = {
    "min": ["max"], "max": ["min"], "argmin": ["argmax"], "argmax": ["argmin"], "maximum": ["minimum"],
    "any": ["all"], "mean": ["sum", "max"], "sum": ["mean", "max"], "round": ["int", "ceil"], "abs": ["negative"],
    "log2": ["log", "log10"], "log": ["log10"], "exp": ["exp2"], "quantile": ["percentile"], "inf": ["pi"],
}  # fmt: skip
COMMUTE = ast.Add | ast.Mult | ast.BitAnd | ast.BitOr


def near(node: ast.expr | None) -> list[ast.expr]:
    """One more and one less than the value of an expression."""
    return [ast.BinOp(node, op, ast.Constant(1)) for op in (ast.Add(), ast.Sub())] if node else []


def replacements(node: ast.AST, variables: list[str]) -> Iterator[ast.AST]:
    """What may stand in the place of a node: another operator, number or name, or a part of it alone."""
    others = OTHER_OPERATORS.get(type(getattr(node, "op", None)), [])
    match node:
        case ast.BinOp(left, op, right):
            yield from (left, right, *(ast.BinOp(left, other(), right) for other in others))
            yield from [] if isinstance(op, COMMUTE) else [ast.BinOp(right, op, left)]
        case ast.BoolOp(_, values):
            yield from (*values, *(ast.BoolOp(other(), values) for other in others))
        case ast.Compare(left, [op], [right]):
            yield from (ast.Compare(left, [other()], [right]) for other in OTHER_OPERATORS.get(type(op), []))
        case ast.AugAssign(target, _, value):
            yield ast.Assign([target], value, lineno=0)
            yield from (ast.AugAssign(target, other(), value) for other in others)
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1), ast.Constant(value * 2))
        case ast.Name(name, ast.Load()):
            yield from map(ast.Name, OTHER_NAMES.get(name, variables if name in variables else []))
        case ast.Attribute(value, name):
            yield from (ast.Attribute(value, other) for other in OTHER_NAMES.get(name, []))
        case ast.Call(function, arguments, keywords):
            yield from (ast.Call(function, arguments, [k for k in keywords if k is not each]) for each in keywords)
            yield from (*arguments, *([function.value] if isinstance(function, ast.Attribute) else []))
            if isinstance(function, ast.Name) and function.id in ("range", "len"):
                yield from (
                    near(node)
                    if function.id == "len"
                    else (ast.Call(function, [*arguments[:-1], last], []) for last in near(arguments[-1]))
                )
        case ast.Subscript(value, ast.Slice(lower, upper)):
            yield from (ast.Subscript(value, ast.Slice(other, upper)) for other in (*near(lower), None))
            yield from (ast.Subscript(value, ast.Slice(lower, other)) for other in (*near(upper), None))
        case ast.Subscript(value, _):
            yield value
        case ast.Tuple(parts, ast.Load()) | ast.List(parts, ast.Load()):
            for i in range(len(parts) - 1):
                yield type(node)([*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]])
        case ast.comprehension(target, values, [_, *_]):
            yield ast.comprehension(target, values, [], 0)
        case ast.If(_, body, orelse):
            yield from (ast.If(ast.Constant(truth), body, orelse) for truth in (True, False))
        case ast.Break():
            yield ast.Continue()
    if isinstance(node, ast.stmt):
        yield ast.Pass()


def mutants(function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    """Each change as "old -> new", and the code of the function with it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.body = definition.body[bool(ast.get_docstring(definition)) :]
    parameters, definition.args, definition.returns = (
        definition.args,
        ast.arguments([], [], kwonlyargs=[], kw_defaults=[], defaults=[]),
        None,
    )
    variables = [argument.arg for argument in parameters.args]
    variables += [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    head = f"def {definition.name}({', '.join(argument.arg for argument in parameters.args)}):\n"
    seen = {ast.unparse(definition)}
    for parent in list(ast.walk(definition)):
        for field, value in ast.iter_fields(parent):
            places = enumerate(value) if isinstance(value, list) else [(field, value)]
            store: Any = value if isinstance(value, list) else vars(parent)
            for place, node in list(places):
                for new in replacements(node, list(dict.fromkeys(variables))) if isinstance(node, ast.AST) else []:
                    in_parent = isinstance(node, ast.Name | ast.Constant) and isinstance(parent, ast.expr | ast.keyword)
                    shown = parent if in_parent else None
                    old = ast.unparse(shown or node)
                    store[place] = ast.fix_missing_locations(new)
                    code, changed = ast.unparse(definition), ast.unparse(shown or new)
                    store[place] = node
                    if code not in seen:
                        seen.add(code)
                        yield f"{old} -> {changed}", code.replace(f"def {definition.name}():\n", head)


def survivors(exercise) -> Iterator[str]:
    """The changes of the solution that are judged right."""
    for change, code in mutants(exercise.solution):
        names = dict(vars(sys.modules[exercise.solution.__module__]))
        try:
            exec(code, names)
        except SyntaxError:  # a break that has lost its loop
            continue
        if judge(exercise, names[exercise.solution.__name__]).state == "right":
            yield change


# ---- tests ----


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_changed_solution_is_wrong_or_known_to_make_no_difference(exercise):
    known = [change for changes in EQUIVALENT.get(exercise.id, {}).values() for change in changes]
    assert sorted(survivors(exercise)) == sorted(known)


def test_mutants_are_many_and_each_is_another_function():
    for exercise in EXERCISES:
        codes = [code for _, code in mutants(exercise.solution)]
        assert len(set(codes)) == len(codes) >= 7
