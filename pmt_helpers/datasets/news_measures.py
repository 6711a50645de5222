"""What the card of `news` states, measured: one function a statement, named as in data/cards/news.toml."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.datasets.news import find_news, read_lines
from pmt_helpers.datasets.tokens import tokenise
from pmt_helpers.datasets.wikipedia import MAX_SHARE, MIN_DOCUMENTS
from pmt_helpers.datasets.word_counts import count_everything

ALIKE = 0.5  # of the words of two texts together, the share that both have


def _source() -> Path:
    path = find_news()
    if path is None:
        raise FileNotFoundError("the file went away after it was loaded")
    return path


def file(data: DocumentData) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(_source().read_bytes()).hexdigest()}


def size(data: DocumentData) -> dict[str, Any]:
    return {"documents": len(data), "words": len(data.vocabulary), "tokens": data.tokens}


def lengths(data: DocumentData) -> dict[str, Any]:
    whole = data.lengths + data.dropped
    return {"shortest": int(whole.min()), "median": int(np.median(whole)), "longest": int(whole.max())}


def dropped_words(data: DocumentData) -> dict[str, Any]:
    everything = count_everything([tokenise(line) for line in read_lines(_source())])
    in_documents = np.bincount(everything.counts.indices, minlength=len(everything.vocabulary))
    frequent = np.flatnonzero(in_documents > MAX_SHARE * len(data))
    return {
        "rare": int((in_documents < MIN_DOCUMENTS).sum()), "frequent": [everything.vocabulary[i] for i in frequent],
        "percent": round(100 * float(data.dropped.sum() / everything.counts.sum()), 1),
    }  # fmt: skip


def duplicates(data: DocumentData) -> dict[str, Any]:
    texts = len(np.unique(data.groups))
    return {"copies": len(data) - texts, "texts": texts}


def near_duplicates(data: DocumentData) -> dict[str, Any]:
    once = data.select(np.unique(data.groups, return_index=True)[1])
    present = (once.counts > 0).astype(np.int64)
    shared = (present @ present.T).toarray()
    sizes = shared.diagonal()
    alike = shared / (sizes[:, None] + sizes[None, :] - shared)
    return {"pairs": int((np.triu(alike, k=1) > ALIKE).sum())}


def fewer_than_described(data: DocumentData) -> dict[str, Any]:
    return {"documents": len(data)}


def unlabelled(data: DocumentData) -> dict[str, Any]:
    raw = _source().read_bytes()
    texts = raw.lower().splitlines()
    return {
        "lines": len(texts), "not_ascii": int((np.frombuffer(raw, dtype=np.uint8) > 127).sum()),
        "taliban": sum(b"taliban" in text for text in texts),
        "september": sum(b"september 11" in text for text in texts),
    }  # fmt: skip


MEASURES: dict[str, Callable[[DocumentData], dict[str, Any]]] = {
    measure.__name__.replace("_", "-"): measure
    for measure in (
        file, size, lengths, dropped_words, duplicates, near_duplicates, fewer_than_described, unlabelled,
    )
}  # fmt: skip
