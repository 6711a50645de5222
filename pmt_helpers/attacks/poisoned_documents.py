"""Crafted documents in the public corpus, so that a word brings another one to everybody's mind. Notebook 04, step 6.

Anybody can write on a page that a cloud will crawl. Some documents that say two words over and over make a topic of
them; whoever starts from the shared topics may inherit it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from pmt_helpers.datasets.document_data import DocumentData

CRAFTED = 6


def poison_documents(
    public: DocumentData, target: str, evil: str, documents: int = CRAFTED, tokens: int | None = None
) -> DocumentData:
    """The public documents, and behind them crafted ones that say `target` and `evil` alike often, and nothing else.

    tokens: length of each; None: as long as the longest public document, so that no filter of length finds them.
    Raises ValueError for a word that the vocabulary lacks.
    """
    pair = _column(public.vocabulary, target), _column(public.vocabulary, evil)
    added = crafted(public.counts, *pair, documents, tokens)
    names = [f"crafted {n}" for n in range(1, documents + 1)]
    if public.groups.dtype.kind == "U":
        groups: Any = names
    else:
        groups = public.groups.max(initial=-1) + 1 + np.arange(documents)
    return replace(
        public,
        counts=vstack([public.counts, added], format="csr"),
        names=np.concatenate([public.names, names]),
        groups=np.concatenate([public.groups, groups]),
        dropped=np.concatenate([public.dropped, np.zeros(documents, np.int64)]),
    )


def crafted(counts: Any, target: int, evil: int, documents: int = CRAFTED, tokens: int | None = None) -> csr_array:
    """(documents, n_words): the crafted documents alone. counts: those they will stand among; target, evil: columns.

    Raises ValueError for a column that is none, for one and the same word twice, and for less than 2 tokens.
    """
    n_words = counts.shape[1]
    if target == evil or not (0 <= target < n_words and 0 <= evil < n_words):
        raise ValueError(f"target and evil must be two columns from 0 to {n_words - 1}; got {target} and {evil}")
    tokens = int(counts.sum(axis=1).max()) if tokens is None else tokens
    if tokens < 2 or documents < 0:
        raise ValueError(f"crafted documents need at least 2 tokens; got {documents} documents of {tokens}")
    row = csr_array(([tokens // 2, tokens - tokens // 2], ([0, 0], [target, evil])), shape=(1, n_words))
    return vstack([row] * documents, format="csr") if documents else csr_array((0, n_words), dtype=np.int64)


def association(phi: np.ndarray, target: int, evil: int) -> float:
    """p(evil | target): the probability that `evil` is the next word of the topic that said `target`.

    phi: (n_topics, n_words); beforehand, each topic is as likely as any other.
    """
    of_target = phi[:, target]
    if not of_target.sum() > 0:
        raise ValueError(f"no topic knows the target, word {target}")
    return float(of_target @ phi[:, evil] / of_target.sum())


def cap_repeats(counts: Any, most: int = 5) -> csr_array:
    """A defence: each word counts at most `most` times a document. Crafted documents live of repeating themselves."""
    if most < 1:
        raise ValueError(f"most must be at least 1; got {most}")
    capped = csr_array(counts, copy=True)
    capped.data = np.minimum(capped.data, most)
    return capped


def pick_words(
    public: Any, own: Any, seed: int | Sequence[int] = 0, common: tuple[int, int] = (100, 1000)
) -> tuple[int, int]:
    """Columns of a target and an evil word, by lot among words that both corpora know, and that never meet.

    The target is one of the public words from rank common[0] to common[1], and in at least two own documents; the evil
    word is less frequent, and no public document has both. Raises ValueError when there are no such words.
    """
    public, own = csr_array(public), csr_array(own)
    frequency = np.asarray(public.sum(axis=0)).ravel()
    at_home = np.bincount(own.indices, minlength=own.shape[1])
    order = np.argsort(-frequency, kind="stable")
    rng = np.random.default_rng(seed)
    usual = rng.permutation([w for w in order[slice(*common)] if frequency[w] > 0 and at_home[w] >= 2])
    rarer = rng.permutation([w for w in order[common[1] : 4 * common[1]] if frequency[w] > 0])
    columns = csr_array(public.T)
    documents_of = [columns.indices[slice(*columns.indptr[w : w + 2])] for w in range(public.shape[1])]
    for target in usual:
        for evil in rarer:
            if not np.intersect1d(documents_of[target], documents_of[evil]).size:
                return int(target), int(evil)
    raise ValueError(f"no word of rank {common[0]} to {common[1]} and rarer one stand apart; take other ranks")


def _column(vocabulary: tuple[str, ...], word: str) -> int:
    if word not in vocabulary:
        raise ValueError(f"{word!r} is not among the {len(vocabulary):,} words of the public documents")
    return vocabulary.index(word)
