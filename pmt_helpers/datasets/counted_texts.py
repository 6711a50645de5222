"""Texts with all their words counted, kept on disk so that long ones are parsed once; and from there to DocumentData.

Everything is counted first; which words stay is decided on each load, since that depends on the vocabulary asked for.
"""

import contextlib
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.cards import DataCard
from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.datasets.word_counts import WordCounts, keep_words, require_words

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
