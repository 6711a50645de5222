"""DocumentData refuses what does not fit together, and hands out documents without losing their groups."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

from pmt_helpers.datasets import DocumentData, load_card

COUNTS = [[2, 0, 1], [0, 3, 0], [1, 1, 1], [0, 0, 4]]


@pytest.fixture
def data() -> DocumentData:
    return DocumentData(
        counts=csr_array(np.array(COUNTS)), vocabulary=("apple", "bread", "cheese"),
        groups=np.array(["a", "a", "b", "c"]), names=np.array(["a 1", "a 2", "b", "c"]), dropped=np.array([0, 1, 0, 5]),
        card=load_card("news"), source="four documents",
    )  # fmt: skip


def test_types_are_settled_and_sizes_told(data: DocumentData) -> None:
    assert data.counts.dtype == np.int32
    assert data.dropped.dtype == np.int64
    assert data.counts.toarray().tolist() == COUNTS
    assert data.lengths.tolist() == [3, 3, 3, 4]
    assert (len(data), data.tokens) == (4, 13)
    assert data.summary == "4 documents, 3 words, 13 tokens"
    assert repr(data) == "DocumentData(news: 4 documents, 3 words, 13 tokens)"
    assert data.skipped == ()


@pytest.mark.parametrize("pick", [np.array([False, True, False, True]), np.array([3, 0]), slice(1, 3)])
def test_selecting_keeps_each_document_with_its_group(data: DocumentData, pick: Any) -> None:
    part = data.select(pick)
    assert part.counts.toarray().tolist() == np.array(COUNTS)[pick].tolist()
    assert part.groups.tolist() == data.groups[pick].tolist()
    assert part.names.tolist() == data.names[pick].tolist()
    assert part.dropped.tolist() == data.dropped[pick].tolist()
    assert part.vocabulary == data.vocabulary


def test_nothing_can_be_written_to(data: DocumentData) -> None:
    for array in (data.counts.data, data.counts.indices, data.counts.indptr, data.groups, data.names, data.dropped):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_the_callers_own_counts_stay_writable(data: DocumentData) -> None:
    mine = csr_array(np.array(COUNTS, dtype=np.int32))
    theirs = replace(data, counts=mine)
    mine.data[0] = 7
    assert not theirs.counts.data.flags.writeable


def test_read_only_counts_can_be_computed_with(data: DocumentData) -> None:
    dense = np.array(COUNTS)
    assert (data.counts @ np.ones(3)).tolist() == dense.sum(axis=1).tolist()
    assert data.counts.T.tocsr().toarray().tolist() == dense.T.tolist()
    assert data.counts[[1, 0], :2].toarray().tolist() == dense[[1, 0], :2].tolist()
    assert (data.counts > 0).sum() == (dense > 0).sum()


def test_entries_out_of_order_are_sorted_and_stored_zeros_removed(data: DocumentData) -> None:
    messy = csr_array(
        (np.array([1, 1, 1, 0, 3, 1, 1, 1, 4]), np.array([2, 0, 0, 1, 1, 1, 2, 0, 2]), np.array([0, 4, 5, 8, 9])),
        shape=(4, 3),
    )
    settled = replace(data, counts=messy).counts
    assert settled.toarray().tolist() == COUNTS
    assert settled.nnz == np.count_nonzero(COUNTS)
    assert settled.has_sorted_indices
    assert messy.nnz == 9  # the caller's own is as it was


@pytest.mark.parametrize("kind", [coo_array, csr_array, np.array])
def test_other_ways_to_hold_counts_are_welcome(data: DocumentData, kind: Any) -> None:
    assert replace(data, counts=kind(np.array(COUNTS, dtype=np.float64))).counts.toarray().tolist() == COUNTS


def changed(row: int, value: float) -> csr_array:
    dense = np.array(COUNTS, dtype=np.float64)
    dense[row] = value
    return csr_array(dense)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"counts": changed(1, 0.5)}, "counts hold 0.5"),
        ({"counts": changed(1, -1)}, "counts hold -1"),
        ({"counts": changed(1, np.nan)}, "counts hold nan"),
        ({"counts": changed(1, np.inf)}, "counts hold inf"),
        ({"counts": changed(1, 3e9)}, "counts hold 3000000000"),
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
def test_what_does_not_fit_together_is_refused(data: DocumentData, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(data, **change)


def test_groups_may_be_numbers(data: DocumentData) -> None:
    assert replace(data, groups=[0, 0, 2, 3]).groups.dtype == np.int64
