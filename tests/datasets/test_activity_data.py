"""ActivityData refuses what does not fit together, and hands out windows without losing their owners."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pmt_helpers.datasets import ActivityData, load_card


@pytest.fixture
def data() -> ActivityData:
    n = 8
    return ActivityData(
        X=np.arange(2 * n, dtype=np.float64).reshape(n, 2), y=np.arange(n) % 2, users=np.repeat([5, 3], n // 2),
        recordings=np.repeat([0, 1, 2, 3], 2), starts=np.arange(n), window_readings=0, feature_names=("a", "b"),
        class_names=("still", "moving"), card=load_card("watch"),
    )  # fmt: skip


def test_types_are_settled_and_users_sorted(data: ActivityData) -> None:
    assert data.X.dtype == np.float32
    assert {getattr(data, name).dtype for name in ("y", "users", "recordings", "starts")} == {np.dtype(np.int64)}
    assert data.user_ids.tolist() == [3, 5]
    assert len(data) == 8
    assert repr(data) == "ActivityData(watch: 8 windows, 2 users, 2 classes, 2 features)"


@pytest.mark.parametrize("pick", [np.array([False] * 4 + [True] * 4), np.array([7, 4]), slice(2, 3)])
def test_selecting_keeps_each_window_with_its_labels(data: ActivityData, pick: Any) -> None:
    part = data.select(pick)
    assert part.X.tolist() == data.X[pick].tolist()
    assert part.users.tolist() == data.users[pick].tolist()
    assert part.starts.tolist() == data.starts[pick].tolist()
    assert part.class_names == data.class_names


def test_the_callers_own_array_stays_writable(data: ActivityData) -> None:
    mine = np.zeros((8, 2), dtype=np.float32)
    theirs = replace(data, X=mine)
    mine[0, 0] = 1.0
    assert not theirs.X.flags.writeable


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"X": np.zeros((8, 3))}, "X has shape"),
        ({"X": np.zeros((7, 2))}, "X has shape"),
        ({"users": np.zeros(7)}, "users has shape"),
        ({"recordings": np.zeros((8, 1))}, "recordings has shape"),
        ({"X": np.full((8, 2), np.inf)}, "infinite"),
        ({"y": np.full(8, 2)}, "y runs from 2 to 2, expected 0 to 1"),
        ({"y": np.full(8, -1)}, "y runs from -1"),
    ],
)
def test_what_does_not_fit_together_is_refused(data: ActivityData, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(data, **change)


def test_missing_values_are_allowed(data: ActivityData) -> None:
    assert np.isnan(replace(data, X=np.full((8, 2), np.nan)).X).all()
