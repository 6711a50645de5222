"""NIPS papers as counts of words, from UCI's bag of words (Newman 2008). Notebooks 03 and 04.

Fetched on request, never shipped. The full table and a reduced one are accepted; by default only words that occur more
than 20 times are kept, and with these both hold the same. Below the loader: what the card states, one function per
statement of data/cards/nips.toml.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets import measures
from pmt_helpers.datasets.bag_of_words import read_docword, read_vocabulary
from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import data_home, download, state_of
from pmt_helpers.datasets.text import CountedTexts, WordCounts, as_documents, keep_words

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/bag-of-words/"
MORE_THAN = 20  # occurrences in all papers together
FEW = 10  # tokens: no paper is that short


@dataclass(frozen=True)
class NipsTable:
    """A version of the data: its files, and what must be in them.

    sizes: documents, words, entries. tokens: the least and the most. more_than: its words occur more often than that.
    digest: of its content (content_digest); None where we do not know it.
    """

    what: str
    docword: str
    vocabulary: str
    sizes: tuple[int, int, int]
    tokens: tuple[int, int]
    more_than: int
    digest: str | None


# UCI states about 1.9 million tokens, and publishes no digest.
FULL = NipsTable(
    what="the full UCI table", docword="docword.nips.txt.gz", vocabulary="vocab.nips.txt",
    sizes=(1500, 12419, 746316), tokens=(1_850_000, 2_000_000), more_than=0, digest=None,
)  # fmt: skip
REDUCED = NipsTable(
    what="the reduced table", docword="docword.nips-f20.txt.gz", vocabulary="vocab.nips-f20.txt",
    sizes=(1500, 7605, 709477), tokens=(1_870_706, 1_870_706), more_than=20,
    digest="0c87486045a18122ebb770719240881b0f3493cef6361d39e08b3190635af79a",
)  # fmt: skip
TABLES = (FULL, REDUCED)


@dataclass(frozen=True)
class NipsFiles:
    """The two files of a table; either may be missing."""

    table: NipsTable
    docword: Path
    vocabulary: Path

    @property
    def complete(self) -> bool:
        """Whether both are there."""
        return self.docword.is_file() and self.vocabulary.is_file()


def nips_folder() -> Path:
    """Where the files are looked for and fetched to."""
    return data_home() / "nips"


def how_to_get() -> str:
    """One sentence: fetch it, or put it there by hand."""
    return (
        f"Run `python -m pmt_helpers data fetch nips`, or download {FULL.docword} and {FULL.vocabulary} from {URL} "
        f"in a browser and put both into {nips_folder()}."
    )


def files_of(table: NipsTable) -> NipsFiles:
    """Where the files of a table are or belong; an unpacked docword file is as good as the gzipped one."""
    folder = nips_folder()
    unpacked = folder / table.docword.removesuffix(".gz")
    docword = unpacked if unpacked.is_file() and not (folder / table.docword).is_file() else folder / table.docword
    return NipsFiles(table, docword, folder / table.vocabulary)


def find_files() -> NipsFiles | None:
    """The files to read: the full table where both its files are there, else the reduced one, else half of a pair."""
    pairs = [files_of(table) for table in TABLES]
    halves = [pair for pair in pairs if pair.docword.is_file() or pair.vocabulary.is_file()]
    return next((pair for pair in pairs if pair.complete), halves[0] if halves else None)


def find_nips() -> Path | None:
    """The docword file to read, or None where it or its vocabulary is missing."""
    files = find_files()
    return files.docword if files and files.complete else None


def load_nips(
    vocabulary: Sequence[str] | None = None, *, grow: bool = False, more_than: int = MORE_THAN
) -> DocumentData:
    """All papers in file order, over the words that occur more than more_than times (0: all that the table has).

    Papers with the same counts share a group: the number of the first of them, from 0 on. Raises DataError.
    """
    files = find_files()
    if files is None:
        found = "none of its files"
        raise DataError(file=nips_folder(), expected="the NIPS papers", found=found, remedy=how_to_get())
    if more_than < files.table.more_than:
        raise DataError(
            file=files.docword, expected=f"every word that occurs more than {more_than} times",
            found=f"{files.table.what}, which lacks words that occur {files.table.more_than} times or less",
            remedy=f"Leave out more_than={more_than}, or get the full table and remove this one. {how_to_get()}",
        )  # fmt: skip
    texts = read_nips(files)
    common = replace(texts, words=keep_words(texts.words, more_than=more_than))  # first: so both tables agree
    source = f"{files.docword.name}, {files.table.what}; words that occur more than {more_than} times"
    return as_documents(common, load_card("nips"), source, file=files.docword, vocabulary=vocabulary, grow=grow)


def fetch_nips(url: str = URL) -> Path:
    """Path of the verified docword file: what is there already, else the full table, downloaded. Raises DataError."""
    files = find_files()
    if files is None or not files.complete:
        files = files_of(FULL)
        if not files.docword.is_file():
            download(url + FULL.docword, files.docword, verify=lambda path: _read_counts(path, FULL))
        if not files.vocabulary.is_file():
            words = url + FULL.vocabulary
            download(words, files.vocabulary, verify=lambda path: read_vocabulary(path, FULL.sizes[1], _again()))
    read_nips(files)
    return files.docword


def read_nips(files: NipsFiles) -> CountedTexts:
    """The verified content of a pair of files, all words; read once for each state of the files."""
    pair = (files.docword, files.vocabulary)
    for path, other in (pair, pair[::-1]):
        if not path.is_file():
            expected = f"a file beside {other.name}"
            raise DataError(file=path, expected=expected, found="no such file", remedy=how_to_get())
    return _read_nips(files, tuple(map(state_of, pair)))


@functools.lru_cache(maxsize=2)
def _read_nips(files: NipsFiles, states: tuple[tuple[int, int], ...]) -> CountedTexts:
    counts = _read_counts(files.docword, files.table)
    n_docs = counts.shape[0]
    vocabulary = read_vocabulary(files.vocabulary, files.table.sizes[1], _again())
    words = WordCounts(counts, vocabulary, np.zeros(n_docs, dtype=np.int64))
    digest = content_digest(words)
    if files.table.digest not in (None, digest):
        expected = f"the published counts, digest {str(files.table.digest)[:12]}..."
        found = f"other counts or words, digest {digest[:12]}..."
        raise DataError(file=files.docword, expected=expected, found=found, remedy=_again())
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
    sizes = (*counts.shape, counts.nnz)
    if sizes != table.sizes:
        expected, found = (
            f"{documents:,} documents, {words:,} words, {entries:,} entries"
            for documents, words, entries in (table.sizes, sizes)
        )
        raise DataError(file=path, expected=f"{table.what}: {expected}", found=found, remedy=_again())
    tokens, (least, most) = int(counts.sum()), table.tokens
    if not least <= tokens <= most:
        expected = f"{table.what}: {least:,} to {most:,} tokens"
        raise DataError(file=path, expected=expected, found=f"{tokens:,}", remedy=_again())
    return counts


def _again() -> str:
    return f"Delete it, then get it again. {how_to_get()}"


def size(data: DocumentData) -> dict[str, Any]:
    sizes = {"documents": len(data), "words": len(data.vocabulary), "entries": int(data.counts.nnz)}
    digest = content_digest(WordCounts(data.counts, data.vocabulary, data.dropped))
    return {**sizes, "tokens": data.tokens, "digest": digest}


def full_table(data: DocumentData) -> dict[str, Any]:
    files = find_files()
    if files is None or not files.complete or files.table.sizes != FULL.sizes:
        return {}
    words = read_nips(files).words
    (documents, n_words), entries = words.counts.shape, int(words.counts.nnz)
    same = content_digest(keep_words(words, more_than=MORE_THAN)) == REDUCED.digest
    reduced = "the one described here" if same else "another one"
    return {"documents": documents, "words": n_words, "entries": entries, "reduced": reduced}


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


STATEMENTS: dict[str, measures.Measure] = {
    "lengths": lambda data: {"median": int(np.median(data.lengths)), "longest": int(data.lengths.max())},
    "rarest": lambda data: {"occurs": int(np.asarray(data.counts.sum(axis=0)).min())},
    "copies": lambda data: {"papers": measures.copies(data)},
    "fragments": lambda data: {"papers": int((data.lengths < FEW).sum()), "shortest": int(data.lengths.min())},
    "no-titles": lambda data: {"first": str(data.names[0]), "last": str(data.names[-1])},
    **measures.by_statement(size, full_table, odd_words, other_stop_words, singular),
}
