"""Who has which documents: the public ones, one person's own, and the test documents, which are nobody's. Notebook 03.

Each seed splits the documents anew, so the seeds differ in documents as well as in draws, and an interval over them
holds both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.doors import check_fields
from pmt_helpers.topics.gibbs import ITERATIONS, GibbsLDA
from pmt_helpers.topics.validation import check_counts


@dataclass(frozen=True)
class TopicSettings:
    """How many documents are public, how many one person's, and what model is fitted; NIPS leaves 200 to test."""

    n_shared: int = 1000
    n_local: int = 300
    n_topics: int = 20
    alpha: float = 2.5
    beta: float = 0.1
    iterations: int = ITERATIONS

    def __post_init__(self) -> None:
        check_fields(self)

    def model(self, *seed: int) -> GibbsLDA:
        """An untrained model."""
        return GibbsLDA(self.n_topics, self.alpha, self.beta, seed)


class DocumentSplit(NamedTuple):
    """Row numbers of documents: public ones, one person's, and those to test on."""

    shared: np.ndarray
    local: np.ndarray
    test: np.ndarray


class SplitCounts(NamedTuple):
    """The counts of each part, over one vocabulary, and the groups of the person's own documents."""

    shared: csr_array
    local: csr_array
    test: csr_array
    local_groups: np.ndarray


def split(
    documents: DocumentData | csr_array, settings: TopicSettings, seed: int, public: DocumentData | None = None
) -> SplitCounts:
    """The parts for one seed. Without `public`, the public documents come from the same collection as the others.

    public: another collection for the cloud, whole (n_shared does not count); the vocabulary of `documents` must begin
    with its vocabulary, and may go on with words of one's own. Raises ValueError when it does not.
    """
    counts = documents.counts if isinstance(documents, DocumentData) else check_counts(documents)
    groups = documents.groups if isinstance(documents, DocumentData) else np.arange(counts.shape[0])
    if public is None:
        rows = split_documents(groups, settings.n_shared, settings.n_local, seed)
        return SplitCounts(counts[rows.shared], counts[rows.local], counts[rows.test], groups[rows.local])
    if not isinstance(documents, DocumentData) or documents.vocabulary[: len(public.vocabulary)] != public.vocabulary:
        raise ValueError("the documents' vocabulary must begin with that of the public ones: load them with it, grown")
    local, test = _group_split(groups, (settings.n_local,), seed)
    shared = public.counts.copy()
    shared.resize((len(public), counts.shape[1]))  # own words, which no public document has
    return SplitCounts(shared, counts[local], counts[test], groups[local])


def hold_out(documents: DocumentData, n_local: int, seed: int = 0) -> tuple[DocumentData, DocumentData]:
    """One person's own documents, at least n_local of them, and the rest, which tests; split as `split` does it."""
    local, test = _group_split(documents.groups, (n_local,), seed)
    return documents.select(local), documents.select(test)


def split_documents(groups: Sequence | np.ndarray, n_shared: int, n_local: int, seed: int = 0) -> DocumentSplit:
    """Split documents at random; those of one group stay together, so a part may exceed its number by part of a group.

    groups: one value per document. Raises ValueError when a part is empty, or nothing is left to test on.
    """
    return DocumentSplit(*_group_split(groups, (n_shared, n_local), seed))


def _group_split(groups: Sequence | np.ndarray, sizes: tuple[int, ...], seed: int) -> list[np.ndarray]:
    """Row numbers of parts of at least these sizes, and of the rest, whole groups in a random order."""
    if not len(groups):
        raise ValueError("groups must hold one value per document; got none")
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    turn = np.random.default_rng(seed).permutation(group.max() + 1)[group]
    order = np.lexsort((np.arange(len(group)), turn))
    group_starts = np.append(np.flatnonzero(np.diff(turn[order], prepend=-1)), len(order))
    ends = [0]
    for size in sizes:
        ends.append(int(group_starts[np.searchsorted(group_starts, min(ends[-1] + size, len(order)))]))
    if min(sizes) < 1 or ends[-1] == len(order):
        parts = f"{sizes[0]} public and {sizes[1]} local ones" if len(sizes) > 1 else f"{sizes[0]} local ones"
        documents = f"{len(order)} documents in {len(group_starts) - 1} groups"
        raise ValueError(
            f"{documents} cannot be split into {parts}, and some to test on: see n_local, n_shared, settings"
        )
    return np.split(order, ends[1:])
