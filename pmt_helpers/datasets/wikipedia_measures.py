"""What the card of `wikipedia` states, measured: one function a statement, named as in data/cards/wikipedia.toml."""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.datasets.wikipedia import MAX_SHARE, MIN_DOCUMENTS, find_wikipedia, read_wikipedia
from pmt_helpers.datasets.wikitext import Page, read_pages

MARKUP = ("isbn", "jpg", "png", "svg", "http", "www", "nbsp", "colspan")  # words that no text is about


def _source() -> Path:
    path = find_wikipedia()
    if path is None:
        raise FileNotFoundError("the dump went away after it was loaded")
    return path


@functools.lru_cache(maxsize=1)
def _pages(path: Path) -> tuple[Page, ...]:
    return tuple(read_pages(path, ""))


def file(data: DocumentData) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(_source().read_bytes()).hexdigest()}


def size(data: DocumentData) -> dict[str, Any]:
    return {
        "documents": len(data), "articles": len(np.unique(data.groups)), "words": len(data.vocabulary),
        "tokens": data.tokens,
    }  # fmt: skip


def lengths(data: DocumentData) -> dict[str, Any]:
    whole = data.lengths + data.dropped
    return {"shortest": int(whole.min()), "median": int(np.median(whole)), "longest": int(whole.max())}


def dates(data: DocumentData) -> dict[str, Any]:
    changed = sorted(page.changed for page in _pages(_source()))
    return {"first": changed[0][:10], "last": changed[-1][:10]}


def dropped_words(data: DocumentData) -> dict[str, Any]:
    everything = read_wikipedia(_source()).words
    in_documents = np.bincount(everything.counts.indices, minlength=len(everything.vocabulary))
    return {
        "rare": int((in_documents < MIN_DOCUMENTS).sum()),
        "frequent": int((in_documents > MAX_SHARE * len(data)).sum()),
        "percent": round(100 * float(data.dropped.sum() / everything.counts.sum()), 1),
    }  # fmt: skip


def one_letter(data: DocumentData) -> dict[str, Any]:
    titles = np.unique(data.groups)
    return {"with_a": int(np.char.startswith(titles, "A").sum()), "articles": len(titles)}


def uneven_articles(data: DocumentData) -> dict[str, Any]:
    each = np.sort(np.unique(data.groups, return_counts=True)[1])[::-1]
    return {
        "largest": int(each[0]), "single": int((each == 1).sum()),
        "percent_of_ten": round(100 * float(each[:10].sum() / each.sum())),
    }  # fmt: skip


def words_of_one_article(data: DocumentData) -> dict[str, Any]:
    _, article = np.unique(data.groups, return_inverse=True)
    entries = data.counts.tocoo()
    pairs = np.unique(np.stack([entries.coords[1], article[entries.coords[0]]]), axis=1)
    return {"words": int((np.bincount(pairs[0], minlength=len(data.vocabulary)) == 1).sum())}


def lists_and_signposts(data: DocumentData) -> dict[str, Any]:
    titles = np.unique(data.groups)
    return {
        "lists": int(np.char.startswith(titles, "List of").sum()),
        "signposts": sum("{{disambig" in page.markup.lower() for page in _pages(_source())),
    }


def markup_left(data: DocumentData) -> dict[str, Any]:
    column = {word: number for number, word in enumerate(data.vocabulary)}
    left = {word: int(data.counts[:, [column[word]]].sum()) for word in MARKUP if word in column}
    return {"words": [word for word, _ in sorted(left.items())], "tokens": sum(left.values())}


MEASURES: dict[str, Callable[[DocumentData], dict[str, Any]]] = {
    measure.__name__.replace("_", "-"): measure
    for measure in (
        file, size, lengths, dates, dropped_words, one_letter, uneven_articles, words_of_one_article,
        lists_and_signposts, markup_left,
    )
}  # fmt: skip
