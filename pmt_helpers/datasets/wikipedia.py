"""English Wikipedia: the sample dump inside the installed gensim package, cut into documents. Notebook 03.

Sections are cut into documents of about 200 words, so that a document has few topics; all documents of an article form
a group. Cleaning takes seconds, so the counts are kept under data_home().
"""

import functools
import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.counted_texts import CountedTexts, as_documents, kept
from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.locations import data_home, installed_file
from pmt_helpers.datasets.tokens import CHUNK, cut, tokenise
from pmt_helpers.datasets.wikitext import read_pages, sections
from pmt_helpers.datasets.word_counts import count_everything

FILE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
MIN_DOCUMENTS = 3  # a word in fewer documents says nothing about what goes with what
MAX_SHARE = 0.5  # a word in more than half of them neither
FORMAT = 1  # of the kept counts: raise it whenever the same file would be cut or counted otherwise
_AGAIN = "Install it again: `python -m pip install --force-reinstall --no-deps gensim`."


def find_wikipedia() -> Path | None:
    """The dump inside the installed gensim package, or None."""
    return installed_file("gensim", "test", "test_data", FILE)


def load_wikipedia(vocabulary: Sequence[str] | None = None, *, grow: bool = False) -> DocumentData:
    """All documents in the order of the dump, counted as load_documents says. Raises DataError."""
    path = find_wikipedia()
    if path is None:
        raise DataError(
            file=f"gensim/test/test_data/{FILE}", expected="the gensim package with its test data",
            found="no such package, or one without the file", remedy=_AGAIN,
        )  # fmt: skip
    return _documents(path, None if vocabulary is None else tuple(vocabulary), grow)


@functools.lru_cache(maxsize=4)
def _documents(path: Path, vocabulary: tuple[str, ...] | None, grow: bool) -> DocumentData:
    return as_documents(
        read_wikipedia(path), load_card("wikipedia"), f"{path.name} of gensim {version('gensim')}", file=path,
        vocabulary=vocabulary, grow=grow, min_documents=MIN_DOCUMENTS, max_share=MAX_SHARE,
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def read_wikipedia(path: Path) -> CountedTexts:
    """Every word of every document of the dump, from the counts kept under data_home() where they are there."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(file=path, expected="a readable file", found=str(error), remedy=_AGAIN) from error
    depends_on = (FORMAT, version("gensim"), unicodedata.unidata_version, digest)
    key = hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]
    return kept(data_home() / "wikipedia" / f"counts-{key}.npz", lambda: _parse(path))


def _parse(path: Path) -> CountedTexts:
    from tqdm.auto import tqdm

    names, groups, documents = [], [], []
    for page in tqdm(read_pages(path, _AGAIN), desc="Reading Wikipedia", unit=" articles", leave=False):
        parts = ((section.heading, tokenise(section.text)) for section in sections(page.markup))
        for name, tokens in cut_article(page.title, parts):
            names.append(name)
            groups.append(page.title)
            documents.append(tokens)
    if not documents:
        raise DataError(file=path, expected="a Wikipedia dump with articles", found="none", remedy=_AGAIN)
    return CountedTexts(count_everything(documents), np.array(names), np.array(groups))


def cut_article(title: str, parts: Iterable[tuple[str, list[str]]]) -> Iterator[tuple[str, list[str]]]:
    """(name, tokens) of each document of an article, given the heading and the tokens of its sections.

    A section of less than half a document is joined to the one after it, the last to the one before.
    """
    joined: list[tuple[str, list[str]]] = []
    for heading, tokens in parts:
        if joined and len(joined[-1][1]) < CHUNK / 2:
            joined[-1] = (joined[-1][0], joined[-1][1] + tokens)
        else:
            joined.append((heading, tokens))
    if len(joined) > 1 and len(joined[-1][1]) < CHUNK / 2:
        _, rest = joined.pop()
        joined[-1] = (joined[-1][0], joined[-1][1] + rest)
    for heading, tokens in joined:
        pieces = cut(tokens)
        for number, piece in enumerate(pieces, start=1):
            where = f"{title}: {heading}" if heading else title
            if piece:
                yield (where if len(pieces) == 1 else f"{where} ({number} of {len(pieces)})"), piece
