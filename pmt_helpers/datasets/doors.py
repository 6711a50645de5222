"""Doors of the packages: names that load on first use, and functions that hold their arguments to their annotations.

Code inside the package imports from modules and pays nothing for it; whoever comes through a door and passes something
that the annotation or `RANGES` does not allow gets a ValueError or TypeError that names the argument.
"""

import builtins
import inspect
import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache, wraps
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import lazy_loader
import numpy as np
from numpy.typing import ArrayLike

LARGEST = 1e12  # of a feature: in single precision its square is still far from overflowing
MANY = 10**6  # epochs, iterations, topics: beyond it is a typing error that would fill the memory


class Range(NamedTuple):
    """What a number of this name may be, wherever it is an argument; `above`: low itself is too low."""

    low: float
    high: float = math.inf
    above: bool = False
    whole: bool = False
    why: str = ""

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        low = f"{'above' if self.above else 'from'} {self.low:g}"
        high = " on" if self.high == math.inf else f"{' and up' * self.above} to {self.high:,.15g}"
        return f"{kind} {low}{high}" + (f" ({self.why})" if self.why else "")


_AT_LEAST_ONE, _FROM_ZERO = Range(1, MANY, whole=True), Range(0, MANY, whole=True)
RANGES: dict[str, Range] = {
    **dict.fromkeys(("seed", "seeds"), Range(0, 2**32 - 1, whole=True)),  # Keras and NumPy take no more
    "insecure_seed": Range(0, whole=True),
    **dict.fromkeys(
        ("epochs", "n_topics", "n_features", "folds", "size", "n_questions", "labels", "canaries",
         "n_shared", "n_local", "n_users", "min_users", "rounds", "threads", "hidden_units", "n_units", "min_documents",
         "sizes", "shape", "batch_size", "patience", "first", "last", "tokens", "steps",
         "n_donors", "together"),
        _AT_LEAST_ONE,
    ),
    **dict.fromkeys(("n_classes", "top", "trials", "n_rounds"), Range(2, MANY, whole=True)),
    **dict.fromkeys(("n_samples", "iterations", "passes", "shadows", "fold", "per_class", "keep"), _FROM_ZERO),
    **dict.fromkeys(("updates", "more_than"), Range(0, 10**15, whole=True)),
    "windows": Range(0, 10**12, whole=True),
    **dict.fromkeys(("alpha", "beta"), Range(0, 1e6, above=True)),
    **dict.fromkeys(("rate_hz", "largest_mb"), Range(0, 1e9, above=True)),
    **dict.fromkeys(("seconds", "n_bytes"), Range(0, 1e15)),
    **dict.fromkeys(("weight", "weights", "noise", "pull", "learning_rate", "noise_multiplier", "more"), Range(0, 1e6)),
    **dict.fromkeys(("fraction", "max_share", "within", "prior"), Range(0, 1)),
    "percents": Range(0, 100),
    "epsilon": Range(0, 1e9, above=True, why="math.inf for no noise at all"),
    "most": _AT_LEAST_ONE,
    **dict.fromkeys(("user", "users", "exclude_user", "person"), Range(0, 2**31 - 1, whole=True)),
    "dropout": Range(0, 0.99),
    "delta": Range(0, 0.999, above=True),
    **dict.fromkeys(
        ("clip", "clip_norm"), Range(0, 1e9, above=True, why="without it one unit moves sums as far as it likes")
    ),
    **dict.fromkeys(("sampling_prob", "sampling", "probability"), Range(0, 1, above=True, why="a probability")),
    "digits": Range(0, 20, whole=True),
    "releases": Range(0, 1e6, above=True),
    "group_size": Range(1, 10**4, whole=True),
}  # fmt: skip
_INFINITE = {"epsilon"}  # for no noise at all
_WINDOWS, _TOPICS = ("n_windows", "n_features"), ("n_topics", "n_words")
SHAPES: dict[str, tuple[str, ...]] = {
    "X": _WINDOWS, "X_user": _WINDOWS, "y": ("n_windows",), "y_user": ("n_windows",), "keep": ("n_windows",),
    "X_validation": _WINDOWS, "y_validation": ("n_windows",),
    "windows": ("n_windows", "n_readings", "3"), "signal": ("n_readings", "n_axes"), "population": ("n_features",),
    "phi": _TOPICS, "topics": _TOPICS, "groups": ("n",), "gradients": ("n_units", "n_parameters"), "x": ("n",),
    "seconds": ("n",),
}  # fmt: skip
_LABELS = {"y", "y_user", "y_validation"}
_MAY_BE_TEXT = {"groups"}
_MAY_BE_EMPTY = {"keep", "releases", "scores", "measured", "cures", "token_lists", "vocabulary"}
MODELS = {"model", "shared", "reference"}
COUNTS = {"counts", "documents", "reference_documents"}  # documents x words, where they are not DocumentData


