"""What the loaders return refuses what does not fit together, and selects without losing owners or groups."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

from pmt_helpers.datasets import ActivityData, DocumentData, load_card


@pytest.fixture
def windows() -> ActivityData:
    n = 8
    return ActivityData(
        X=np.arange(2 * n, dtype=np.float64).reshape(n, 2), y=np.arange(n) % 2, users=np.repeat([5, 3], n // 2),
        recordings=np.repeat([0, 1, 2, 3], 2), starts=np.arange(n), window_readings=0, feature_names=("a", "b"),
        class_names=("still", "moving"), card=load_card("watch"),
    )  # fmt: skip


def test_types_are_fixed_and_users_sorted(windows: ActivityData) -> None:
    assert windows.X.dtype == np.float32
    assert {getattr(windows, name).dtype for name in ("y", "users", "recordings", "starts")} == {np.dtype(np.int64)}
    assert windows.user_ids.tolist() == [3, 5]
    assert len(windows) == 8
    assert repr(windows) == "ActivityData(watch: 8 windows, 2 users, 2 classes, 2 features)"


@pytest.mark.parametrize("pick", [np.array([False] * 4 + [True] * 4), np.array([7, 4]), slice(2, 3)])
def test_selecting_keeps_each_window_with_its_labels(windows: ActivityData, pick: Any) -> None:
    part = windows.select(pick)
    assert part.X.tolist() == windows.X[pick].tolist()
    assert part.users.tolist() == windows.users[pick].tolist()
    assert part.starts.tolist() == windows.starts[pick].tolist()
    assert part.class_names == windows.class_names


def test_each_user_has_their_own_windows_in_their_order(windows: ActivityData) -> None:
    own = windows.by_user()
    assert list(own) == windows.user_ids.tolist()
    for user, data in own.items():
        np.testing.assert_array_equal(data.X, windows.X[windows.users == user])
        np.testing.assert_array_equal(data.starts, windows.starts[windows.users == user])
    assert windows.select(np.zeros(len(windows), bool)).by_user() == {}


def test_the_callers_own_array_stays_writable(windows: ActivityData) -> None:
    mine = np.zeros((8, 2), dtype=np.float32)
    theirs = replace(windows, X=mine)
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
def test_windows_that_do_not_fit_together_are_refused(windows: ActivityData, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(windows, **change)


def test_missing_values_are_allowed(windows: ActivityData) -> None:
    assert np.isnan(replace(windows, X=np.full((8, 2), np.nan)).X).all()


COUNTS = [[2, 0, 1], [0, 3, 0], [1, 1, 1], [0, 0, 4]]


@pytest.fixture
def docs() -> DocumentData:
    return DocumentData(
        counts=csr_array(np.array(COUNTS)), vocabulary=("apple", "bread", "cheese"),
        groups=np.array(["a", "a", "b", "c"]), names=np.array(["a 1", "a 2", "b", "c"]), dropped=np.array([0, 1, 0, 5]),
        card=load_card("news"), source="four documents",
    )  # fmt: skip


def test_types_are_fixed_and_sizes_counted(docs: DocumentData) -> None:
    assert docs.counts.dtype == np.int32
    assert docs.dropped.dtype == np.int64
    assert docs.counts.toarray().tolist() == COUNTS
    assert docs.lengths.tolist() == [3, 3, 3, 4]
    assert (len(docs), docs.tokens) == (4, 13)
    assert docs.summary == "4 documents, 3 words, 13 tokens"
    assert repr(docs) == "DocumentData(news: 4 documents, 3 words, 13 tokens)"
    assert docs.skipped == ()


@pytest.mark.parametrize("pick", [np.array([False, True, False, True]), np.array([3, 0]), slice(1, 3)])
def test_selecting_keeps_each_document_with_its_group(docs: DocumentData, pick: Any) -> None:
    part = docs.select(pick)
    assert part.counts.toarray().tolist() == np.array(COUNTS)[pick].tolist()
    assert part.groups.tolist() == docs.groups[pick].tolist()
    assert part.names.tolist() == docs.names[pick].tolist()
    assert part.dropped.tolist() == docs.dropped[pick].tolist()
    assert part.vocabulary == docs.vocabulary


def test_nothing_can_be_written_to(docs: DocumentData) -> None:
    for array in (
        docs.counts.data,
        docs.counts.indices,
        docs.counts.indptr,
        docs.groups,
        docs.names,
        docs.dropped,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_the_callers_own_counts_stay_writable(docs: DocumentData) -> None:
    mine = csr_array(np.array(COUNTS, dtype=np.int32))
    theirs = replace(docs, counts=mine)
    mine.data[0] = 7
    assert not theirs.counts.data.flags.writeable


def test_read_only_counts_can_be_computed_with(docs: DocumentData) -> None:
    dense = np.array(COUNTS)
    assert (docs.counts @ np.ones(3)).tolist() == dense.sum(axis=1).tolist()
    assert docs.counts.T.tocsr().toarray().tolist() == dense.T.tolist()
    assert docs.counts[[1, 0], :2].toarray().tolist() == dense[[1, 0], :2].tolist()
    assert (docs.counts > 0).sum() == (dense > 0).sum()


def test_entries_are_sorted_and_stored_zeros_removed(docs: DocumentData) -> None:
    messy = csr_array(
        (np.array([1, 1, 1, 0, 3, 1, 1, 1, 4]), np.array([2, 0, 0, 1, 1, 1, 2, 0, 2]), np.array([0, 4, 5, 8, 9])),
        shape=(4, 3),
    )
    settled = replace(docs, counts=messy).counts
    assert settled.toarray().tolist() == COUNTS
    assert settled.nnz == np.count_nonzero(COUNTS)
    assert settled.has_sorted_indices
    assert messy.nnz == 9  # the caller's own is as it was


@pytest.mark.parametrize("kind", [coo_array, csr_array, np.array])
def test_other_ways_to_hold_counts_are_welcome(docs: DocumentData, kind: Any) -> None:
    assert replace(docs, counts=kind(np.array(COUNTS, dtype=np.float64))).counts.toarray().tolist() == COUNTS


def changed(row: int, value: float) -> csr_array:
    dense = np.array(COUNTS, dtype=np.float64)
    dense[row] = value
    return csr_array(dense)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"counts": changed(1, 0.5)}, "for example 0.5"),
        ({"counts": changed(1, -1)}, "negative, the lowest -1"),
        ({"counts": changed(1, np.nan)}, "NaN or infinite"),
        ({"counts": changed(1, np.inf)}, "NaN or infinite"),
        ({"counts": changed(1, 3e9)}, "counts hold 3,000,000,000"),
        ({"counts": changed(1, 0)}, "1 of 4 documents have no words"),
        ({"counts": np.ones(3)}, "1 dimensions"),
        ({"counts": csr_array(np.ones((4, 2)))}, "2 columns, but the vocabulary has 3 words"),
        ({"counts": csr_array(np.ones((3, 3)))}, "groups has shape"),
        ({"vocabulary": ("apple", "bread", "apple")}, "holds a word twice"),
        ({"groups": np.array([0.5, 1, 2, 3])}, "groups are of type float64"),
        ({"groups": np.array([0, 1, 2])}, "groups has shape"),
        ({"names": np.array(["a"])}, "names has shape"),
        ({"dropped": np.zeros((4, 1))}, "dropped has shape"),
    ],
)
def test_documents_that_do_not_fit_together_are_refused(docs: DocumentData, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(docs, **change)


def test_groups_may_be_numbers(docs: DocumentData) -> None:
    assert replace(docs, groups=[0, 0, 2, 3]).groups.dtype == np.int64
