"""English Wikipedia: the sample dump inside the installed gensim package, cut into documents. Notebook 03.

Sections are cut into documents of about 200 words, so that a document has few topics; all documents of an article form
a group. Cleaning takes seconds, so the counts are cached under data_home(). Below the loader: what the card states, one
function per statement of data/cards/wikipedia.toml.
"""

import bz2
import functools
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError, iterparse

import numpy as np

from pmt_helpers.datasets import measures
from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import data_home, file_digest, installed_file, reinstall, require_installed
from pmt_helpers.datasets.text import (
    CHUNK_TOKENS,
    CountedTexts,
    as_documents,
    cached,
    count_everything,
    named_chunks,
    tokenise,
)

FILE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
MIN_DOCUMENTS = 3  # a word in fewer documents says nothing about which words go together
MAX_SHARE = 0.5  # nor does a word in a larger share of the documents
FORMAT = 1  # of the cached counts: raise it whenever the same file would be cut or counted otherwise
# Lists of titles, publishers and links: they would give every article the same topic.
LEFT_OUT = frozenset({
    "bibliography", "citations", "external links", "footnotes", "further reading", "notes", "notes and references",
    "references", "see also", "sources",
})  # fmt: skip

_HEADING = re.compile(r"^==(?!=)[ \t]*(.+?)[ \t]*==[ \t]*$", re.MULTILINE)
_GALLERY_FILE = re.compile(r"^\s*(?:file|image):[^|\n]*", re.MULTILINE | re.IGNORECASE)
MARKUP = ("isbn", "jpg", "png", "svg", "http", "www", "nbsp", "colspan")  # words that no text is about
_ARTICLES = "0"  # the namespace of articles; talk, help and project pages have others
_AGAIN = reinstall("gensim")


@dataclass(frozen=True)
class Page:
    """An article as the dump holds it: its title, the time of its last change (ISO 8601), its text in wiki markup."""

    title: str
    changed: str
    markup: str


@dataclass(frozen=True)
class Section:
    """The part of an article below one main heading; the first has the empty heading. text: without markup."""

    heading: str
    text: str


def read_pages(path: Path, remedy: str) -> Iterator[Page]:
    """The articles of a dump, one after the other; redirects and pages that are not articles are skipped.

    Raises DataError, with the remedy given, for a file that is damaged, cut off or something else.
    """
    try:
        with bz2.open(path) as file:
            page: dict[str, str] = {}
            for _, element in iterparse(file):
                tag = element.tag.rpartition("}")[2]
                if tag in ("title", "ns", "redirect", "timestamp", "text"):
                    page[tag] = element.text or ""
                elif tag == "page":
                    if page.get("ns") == _ARTICLES and "redirect" not in page:
                        yield Page(page.get("title", ""), page.get("timestamp", ""), page.get("text", ""))
                    page = {}
                    element.clear()
    except (OSError, EOFError, ParseError) as error:
        expected = "a whole Wikipedia dump (XML in bz2)"
        raise DataError(file=path, expected=expected, found=f"damage ({error})", remedy=remedy) from error


def sections(markup: str) -> list[Section]:
    """The sections of an article, in order, without those that LEFT_OUT names."""
    from gensim.corpora.wikicorpus import filter_wiki  # here, not above: gensim takes a second to import

    parts = _HEADING.split(markup)  # text, heading, text, heading, ..., text
    headings = ["", *(filter_wiki(heading).replace("''", "").strip() for heading in parts[1::2])]
    return [
        Section(heading, filter_wiki(_GALLERY_FILE.sub("", text)))
        for heading, text in zip(headings, parts[::2], strict=True)
        if heading.lower() not in LEFT_OUT
    ]


def find_wikipedia() -> Path | None:
    """The dump inside the installed gensim package, or None."""
    return installed_file("gensim", "test", "test_data", FILE)


def load_wikipedia(vocabulary: Sequence[str] | None = None, *, grow: bool = False) -> DocumentData:
    """All documents in the order of the dump, counted as load_documents says. Raises DataError."""
    return _documents(_require_file(), None if vocabulary is None else tuple(vocabulary), grow)


def _require_file() -> Path:
    return require_installed(find_wikipedia(), f"gensim/test/test_data/{FILE}", "test data")


@functools.lru_cache(maxsize=4)
def _documents(path: Path, vocabulary: tuple[str, ...] | None, grow: bool) -> DocumentData:
    return as_documents(
        read_wikipedia(path), load_card("wikipedia"), f"{path.name} of gensim {version('gensim')}", file=path,
        vocabulary=vocabulary, grow=grow, min_documents=MIN_DOCUMENTS, max_share=MAX_SHARE,
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def read_wikipedia(path: Path) -> CountedTexts:
    """Every word of every document of the dump, from the counts cached under data_home() where they are there."""
    try:
        digest = file_digest(path)
    except OSError as error:
        raise DataError(file=path, expected="a readable file", found=str(error), remedy=_AGAIN) from error
    depends_on = (FORMAT, version("gensim"), unicodedata.unidata_version, digest)
    key = hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]
    return cached(data_home() / "wikipedia" / f"counts-{key}.npz", lambda: _parse(path))