def open_door(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """What `lazy_loader.attach_stub` gives for an __init__.pyi, its functions checking their arguments."""
    load, names, every = lazy_loader.attach_stub(package, file)

    def load_checked(name: str) -> Any:
        value = load(name)
        if inspect.isfunction(inspect.unwrap(value)):
            value = _checked(value, package)
            setattr(sys.modules[package], name, value)  # in the place of the bare function that was put there
        return value

    return load_checked, names, every


@cache
def _checked(function: Callable[..., Any], package: str) -> Callable[..., Any]:
    signature = inspect.signature(function)
    names = _Names(inspect.unwrap(function).__globals__)
    hints = {name: eval(p.annotation, {}, names) if isinstance(p.annotation, str) else p.annotation
             for name, p in signature.parameters.items()}  # fmt: skip

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            kind = signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                bound.arguments[name] = {key: check_argument(key, Any, part) for key, part in value.items()}
            elif kind is inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name] = tuple(check_argument(name, hints[name], part) for part in value)
            elif value is not signature.parameters[name].default:
                bound.arguments[name] = check_argument(name, hints[name], value)
        for X, y in (("X", "y"), ("X_user", "y_user"), ("X_validation", "y_validation")):
            if {X, y} <= set(bound.arguments):
                _same_length(X, bound.arguments[X], y, bound.arguments[y])
        try:
            return function(*bound.args, **bound.kwargs)
        except KeyError as error:  # pandas has no other word for a column that is missing
            missing = _lacking(error, bound.arguments)
            if missing is None:
                raise
            raise missing from error

    checked.__module__ = package  # where pickle finds it again
    return checked


def check_argument(name: str, hint: Any, value: Any) -> Any:
    """The value as a function annotated with `hint` takes it: a plain number, an array of native numbers.

    Raises TypeError for another type, ValueError for what no argument of this name may be.
    """
    origin, parts = get_origin(hint) or hint, get_args(hint)
    if hint is Any and name in COUNTS:
        from pmt_helpers.datasets.base import DocumentData, check_table  # SciPy, which a small device does without

        return value if isinstance(value, DocumentData) else check_table(value, name)
    if hint is Any and name in RANGES:  # an option that is handed on
        return None if value is None else check_argument(name, float | Sequence[float], value)
    if hint is Any and name in MODELS and value is not None:
        _require(hasattr(value, "scaler"), name, "a trained model, with its scaler", value)
    if hint is Any or isinstance(hint, TypeVar):
        return value
    if hint is ArrayLike or hint is np.ndarray:
        return _array(name, value)
    if origin in (Union, UnionType):
        return _one_of(name, parts, value)
    if origin is Literal:
        if isinstance(value, np.ndarray) or value not in parts:
            raise ValueError(f"{name} must be {_listed(parts)}; got {_shown(value)}")
    elif hint in (int, float):
        return _number(name, value, whole=hint is int)
    elif hint is bool and isinstance(value, bool | np.bool_):
        return bool(value)
    elif origin is tuple and parts and parts[-1] is not Ellipsis:
        return _tuple(name, parts, value)
    elif origin in (Sequence, tuple):
        return _sequence(name, origin, parts[0] if parts else Any, value)
    elif origin is Iterable:
        if not isinstance(value, Iterator):
            return _sequence(name, origin, parts[0], value)
    elif origin is Mapping:
        _require(isinstance(value, Mapping), name, "a mapping (such as a dict)", value)
        _not_empty(name, value)
        return {key: check_argument(f"{name}[{key!r}]", parts[1], part) for key, part in value.items()}
    elif origin is Callable:
        _require(callable(value), name, "a function", value)
    elif isinstance(origin, type):
        _require(isinstance(value, origin), name, f"of type {origin.__name__}", value)
        if _is_frame(value) and value.empty:
            raise ValueError(f"{name} has no rows; expected at least one row")
    return value


