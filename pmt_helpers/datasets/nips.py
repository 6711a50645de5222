"""NIPS papers as counts of words, from UCI's bag of words (Newman 2008). Notebooks 03 and 04.

Fetched on request, never shipped. The full table and a reduced one are accepted; by default only words that occur more
than 20 times are kept, and with these both hold the same.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets import nips_files
from pmt_helpers.datasets.bag_of_words import read_docword, read_vocabulary
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.counted_texts import CountedTexts, as_documents
from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.datasets.download import download
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.nips_files import NipsFiles, NipsTable, how_to_get
from pmt_helpers.datasets.word_counts import WordCounts, keep_words

MORE_THAN = 20  # occurrences in all papers together


def load_nips(
    vocabulary: Sequence[str] | None = None, *, grow: bool = False, more_than: int = MORE_THAN
) -> DocumentData:
    """All papers in file order, over the words that occur more than more_than times (0: all that the table has).

    Papers with the same counts share a group: the number of the first of them, from 0 on. Raises DataError.
    """
    files = nips_files.find_files()
    if files is None:
        raise DataError(
            file=nips_files.nips_folder(), expected="the NIPS papers", found="none of its files", remedy=how_to_get()
        )  # fmt: skip
    if more_than < files.table.more_than:
        raise DataError(
            file=files.docword, expected=f"every word that occurs more than {more_than} times",
            found=f"{files.table.what}, which lacks words that occur {files.table.more_than} times or less",
            remedy=f"Leave out more_than={more_than}, or get the full table and remove this one. {how_to_get()}",
        )  # fmt: skip
    texts = read_nips(files)
    common = replace(texts, words=keep_words(texts.words, more_than=more_than))  # first: so both tables agree
    source = f"{files.docword.name}, {files.table.what}; words that occur more than {more_than} times"
    return as_documents(
        common, load_card("nips"), source, file=files.docword, vocabulary=vocabulary, grow=grow
    )  # fmt: skip


def fetch_nips(url: str = nips_files.URL) -> Path:
    """Path of the verified docword file: what is there already, else the full table, downloaded. Raises DataError."""
    files = nips_files.find_files()
    if files is None or not files.complete:
        full = nips_files.FULL
        files = nips_files.files_of(full)
        if not files.docword.is_file():
            download(url + full.docword, files.docword, verify=lambda path: _read_counts(path, full))
        if not files.vocabulary.is_file():
            download(url + full.vocabulary, files.vocabulary, verify=lambda path: _read_words(path, full))
    read_nips(files)
    return files.docword


def read_nips(files: NipsFiles) -> CountedTexts:
    """The verified content of a pair of files, all words; read once for each state of the files."""
    for path in (files.docword, files.vocabulary):
        if not path.is_file():
            other = files.vocabulary if path is files.docword else files.docword
            raise DataError(
                file=path, expected=f"a file beside {other.name}", found="no such file", remedy=how_to_get()
            )  # fmt: skip
    states = [path.stat() for path in (files.docword, files.vocabulary)]
    return _read_nips(files, tuple((state.st_mtime_ns, state.st_size) for state in states))


@functools.lru_cache(maxsize=2)
def _read_nips(files: NipsFiles, states: tuple[tuple[int, int], ...]) -> CountedTexts:
    counts = _read_counts(files.docword, files.table)
    n_docs = counts.shape[0]
    vocabulary = _read_words(files.vocabulary, files.table)
    words = WordCounts(counts, vocabulary, np.zeros(n_docs, dtype=np.int64))
    found = content_digest(words)
    if files.table.digest not in (None, found):
        raise DataError(
            file=files.docword, expected=f"the published counts, digest {str(files.table.digest)[:12]}...",
            found=f"other counts or words, digest {found[:12]}...", remedy=_again(),
        )  # fmt: skip
    first: dict[bytes, int] = {}
    spans = [slice(*edges) for edges in zip(counts.indptr, counts.indptr[1:], strict=False)]
    papers = [counts.indices[span].tobytes() + counts.data[span].tobytes() for span in spans]
    groups = [first.setdefault(paper, number) for number, paper in enumerate(papers)]
    names = [f"paper {number}" for number in range(1, n_docs + 1)]  # the table has no titles
    return CountedTexts(words, np.array(names), np.array(groups))


def content_digest(words: WordCounts) -> str:
    """sha256 of the vocabulary and of (document, word, count) as little-endian 32-bit numbers, in ascending order."""
    entries = words.counts.tocoo()
    order = np.lexsort((entries.coords[1], entries.coords[0]))
    table = np.stack([*entries.coords, entries.data], axis=1)[order].astype("<i4")
    return hashlib.sha256("\n".join(words.vocabulary).encode() + b"\n" + table.tobytes()).hexdigest()


def _read_counts(path: Path, table: NipsTable) -> csr_array:
    counts = read_docword(path, _again())
    found = (*counts.shape, counts.nnz)
    if found != table.sizes:
        documents, words, entries = table.sizes
        raise DataError(
            file=path, expected=f"{table.what}: {documents:,} documents, {words:,} words, {entries:,} entries",
            found=f"{found[0]:,} documents, {found[1]:,} words, {found[2]:,} entries", remedy=_again(),
        )  # fmt: skip
    tokens, (least, most) = int(counts.sum()), table.tokens
    if not least <= tokens <= most:
        raise DataError(
            file=path, expected=f"{table.what}: {least:,} to {most:,} tokens", found=f"{tokens:,}", remedy=_again()
        )  # fmt: skip
    return counts


def _read_words(path: Path, table: NipsTable) -> tuple[str, ...]:
    return read_vocabulary(path, table.sizes[1], _again())


def _again() -> str:
    return f"Delete it, then get it again. {how_to_get()}"