def _parse(path: Path) -> CountedTexts:
    from tqdm.auto import tqdm

    documents: list[tuple[str, str, list[str]]] = []
    for page in tqdm(read_pages(path, _AGAIN), desc="Reading Wikipedia", unit=" articles", leave=False):
        parts = ((section.heading, tokenise(section.text, marks=False)) for section in sections(page.markup))
        documents += [(name, page.title, tokens) for name, tokens in cut_article(page.title, parts)]
    if not documents:
        raise DataError(file=path, expected="a Wikipedia dump with articles", found="none", remedy=_AGAIN)
    names, titles, tokens = zip(*documents, strict=True)
    return CountedTexts(count_everything(tokens), np.array(names), np.array(titles))


def cut_article(title: str, parts: Iterable[tuple[str, list[str]]]) -> Iterator[tuple[str, list[str]]]:
    """(name, tokens) of each document of an article, given the heading and the tokens of its sections.

    A section of less than half a document is joined to the one after it, the last to the one before.
    """
    joined: list[tuple[str, list[str]]] = []
    for heading, tokens in parts:
        if joined and len(joined[-1][1]) < CHUNK_TOKENS / 2:
            joined[-1] = (joined[-1][0], joined[-1][1] + tokens)
        else:
            joined.append((heading, tokens))
    if len(joined) > 1 and len(joined[-1][1]) < CHUNK_TOKENS / 2:
        _, rest = joined.pop()
        joined[-1] = (joined[-1][0], joined[-1][1] + rest)
    for heading, tokens in joined:
        if tokens:
            yield from named_chunks(f"{title}: {heading}" if heading else title, tokens)


@functools.lru_cache(maxsize=1)
def _pages(path: Path) -> tuple[Page, ...]:
    return tuple(read_pages(path, ""))


def size(data: DocumentData) -> dict[str, Any]:
    articles, words = len(np.unique(data.groups)), len(data.vocabulary)
    return {"documents": len(data), "articles": articles, "words": words, "tokens": data.tokens}


def dates(data: DocumentData) -> dict[str, Any]:
    changed = sorted(page.changed for page in _pages(_require_file()))
    return {"first": changed[0][:10], "last": changed[-1][:10]}


def dropped_words(data: DocumentData) -> dict[str, Any]:
    everything = read_wikipedia(_require_file()).words
    in_documents = np.bincount(everything.counts.indices, minlength=len(everything.vocabulary))
    rare, frequent = (in_documents < MIN_DOCUMENTS).sum(), (in_documents > MAX_SHARE * len(data)).sum()
    percent = round(100 * float(data.dropped.sum() / everything.counts.sum()), 1)
    return {"rare": int(rare), "frequent": int(frequent), "percent": percent}


def one_letter(data: DocumentData) -> dict[str, Any]:
    titles = np.unique(data.groups)
    return {"with_a": int(np.char.startswith(titles, "A").sum()), "articles": len(titles)}


def uneven_articles(data: DocumentData) -> dict[str, Any]:
    documents = np.sort(np.unique(data.groups, return_counts=True)[1])[::-1]
    percent = round(100 * float(documents[:10].sum() / documents.sum()))
    return {"largest": int(documents[0]), "single": int((documents == 1).sum()), "percent_of_ten": percent}


def words_of_one_article(data: DocumentData) -> dict[str, Any]:
    _, article = np.unique(data.groups, return_inverse=True)
    entries = data.counts.tocoo()
    pairs = np.unique(np.stack([entries.coords[1], article[entries.coords[0]]]), axis=1)
    return {"words": int((np.bincount(pairs[0], minlength=len(data.vocabulary)) == 1).sum())}


def lists_and_signposts(data: DocumentData) -> dict[str, Any]:
    lists = np.char.startswith(np.unique(data.groups), "List of").sum()
    signposts = sum("{{disambig" in page.markup.lower() for page in _pages(_require_file()))
    return {"lists": int(lists), "signposts": signposts}


def markup_left(data: DocumentData) -> dict[str, Any]:
    column = {word: number for number, word in enumerate(data.vocabulary)}
    left = {word: int(data.counts[:, [column[word]]].sum()) for word in MARKUP if word in column}
    return {"words": [word for word, _ in sorted(left.items())], "tokens": sum(left.values())}


STATEMENTS: dict[str, measures.Measure] = {
    "file": lambda data: {"sha256": file_digest(_require_file())},
    **measures.by_statement(
        measures.lengths, size, dates, dropped_words, one_letter, uneven_articles, words_of_one_article,
        lists_and_signposts, markup_left,
    ),
}  # fmt: skip
