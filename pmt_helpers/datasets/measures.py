"""What the cards of several datasets state, measured on their data: one function per statement."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pmt_helpers.datasets.base import ActivityData, DocumentData

Measure = Callable[[Any], dict[str, Any]]  # from a dataset to the values of one statement; {} where a file is missing


def by_statement(*measures: Measure) -> dict[str, Measure]:
    """Statement id -> its measure: the function's name, written with hyphens."""
    return {measure.__name__.replace("_", "-"): measure for measure in measures}


def size(data: ActivityData) -> dict[str, Any]:
    return {"windows": len(data), "users": len(data.user_ids), "features": len(data.feature_names)}


def per_user(data: ActivityData) -> dict[str, Any]:
    windows = np.unique(data.users, return_counts=True)[1]
    return {"smallest": int(windows.min()), "largest": int(windows.max())}


def classes(data: ActivityData) -> dict[str, Any]:
    return {name: int((data.y == code).sum()) for code, name in enumerate(data.class_names)}


def lengths(data: DocumentData) -> dict[str, Any]:
    tokens = data.lengths + data.dropped
    return {"shortest": int(tokens.min()), "median": int(np.median(tokens)), "longest": int(tokens.max())}


def copies(data: DocumentData) -> int:
    """How many documents repeat another one (they share its group)."""
    return len(data) - len(np.unique(data.groups))
