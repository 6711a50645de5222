"""Documents are split fairly: each once, groups whole, anew for each seed; or the cloud's come from elsewhere."""

import numpy as np
import pytest

from pmt_helpers.datasets import DocumentData, load_card
from pmt_helpers.topics import TopicSettings, split_documents
from pmt_helpers.topics.splits import split


def as_documents(counts, words) -> DocumentData:
    n_docs = counts.shape[0]
    names = np.array([f"document {d}" for d in range(n_docs)])
    return DocumentData(counts, tuple(words), np.arange(n_docs), names, np.zeros(n_docs, int), load_card("news"), "")


def test_every_document_is_in_one_part_and_anew_for_each_seed() -> None:
    rows = split_documents(np.arange(50), 30, 15, seed=1)
    assert [len(part) for part in rows] == [30, 15, 5]
    assert sorted(np.concatenate(rows)) == list(range(50))
    assert not np.array_equal(rows.shared, split_documents(np.arange(50), 30, 15, seed=2).shared)


def test_documents_of_one_group_stay_together() -> None:
    groups = np.repeat([f"article {number}" for number in range(12)], 4)
    for seed in range(5):
        rows = split_documents(groups, 21, 6, seed)
        assert [len(part) for part in rows] == [24, 8, 16]
        of_part = [set(groups[part]) for part in rows]
        assert sum(map(len, of_part)) == 12


@pytest.mark.parametrize(("n_shared", "n_local"), [(40, 10), (60, 10), (40, 60), (0, 10), (10, 0)])
def test_too_few_documents_are_named(n_shared: int, n_local: int) -> None:
    with pytest.raises(
        ValueError,
        match=f"50 documents in 50 groups cannot be split into {n_shared} public|must be a whole number from 1",
    ):
        split_documents(np.arange(50), n_shared, n_local)


def test_parts_hold_the_documents_of_their_rows(planted) -> None:
    parts = split(planted.counts, TopicSettings(n_shared=120, n_local=20), seed=3)
    rows = split_documents(np.arange(200), 120, 20, seed=3)
    for part, part_rows in zip(parts, rows, strict=False):
        np.testing.assert_array_equal(part.toarray(), planted.counts[part_rows].toarray())
    np.testing.assert_array_equal(parts.local_groups, rows.local)


def test_the_clouds_own_collection_stays_whole_and_never_has_the_words_of_home(planted) -> None:
    words = [f"word{w}" for w in range(60)]
    public = as_documents(planted.counts[:150], words)
    grown = np.hstack([planted.counts[150:].toarray(), np.ones((50, 3), int)])
    own = as_documents(grown, [*words, "my", "own", "words"])
    parts = split(own, TopicSettings(n_local=20), seed=0, public=public)
    assert [part.shape for part in parts[:3]] == [(150, 63), (20, 63), (30, 63)]
    assert parts.shared[:, 60:].sum() == 0
    np.testing.assert_array_equal(parts.shared[:, :60].toarray(), public.counts.toarray())
    assert public.counts.shape == (150, 60)  # and the given one is as it was
    with pytest.raises(ValueError, match="must begin with that of the public ones"):
        split(public, TopicSettings(n_local=20), seed=0, public=own)
    with pytest.raises(ValueError, match="50 documents in 50 groups cannot be split into 50 local ones"):
        split(own, TopicSettings(n_local=50), seed=0, public=public)
