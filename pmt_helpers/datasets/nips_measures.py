"""What the card of `nips` states, measured: one function a statement, named as in data/cards/nips.toml."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.datasets.nips import MORE_THAN, content_digest, read_nips
from pmt_helpers.datasets.nips_files import FULL, REDUCED, find_files
from pmt_helpers.datasets.word_counts import WordCounts, keep_words

FEW = 10  # tokens: no paper is that short


def size(data: DocumentData) -> dict[str, Any]:
    words = WordCounts(data.counts, data.vocabulary, data.dropped)
    return {
        "documents": len(data), "words": len(data.vocabulary), "entries": int(data.counts.nnz), "tokens": data.tokens,
        "digest": content_digest(words),
    }  # fmt: skip


def lengths(data: DocumentData) -> dict[str, Any]:
    return {"median": int(np.median(data.lengths)), "longest": int(data.lengths.max())}


def rarest(data: DocumentData) -> dict[str, Any]:
    return {"occurs": int(np.asarray(data.counts.sum(axis=0)).min())}


def full_table(data: DocumentData) -> dict[str, Any]:
    files = find_files()
    if files is None or not files.complete or files.table.sizes != FULL.sizes:
        return {}
    words = read_nips(files).words
    (documents, n_words), entries = words.counts.shape, int(words.counts.nnz)
    same = content_digest(keep_words(words, more_than=MORE_THAN)) == REDUCED.digest
    reduced = "the one described here" if same else "another one"
    return {"documents": documents, "words": n_words, "entries": entries, "reduced": reduced}


def copies(data: DocumentData) -> dict[str, Any]:
    return {"papers": len(data) - len(np.unique(data.groups))}


def fragments(data: DocumentData) -> dict[str, Any]:
    return {"papers": int((data.lengths < FEW).sum()), "shortest": int(data.lengths.min())}


def odd_words(data: DocumentData) -> dict[str, Any]:
    odd = [word for word in data.vocabulary if not word.isalpha()]
    return {"words": len(odd), "examples": [word for word in odd if word in ("sch61kopf", "n00014", "xt_")]}


def other_stop_words(data: DocumentData) -> dict[str, Any]:
    from gensim.parsing.preprocessing import STOPWORDS

    known = [number for number, word in enumerate(data.vocabulary) if word in STOPWORDS]
    tokens = int(data.counts[:, known].sum())
    return {"words": len(known), "percent": round(100 * tokens / data.tokens, 1)}


def singular(data: DocumentData) -> dict[str, Any]:
    words = set(data.vocabulary)
    missing = [plural for plural in ("networks", "models", "functions") if plural not in words]
    return {"missing": missing, "pairs": sum(word + "s" in words for word in words)}


def no_titles(data: DocumentData) -> dict[str, Any]:
    return {"first": str(data.names[0]), "last": str(data.names[-1])}


MEASURES: dict[str, Callable[[DocumentData], dict[str, Any]]] = {
    measure.__name__.replace("_", "-"): measure
    for measure in (
        size, lengths, rarest, full_table, copies, fragments, odd_words, other_stop_words, singular, no_titles,
    )
}  # fmt: skip
