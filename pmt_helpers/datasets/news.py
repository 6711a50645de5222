"""News: the background texts of Lee, Pincombe and Welsh (2005), inside the installed gensim package. Notebook 03.

Below the loader: what the card states, one function per statement of data/cards/news.toml.
"""

import functools
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.datasets import measures
from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import file_digest, installed_file, reinstall, require_installed
from pmt_helpers.datasets.text import CountedTexts, as_documents, count_everything, require_words, tokenise
from pmt_helpers.datasets.wikipedia import MAX_SHARE, MIN_DOCUMENTS

FILE = "lee_background.cor"
NAME_LETTERS = 60
ALIKE = 0.5  # of the words of two texts together, the share that both have
_AGAIN = reinstall("gensim")


def find_news() -> Path | None:
    """The file inside the installed gensim package, or None."""
    return installed_file("gensim", "test", "test_data", FILE)


def load_news(vocabulary: Sequence[str] | None = None, *, grow: bool = False) -> DocumentData:
    """All texts in file order, counted as load_documents says. Raises DataError.

    Texts that are the same letter by letter share a group: the number of the first of them, from 0 on.
    """
    return _documents(_require_file(), None if vocabulary is None else tuple(vocabulary), grow)


def _require_file() -> Path:
    return require_installed(find_news(), f"gensim/test/test_data/{FILE}", "test data")


@functools.lru_cache(maxsize=4)
def _documents(path: Path, vocabulary: tuple[str, ...] | None, grow: bool) -> DocumentData:
    lines = read_lines(path)
    first: dict[str, int] = {}
    groups = [first.setdefault(line, number) for number, line in enumerate(lines)]
    names = np.array([line[:NAME_LETTERS].rpartition(" ")[0] + " …" for line in lines])
    words = count_everything([tokenise(line) for line in lines])
    require_words(words, names, file=path, remedy=_AGAIN)
    return as_documents(
        CountedTexts(words, names, np.array(groups)), load_card("news"),
        f"{path.name} of gensim {version('gensim')}", file=path, vocabulary=vocabulary, grow=grow,
        min_documents=MIN_DOCUMENTS, max_share=MAX_SHARE,
    )  # fmt: skip


def read_lines(path: Path) -> list[str]:
    """The texts of a corpus with one text per line. Raises DataError for broken encoding and for empty texts."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"a byte that is not text at position {error.start:,}"
        raise DataError(file=path, expected="plain text in UTF-8", found=found, remedy=_AGAIN) from error
    except OSError as error:
        raise DataError(file=path, expected="a readable file", found=str(error), remedy=_AGAIN) from error
    lines = [line.strip() for line in text.removesuffix("\n").split("\n")]
    if not all(lines):
        found = "an empty file" if lines == [""] else f"an empty line, number {lines.index('') + 1:,} of {len(lines):,}"
        raise DataError(file=path, expected="one text on every line", found=found, remedy=_AGAIN)
    return lines


def dropped_words(data: DocumentData) -> dict[str, Any]:
    everything = count_everything([tokenise(line) for line in read_lines(_require_file())])
    in_documents = np.bincount(everything.counts.indices, minlength=len(everything.vocabulary))
    frequent = [everything.vocabulary[i] for i in np.flatnonzero(in_documents > MAX_SHARE * len(data))]
    percent = round(100 * float(data.dropped.sum() / everything.counts.sum()), 1)
    return {"rare": int((in_documents < MIN_DOCUMENTS).sum()), "frequent": frequent, "percent": percent}


def near_duplicates(data: DocumentData) -> dict[str, Any]:
    once = data.select(np.unique(data.groups, return_index=True)[1])
    present = (once.counts > 0).astype(np.int64)
    shared = (present @ present.T).toarray()
    sizes = shared.diagonal()
    alike = shared / (sizes[:, None] + sizes[None, :] - shared)
    return {"pairs": int((np.triu(alike, k=1) > ALIKE).sum())}


def unlabelled(data: DocumentData) -> dict[str, Any]:
    raw = _require_file().read_bytes()
    texts = raw.lower().splitlines()
    not_ascii = int((np.frombuffer(raw, dtype=np.uint8) > 127).sum())
    taliban, september = (sum(phrase in text for text in texts) for phrase in (b"taliban", b"september 11"))
    return {"lines": len(texts), "not_ascii": not_ascii, "taliban": taliban, "september": september}


STATEMENTS: dict[str, measures.Measure] = {
    "file": lambda data: {"sha256": file_digest(_require_file())},
    "size": lambda data: {"documents": len(data), "words": len(data.vocabulary), "tokens": data.tokens},
    "duplicates": lambda data: {"copies": measures.copies(data), "texts": len(data) - measures.copies(data)},
    "fewer-than-described": lambda data: {"documents": len(data)},
    **measures.by_statement(measures.lengths, dropped_words, near_duplicates, unlabelled),
}