def _one_of(name: str, parts: tuple[Any, ...], value: Any) -> Any:
    if value is None and NoneType in parts:
        return None
    problems = []
    if np.ndarray in parts:  # which a sequence is taken for
        parts = tuple(part for part in parts if (get_origin(part) or part) is not Sequence)
    for part in sorted(
        (part for part in parts if part is not NoneType), key=lambda part: (part is Any, part is not np.ndarray)
    ):
        try:
            return check_argument(name, part, value)
        except TypeError as error:  # perhaps it is of the next type; a ValueError is about the value, whatever its type
            problems.append(error)
    raise problems[0]


def _number(name: str, value: Any, whole: bool) -> Any:
    base = name.partition("[")[0]
    allowed = RANGES.get(base, Range(-math.inf))
    whole = whole or allowed.whole
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        value = value.item()
    wanted = str(allowed) if base in RANGES else "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be {wanted}; got {_shown(value)}")
    fits = allowed.low < value if allowed.above else allowed.low <= value
    if whole:
        try:
            value = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            fits = False
    if not (fits and ((value <= allowed.high and math.isfinite(value)) or (base in _INFINITE and value == math.inf))):
        raise ValueError(f"{name} must be {wanted}; got {_shown(value)}")
    return value


def _array(name: str, value: Any) -> np.ndarray:
    """Of numbers, native, finite or NaN; labels as int64."""
    base = name.partition("[")[0]
    try:
        array = np.asarray(value)
        if array.dtype == object:  # such as a table of mixed columns
            is_text = base in _MAY_BE_TEXT and all(isinstance(part, str) for part in array.flat)
            array = array.astype(str if is_text else float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers; got {_shown(value)}") from None
    if array.dtype.kind not in ("biufU" if base in _MAY_BE_TEXT else "biuf"):
        raise TypeError(f"{name} must be an array of numbers; got {_shown(value)} of type {array.dtype}")
    if name in SHAPES and array.ndim != len(SHAPES[name]):
        one_hot = "; of one-hot labels take y.argmax(1)" if name in _LABELS and array.ndim == 2 else ""
        wanted = f"({', '.join(SHAPES[name])}{',' * (len(SHAPES[name]) == 1)})"
        raise ValueError(f"{name} has shape {array.shape}, expected {wanted}{one_hot}")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "f" and (beyond := int((np.abs(array) > LARGEST).sum())):
        raise ValueError(f"{name} holds {beyond} numbers that are infinity or beyond {LARGEST:g}")
    if name in _LABELS:
        if not np.array_equal(array, np.floor(array)) or array.min(initial=0) < 0 or array.max(initial=0) > MANY:
            raise ValueError(f"{name} must be class numbers, whole and from 0 on; got {_shown(array)}")
        array = array if array.dtype.kind in "iu" else array.astype(np.int64)
    return array


def _tuple(name: str, parts: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    _require(isinstance(value, tuple | list), name, f"{len(parts)} values in a tuple", value)
    if len(value) != len(parts):
        raise ValueError(f"{name} must be {len(parts)} values in a tuple; got {len(value)}")
    checked = tuple(
        check_argument(f"{name}[{i}]", part, v) for i, (part, v) in enumerate(zip(parts, value, strict=True))
    )
    if parts == (np.ndarray, np.ndarray):  # windows and their labels
        try:
            X, y = _array("X", checked[0]), _array("y", checked[1])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        _same_length(f"{name}[0]", X, f"{name}[1]", y)
        return X, y
    return checked


def _same_length(X: str, windows: np.ndarray, y: str, labels: np.ndarray) -> None:
    if len(windows) != len(labels) or not len(labels):
        found = f"{len(windows)} windows, {len(labels)} labels"
        raise ValueError(f"{X} and {y} must be at least one window and one label for each; got {found}")


def _sequence(name: str, origin: Any, part: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray) or hasattr(value, "to_numpy"):
        value = np.asarray(value).tolist()
    _require(isinstance(value, Sequence) and not isinstance(value, str | bytes), name, "a sequence", value)
    _not_empty(name, value)
    checked = [check_argument(name, part, item) for item in value]
    return tuple(checked) if origin is tuple or isinstance(value, tuple) else checked


def _not_empty(name: str, value: Any) -> None:
    if not len(value) and name not in _MAY_BE_EMPTY:
        raise ValueError(f"{name} is empty; expected one or more")


def _require(valid: bool, name: str, expected: str, value: Any) -> None:
    if not valid:
        raise TypeError(f"{name} must be {expected}; got {_shown(value)}")


def _is_frame(value: Any) -> bool:
    return any(kind.__name__ == "DataFrame" for kind in type(value).__mro__)


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def _shown(value: Any) -> str:
    if isinstance(value, str | int | float | NoneType):
        return repr(value)[:40]
    return type(value).__name__ + (f" of shape {value.shape}" if isinstance(value, np.ndarray) else "")


def _lacking(error: KeyError, arguments: Mapping[str, Any]) -> ValueError | None:
    """What to raise in the place of a KeyError where an argument is a table: it names the table without the column."""
    tables = {name: value for name, value in arguments.items() if _is_frame(value)}
    key = str(error).strip("\"'").removeprefix("Column not found: ")
    name = next((name for name, table in tables.items() if key not in map(str, table.columns)), None)
    if name is None:
        return None
    texts = {other: [value] if isinstance(value, str) else value for other, value in arguments.items()}
    asked = [f"{other}={arguments[other]!r}" for other, values in texts.items() if isinstance(values, list | tuple)
             and any(isinstance(value, str) and value in key for value in values)]  # fmt: skip
    listed = _listed(tables[name].columns)
    return ValueError(f"{name} has no {key!r}{' for ' * bool(asked)}{_listed(asked)}; its columns are {listed}")


def check_fields(instance: Any) -> None:
    """Hold the fields of a frozen dataclass to their annotations: for __post_init__."""
    names = _Names(vars(sys.modules[type(instance).__module__]))
    for field in fields(instance):
        hint = eval(field.type, {}, names) if isinstance(field.type, str) else field.type
        object.__setattr__(instance, field.name, check_argument(field.name, hint, getattr(instance, field.name)))


class _Names(dict):
    """The names of a module; those it imports for the type checker alone stand for any class of that name."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__({**vars(builtins), **names})

    def __missing__(self, name: str) -> Any:
        return _ClassCalled(name, (), {})


class _ClassCalled(type):
    """A class of which everything is an instance that has a class of this name; so is what is behind its dots."""

    def __instancecheck__(cls, value: Any) -> bool:
        return any(kind.__name__ == cls.__name__ for kind in type(value).__mro__)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _ClassCalled(name, (), {})
