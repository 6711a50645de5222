"""From lists of words to counts over a vocabulary: the documents' own, a given one, or a given one grown. Notebook 03.

A shared topic model knows one vocabulary, a person's texts hold other words too. Either these are dropped (and the
drop is counted), or the vocabulary grows by them: the given words keep their columns, new ones are added behind.
"""

import contextlib
import itertools
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.cards import DataCard
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path


@dataclass(frozen=True, eq=False)
class WordCounts:
    """counts: (n_docs, n_words) csr_array of int32. vocabulary: the word of each column.

    dropped: (n_docs,) int64, tokens that are not counted.
    """

    counts: csr_array
    vocabulary: tuple[str, ...]
    dropped: np.ndarray


def count_documents(
    token_lists: Sequence[Sequence[str]],
    vocabulary: Sequence[str] | None = None,
    *,
    grow: bool = False,
    min_documents: int = 1,
    max_share: float = 1.0,
) -> WordCounts:
    """Counts of the words in each document; a document may be left with none. The rules are those of keep_words."""
    return keep_words(
        count_everything(token_lists), vocabulary, grow=grow, min_documents=min_documents, max_share=max_share
    )


def count_everything(token_lists: Sequence[Sequence[str]]) -> WordCounts:
    """Counts of every word that occurs, in alphabetical order."""
    words = sorted({word for tokens in token_lists for word in tokens})
    column = {word: number for number, word in enumerate(words)}
    columns = np.array([column[word] for tokens in token_lists for word in tokens], dtype=np.int32)
    rows = np.repeat(np.arange(len(token_lists), dtype=np.int32), [len(tokens) for tokens in token_lists])
    counts = csr_array((np.ones(len(columns), dtype=np.int32), (rows, columns)), shape=(len(token_lists), len(words)))
    return WordCounts(counts, tuple(words), np.zeros(len(token_lists), dtype=np.int64))


def keep_words(
    table: WordCounts,
    vocabulary: Sequence[str] | None = None,
    *,
    grow: bool = False,
    min_documents: int = 1,
    max_share: float = 1.0,
    more_than: int = 0,
) -> WordCounts:
    """The same documents over fewer, or over given words.

    Without a vocabulary: the words in at least min_documents documents, in at most max_share of them, and occurring
    more_than times altogether. With one: exactly its words, in its order, however rare; grow adds the words that the
    rule above keeps. Raises ValueError for a vocabulary that holds a word twice.
    """
    n_docs = table.counts.shape[0]
    in_documents = np.bincount(table.counts.indices, minlength=len(table.vocabulary))
    occurrences = np.asarray(table.counts.sum(axis=0))
    common = (in_documents >= min_documents) & (in_documents <= max_share * n_docs) & (occurrences > more_than)
    own = [word for word, keep in zip(table.vocabulary, common, strict=True) if keep]
    words = own if vocabulary is None else list(vocabulary)
    if grow and vocabulary is not None:
        words += sorted(set(own) - set(words))
    column = {word: number for number, word in enumerate(words)}
    if len(column) != len(words):
        raise ValueError("the vocabulary holds a word twice")
    moved_to = np.array([column.get(word, -1) for word in table.vocabulary], dtype=np.int32)
    entries = table.counts.tocoo()
    columns = moved_to[entries.coords[1]]
    kept = columns >= 0
    where = (entries.coords[0][kept], columns[kept])
    counts = csr_array((entries.data[kept], where), shape=(n_docs, len(words)))
    lost = np.asarray(table.counts.sum(axis=1) - counts.sum(axis=1), dtype=np.int64)
    return WordCounts(counts, tuple(words), table.dropped + lost)


def require_words(counted: WordCounts, names: np.ndarray, *, file: object, remedy: str) -> None:
    """Raise DataError when a document has no counted word: a topic model could say nothing about it."""
    empty = np.flatnonzero(counted.counts.sum(axis=1) == 0)
    if not len(empty):
        return
    first = empty[0]
    what = "no words" if counted.dropped[first] == 0 else f"{counted.dropped[first]} words, none of them known"
    raise DataError(
        file=file, expected="at least one known word in every document",
        found=f"{what} in document {first + 1:,} of {len(names):,} ({names[first]})", remedy=remedy,
    )  # fmt: skip


