"""From texts to counts over a vocabulary: the documents' own, a given one, or a given one grown. Notebook 03.

A shared topic model knows one vocabulary, a person's texts hold other words too. Either these are dropped (and the
drop is counted), or the vocabulary grows by them: the given words keep their columns, new ones are added behind.
"""

import contextlib
import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.arrays import read_arrays, write_arrays
from pmt_helpers.datasets.base import DocumentData, check_table
from pmt_helpers.datasets.cards import DataCard
from pmt_helpers.datasets.errors import DataError

MIN_LETTERS, MAX_LETTERS = 3, 20  # of a word
CHUNK_TOKENS = 200  # of a document cut from a longer text

BLOCK = 2**20  # characters that are cleaned at a time: one of them may stand for 18 (U+FDFA)

_ADDRESS = re.compile(r"(?:https?|ftp)://\S+|\bwww\.\S+")
_CODE = re.compile(r"[A-Za-z0-9+/=]{40,}")  # of a picture inside a note, or a key: no words
_SPACE, _NO_SPACE = re.compile(r"\s"), re.compile(r"\S+")
_ENDING = re.compile(r"n['’]t\b|['’](?:s|d|m|ll|re|ve)\b")  # without it, "it's" leaves an s and "isn't" an isn
# Soft hyphens, joiners, and the points of Arabic and Hebrew, with and without which a word is the same.
_UNSEEN = re.compile(
    "[\u00ad\u200c\u200d\u2060\ufeff\u0640\u064b-\u0652\u0656-\u065f\u0670\u0591-\u05bd\u05bf\u05c1-\u05c7]"
)
# Thai, Lao, Tibetan, Burmese, Khmer, Chinese and Japanese stand without spaces between words: their runs are no words.
UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\U00020000-\U0003ffff]+"
)


@dataclass(frozen=True, eq=False)
class WordCounts:
    """counts: (n_docs, n_words) csr_array of int32. vocabulary: the word of each column.

    dropped: (n_docs,) int64, tokens that are not counted.
    """

    counts: csr_array
    vocabulary: tuple[str, ...]
    dropped: np.ndarray


@dataclass(frozen=True, eq=False)
class CountedTexts:
    """words: every word of every document. names, groups: (n_docs,), as in DocumentData."""

    words: WordCounts
    names: np.ndarray
    groups: np.ndarray


def tokenise(text: str, marks: bool = True) -> list[str]:
    """The words of a text, in order. Runs of a script without spaces between words (UNSPACED) are left out.

    marks: whether marks belong to their letters, as most vowels of Hindi and Tamil do; without, a word ends at a mark.
    """
    return list(words_of(text, marks))


def words_of(text: str, marks: bool = True) -> Iterator[str]:
    """As tokenise, one after the other. Time and memory grow no faster than the text, whatever it holds."""
    from gensim.parsing.preprocessing import STOPWORDS  # here, not above: a second that only reading text needs

    pattern = _word_pattern(marks)
    start = 0
    while start < len(text):
        space = _SPACE.search(text, start + BLOCK, start + 2 * BLOCK)
        end = space.start() if space else start + 2 * BLOCK
        for match in pattern.finditer(_cleaned(text[start:end])):
            word = match.group()
            if MIN_LETTERS <= len(word) <= MAX_LETTERS and word[0] != "_" and word not in STOPWORDS:
                yield word
        start = end


def _cleaned(text: str) -> str:
    """In lower case, a character for each letter, without what is no word."""
    plain = unicodedata.normalize("NFKC", text)  # a PDF writes "ﬁ" as one letter
    plain = _CODE.sub(lambda found: found.group() if found.group().replace("/", "").isalpha() else " ", plain)
    plain = _UNSEEN.sub("", UNSPACED.sub(" ", plain)).lower()
    if "@" in plain:
        plain = _NO_SPACE.sub(lambda found: " " if _is_mail(found.group()) else found.group(), plain)
    return _ENDING.sub(" ", _ADDRESS.sub(" ", plain))


def _is_mail(part: str) -> bool:
    at = part.find("@", 1)
    return at > 0 and 0 < part.find(".", at + 2) < len(part) - 1


@functools.cache
def _word_pattern(marks: bool) -> re.Pattern[str]:
    all_marks = (
        character for character in map(chr, range(0x300, 0x20000)) if unicodedata.category(character) in "Mn Mc"
    )
    return re.compile(rf"[^\W\d]+(?:[{''.join(all_marks)}]+[^\W\d]*)*" if marks else r"[^\W\d]+")


