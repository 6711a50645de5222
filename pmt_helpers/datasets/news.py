"""News: the background texts of Lee, Pincombe and Welsh (2005), inside the installed gensim package. Notebook 03."""

import functools
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.counted_texts import CountedTexts, as_documents
from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.locations import installed_file
from pmt_helpers.datasets.tokens import tokenise
from pmt_helpers.datasets.wikipedia import MAX_SHARE, MIN_DOCUMENTS
from pmt_helpers.datasets.word_counts import count_everything, require_words

FILE = "lee_background.cor"
NAME_LETTERS = 60
_AGAIN = "Install it again: `python -m pip install --force-reinstall --no-deps gensim`."


def find_news() -> Path | None:
    """The file inside the installed gensim package, or None."""
    return installed_file("gensim", "test", "test_data", FILE)


def load_news(vocabulary: Sequence[str] | None = None, *, grow: bool = False) -> DocumentData:
    """All texts in file order, counted as load_documents says. Raises DataError.

    Texts that are the same letter by letter share a group: the number of the first of them, from 0 on.
    """
    path = find_news()
    if path is None:
        raise DataError(
            file=f"gensim/test/test_data/{FILE}", expected="the gensim package with its test data",
            found="no such package, or one without the file", remedy=_AGAIN,
        )  # fmt: skip
    return _documents(path, None if vocabulary is None else tuple(vocabulary), grow)


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
    """The texts of a corpus with one text a line. Raises DataError for broken encoding and for empty texts."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            file=path, expected="plain text in UTF-8",
            found=f"a byte that is not text at position {error.start:,}", remedy=_AGAIN,
        ) from error  # fmt: skip
    except OSError as error:
        raise DataError(file=path, expected="a readable file", found=str(error), remedy=_AGAIN) from error
    lines = [line.strip() for line in text.removesuffix("\n").split("\n")]
    if not all(lines):
        found = "an empty file" if lines == [""] else f"an empty line, number {lines.index('') + 1:,} of {len(lines):,}"
        raise DataError(file=path, expected="one text on every line", found=found, remedy=_AGAIN)
    return lines