SHORTEST, LONGEST = 3, 20  # letters of a word


CHUNK = 200  # tokens of a document cut from a longer text


_ADDRESS = re.compile(r"(?:https?|ftp)://\S+|\bwww\.\S+|\S+@\S+\.\S+")


_ENDING = re.compile(r"n['’]t\b|['’](?:s|d|m|ll|re|ve)\b")  # without it, "it's" leaves an s and "isn't" an isn


def tokenise(text: str) -> list[str]:
    """The words of a text, in order."""
    from gensim.parsing.preprocessing import STOPWORDS  # here, not above: a second that only reading text needs
    from gensim.utils import simple_preprocess

    plain = unicodedata.normalize("NFKC", text.replace("\u00ad", ""))  # a PDF writes "ﬁ" and soft hyphens
    plain = _ENDING.sub(" ", _ADDRESS.sub(" ", plain.lower()))
    return [word for word in simple_preprocess(plain, min_len=SHORTEST, max_len=LONGEST) if word not in STOPWORDS]


def cut(tokens: Sequence[str], size: int = CHUNK) -> list[list[str]]:
    """Pieces of about size tokens, as equal as can be; a short text stays one piece."""
    n_pieces = max(1, round(len(tokens) / size))
    edges = [len(tokens) * piece // n_pieces for piece in range(n_pieces + 1)]
    return [list(tokens[start:end]) for start, end in itertools.pairwise(edges)]


_DAMAGE = (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class CountedTexts:
    """words: every word of every document. names, groups: (n_docs,), as in DocumentData."""

    words: WordCounts
    names: np.ndarray
    groups: np.ndarray


def as_documents(
    texts: CountedTexts, card: DataCard, source: str, *, file: object, vocabulary: Sequence[str] | None = None,
    grow: bool = False, min_documents: int = 1, max_share: float = 1.0, more_than: int = 0,
) -> DocumentData:  # fmt: skip
    """The documents over the words that keep_words keeps. Raises DataError for a document that is left with none."""
    counted = keep_words(
        texts.words, vocabulary, grow=grow, min_documents=min_documents, max_share=max_share, more_than=more_than
    )
    remedy = "Pass grow=True, so that its own words join the vocabulary, or another vocabulary."
    if vocabulary is None:
        remedy = "Keep rarer words, or get the file again."
    require_words(counted, texts.names, file=file, remedy=remedy)
    return DocumentData(
        counts=counted.counts, vocabulary=counted.vocabulary, groups=texts.groups, names=texts.names,
        dropped=counted.dropped, card=card, source=source,
    )  # fmt: skip


def kept(path: Path, make: Callable[[], CountedTexts]) -> CountedTexts:
    """What path holds, else what make returns, written to path for the next time where that is allowed.

    path must change its name with everything that make depends on. A damaged file is made again.
    """
    with contextlib.suppress(*_DAMAGE):
        return _read(path)
    texts = make()
    with contextlib.suppress(OSError):  # a full disk, a locked folder: then it is made again next time
        if _may_write(path.parent):
            _write(path, texts)
    return texts


def _may_write(folder: Path) -> bool:
    """Whether folder, or the nearest that exists above it, is marked writable; root could write into any."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return bool(existing.stat().st_mode & 0o222)


def _write(path: Path, texts: CountedTexts) -> None:
    counts = texts.words.counts
    with atomic_path(path) as part:
        np.savez_compressed(
            part, data=counts.data, indices=counts.indices, indptr=counts.indptr,
            vocabulary=np.array(texts.words.vocabulary), names=texts.names, groups=texts.groups,
        )  # fmt: skip


def _read(path: Path) -> CountedTexts:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        vocabulary = tuple(file["vocabulary"].tolist())
        shape = (len(file["names"]), len(vocabulary))
        counts = csr_array((file["data"], file["indices"], file["indptr"]), shape=shape)
        words = WordCounts(counts, vocabulary, np.zeros(len(file["names"]), dtype=np.int64))
        return CountedTexts(words, file["names"], file["groups"])
