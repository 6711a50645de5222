"""Every small change of a solution is judged wrong, or stands in EQUIVALENT with the reason why it is right as well."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator

# What stands for what in a mutant: operators by their class, functions and methods by their name.
OPERATORS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.MatMult: [],
    ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.GtE], ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.And: [ast.Or], ast.Or: [ast.And], ast.BitAnd: [ast.BitOr],
    ast.In: [ast.NotIn], ast.NotIn: [ast.In], ast.RShift: [ast.LShift], ast.BitOr: [ast.BitAnd],
}  # fmt: skip
NAMES = {
    "min": ["max"], "max": ["min"], "argmin": ["argmax"], "argmax": ["argmin"], "maximum": ["minimum"], "any": ["all"],
    "mean": ["sum", "max"], "sum": ["mean", "max"], "round": ["int", "ceil"], "log2": ["log", "log10"],
    "log": ["log10"], "exp": ["exp2"], "abs": ["negative"], "break": ["continue"], "quantile": ["percentile"],
}  # fmt: skip
ONE = ast.Constant(1)


def replacements(node: ast.AST, variables: list[str]) -> Iterator[ast.AST]:
    """What may stand in the place of a node: another operator, constant, name, or a part of it alone."""
    match node:
        case ast.BinOp(left, op, right):
            yield from (ast.BinOp(left, other(), right) for other in OPERATORS.get(type(op), []))
            yield from (left, right)
            if not isinstance(op, ast.Add | ast.Mult | ast.BitAnd | ast.BitOr):
                yield ast.BinOp(right, op, left)
        case ast.BoolOp(op, values):
            yield from (ast.BoolOp(OPERATORS[type(op)][0](), values), *values)
        case ast.Compare(left, [op], [right]):
            yield from (ast.Compare(left, [other()], [right]) for other in OPERATORS.get(type(op), []))
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1), ast.Constant(value * 2))
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.Name(name, ast.Load()):
            yield from (ast.Name(other) for other in NAMES.get(name, variables if name in variables else []))
        case ast.Attribute(value, name):
            yield from (ast.Attribute(value, other) for other in NAMES.get(name, []))
        case ast.Call(function, arguments, keywords):
            yield from (ast.Call(function, arguments, [k for k in keywords if k is not each]) for each in keywords)
            yield from (function.value, *arguments) if isinstance(function, ast.Attribute) else arguments
            if isinstance(function, ast.Name) and function.id == "range":
                for change in (ast.Add(), ast.Sub()):
                    yield ast.Call(function, [*arguments[:-1], ast.BinOp(arguments[-1], change, ONE)], [])
        case ast.Subscript(value, ast.Slice(lower, upper)):
            for low in (lower and ast.BinOp(lower, ast.Add(), ONE), lower and ast.BinOp(lower, ast.Sub(), ONE), None):
                yield ast.Subscript(value, ast.Slice(low, upper))
            for high in (upper and ast.BinOp(upper, ast.Add(), ONE), upper and ast.BinOp(upper, ast.Sub(), ONE), None):
                yield ast.Subscript(value, ast.Slice(lower, high))
        case ast.Subscript(value, _):
            yield value
        case ast.Tuple(elts, ast.Load()) | ast.List(elts, ast.Load()):
            yield from (type(node)([*elts[:i], elts[i + 1], elts[i], *elts[i + 2 :]]) for i in range(len(elts) - 1))
        case ast.comprehension(target, values, [_, *_]):
            yield ast.comprehension(target, values, [], 0)
        case ast.If(test, body, orelse):
            yield from (ast.If(ast.Constant(truth), body, orelse) for truth in (True, False))
        case ast.AugAssign(target, op, value):
            yield ast.Assign([target], value, lineno=0)
            yield from (ast.AugAssign(target, other(), value) for other in OPERATORS.get(type(op), []))
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
    if isinstance(node, ast.stmt):
        yield ast.Pass()


def mutants(function) -> Iterator[tuple[str, str]]:
    """Each change as "old -> new", and the code of the function with it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (definition,) = tree.body
    if ast.get_docstring(definition):
        del definition.body[0]
    definition.returns = None
    for each in definition.args.args:
        each.annotation = None
    variables = [each.arg for each in definition.args.args]
    variables += [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    variables = list(dict.fromkeys(variables))
    seen = {ast.unparse(tree)}
    for parent in [n for stmt in [definition] for n in ast.walk(stmt)]:
        for field, value in ast.iter_fields(parent):
            if parent is definition and field in ("args", "returns"):
                continue
            places = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for place, node in places:
                if not isinstance(node, ast.AST):
                    continue
                for new in replacements(node, variables):
                    if place is None:
                        setattr(parent, field, new)
                    else:
                        value[place] = new
                    try:
                        code = ast.unparse(ast.fix_missing_locations(tree))
                    finally:
                        if place is None:
                            setattr(parent, field, node)
                        else:
                            value[place] = node
                    if code not in seen:
                        seen.add(code)
                        yield f"{ast.unparse(node)} -> {ast.unparse(new)}", code


def made(function, code):
    names = dict(vars(sys.modules[function.__module__]))
    exec(code, names)
    return names[function.__name__]