def chunk(tokens: Sequence[str], size: int = CHUNK_TOKENS) -> list[list[str]]:
    """Chunks of about size tokens, as equal as can be; a short text stays one chunk."""
    n_chunks = max(1, round(len(tokens) / size))
    edges = [len(tokens) * number // n_chunks for number in range(n_chunks + 1)]
    return [list(tokens[start:end]) for start, end in itertools.pairwise(edges)]


def named_chunks(name: str, tokens: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """(name, tokens) of each chunk; the name is numbered where there are several."""
    chunks = chunk(tokens)
    for number, part in enumerate(chunks, start=1):
        yield (name if len(chunks) == 1 else f"{name} ({number} of {len(chunks)})"), part


def count_documents(
    token_lists: Sequence[Sequence[str]], vocabulary: Sequence[str] | None = None,
    *, grow: bool = False, min_documents: int = 1, max_share: float = 1.0, more_than: int = 0,
) -> WordCounts:  # fmt: skip
    """Counts of the words in each document, by the rule (options) of keep_words; a document may be left with none."""
    rule: dict[str, Any] = {"grow": grow, "min_documents": min_documents, "max_share": max_share}
    return keep_words(count_everything(token_lists), vocabulary, more_than=more_than, **rule)


def count_everything(token_lists: Sequence[Sequence[str]]) -> WordCounts:
    """Counts of every word that occurs, in alphabetical order."""
    words = sorted({word for tokens in token_lists for word in tokens})
    column = {word: number for number, word in enumerate(words)}
    columns = np.array([column[word] for tokens in token_lists for word in tokens], dtype=np.int32)
    rows = np.repeat(np.arange(len(token_lists), dtype=np.int32), [len(tokens) for tokens in token_lists])
    counts = csr_array((np.ones(len(columns), dtype=np.int32), (rows, columns)), shape=(len(token_lists), len(words)))
    return WordCounts(counts, tuple(words), np.zeros(len(token_lists), dtype=np.int64))


def keep_words(
    table: WordCounts, vocabulary: Sequence[str] | None = None,
    *, grow: bool = False, min_documents: int = 1, max_share: float = 1.0, more_than: int = 0,
) -> WordCounts:  # fmt: skip
    """The same documents over fewer, or over given words.

    Parameters
    ----------
    vocabulary: exactly these words, in this order, however rare. Without it, the words that the rule below keeps.
    grow: add the words that the rule keeps behind those of the vocabulary.
    min_documents, max_share, more_than: the rule: words in at least min_documents documents, in at most max_share of
        them, and occurring more than more_than times altogether.

    Raises ValueError for a vocabulary that holds a word twice.
    """
    n_docs = table.counts.shape[0]
    in_documents = np.bincount(table.counts.indices, minlength=len(table.vocabulary))
    occurrences = np.asarray(table.counts.sum(axis=0))
    common = (in_documents >= min_documents) & (in_documents <= max_share * n_docs) & (occurrences > more_than)
    own_words = [word for word, is_common in zip(table.vocabulary, common, strict=True) if is_common]
    words = own_words if vocabulary is None else list(vocabulary)
    if grow and vocabulary is not None:
        words += sorted(set(own_words) - set(words))
    column = {word: number for number, word in enumerate(words)}
    if len(column) != len(words):
        raise ValueError("the vocabulary holds a word twice")
    new_column = np.array([column.get(word, -1) for word in table.vocabulary], dtype=np.int32)
    entries = table.counts.tocoo()
    columns = new_column[entries.coords[1]]
    known = columns >= 0
    where = (entries.coords[0][known], columns[known])
    counts = csr_array((entries.data[known], where), shape=(n_docs, len(words)))
    lost = np.asarray(table.counts.sum(axis=1) - counts.sum(axis=1), dtype=np.int64)
    return WordCounts(counts, tuple(words), table.dropped + lost)


def require_words(counted: WordCounts, names: np.ndarray, *, file: object, remedy: str) -> None:
    """Raise DataError when a document has no counted word: a topic model could say nothing about it."""
    for first in np.flatnonzero(counted.counts.sum(axis=1) == 0):
        what = "no words" if counted.dropped[first] == 0 else f"{counted.dropped[first]} words, none of them known"
        found = f"{what} in document {first + 1:,} of {len(names):,} ({names[first]})"
        raise DataError(file=file, expected="at least one known word in every document", found=found, remedy=remedy)


def as_documents(
    texts: CountedTexts, card: DataCard, source: str, *, file: object, vocabulary: Sequence[str] | None = None,
    **rule: Any,
) -> DocumentData:  # fmt: skip
    """The documents over the words that keep_words keeps (rule: its options).

    Raises DataError, naming file, for a document that is left without words.
    """
    counted = keep_words(texts.words, vocabulary, **rule)
    remedy = "Pass grow=True, so that its own words join the vocabulary, or another vocabulary."
    if vocabulary is None:
        remedy = "Keep rarer words, or get the file again."
    require_words(counted, texts.names, file=file, remedy=remedy)
    return DocumentData(
        counts=counted.counts, vocabulary=counted.vocabulary, groups=texts.groups, names=texts.names,
        dropped=counted.dropped, card=card, source=source,
    )  # fmt: skip


def cached(path: Path, make: Callable[[], CountedTexts]) -> CountedTexts:
    """What path holds, else what make returns, written to path for the next time where that is allowed.

    path must change its name with everything that make depends on. A damaged file is made again.
    """
    with contextlib.suppress(ValueError, TypeError):  # DataError is a ValueError
        return read_counted(path)
    texts = make()
    with contextlib.suppress(OSError):  # a full disk, a locked folder: then it is made again next time
        existing = next(folder for folder in path.parents if folder.exists())
        if existing.stat().st_mode & 0o222:  # marked writable; root could write into any
            counts = texts.words.counts
            arrays = {"data": counts.data, "indices": counts.indices, "indptr": counts.indptr, "names": texts.names}
            write_arrays(path, {**arrays, "vocabulary": np.array(texts.words.vocabulary), "groups": texts.groups})
    return texts


def read_counted(path: Path) -> CountedTexts:
    """What cached has written. Raises DataError or another ValueError for a missing or damaged file."""
    needed = ("data", "indices", "indptr", "names", "vocabulary", "groups")
    arrays = read_arrays(path, needed, "counted texts")
    vocabulary, n_docs = tuple(arrays["vocabulary"].tolist()), len(arrays["names"])
    counts = csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n_docs, len(vocabulary)))
    if len(arrays["groups"]) != n_docs:
        raise ValueError("not a group for each document")
    words = WordCounts(check_table(counts), vocabulary, np.zeros(n_docs, dtype=np.int64))
    return CountedTexts(words, arrays["names"], arrays["groups"])
