"""Reading a Wikipedia dump: its articles, their sections, and the plain text under Wikipedia's markup. Notebook 03.

gensim cleans the markup; pages and sections are found here, because its own segmenter starts a pool of processes and
misses headings that are followed by a space.
"""

import bz2
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError, iterparse

from pmt_helpers.datasets.errors import DataError

# Lists of titles, publishers and links: they would give every article the same topic.
LEFT_OUT = frozenset({
    "bibliography", "citations", "external links", "footnotes", "further reading", "notes", "notes and references",
    "references", "see also", "sources",
})  # fmt: skip
_HEADING = re.compile(r"^==(?!=)[ \t]*(.+?)[ \t]*==[ \t]*$", re.MULTILINE)
_GALLERY_FILE = re.compile(r"^\s*(?:file|image):[^|\n]*", re.MULTILINE | re.IGNORECASE)
_ARTICLES = "0"  # the namespace of articles; talk, help and project pages have others


@dataclass(frozen=True)
class Page:
    """An article as the dump holds it: its title, the time of its last change (ISO 8601), its text in wiki markup."""

    title: str
    changed: str
    markup: str


@dataclass(frozen=True)
class Section:
    """A stretch of an article below one main heading; the first has the empty heading. text: without markup."""

    heading: str
    text: str


def read_pages(path: Path, remedy: str) -> Iterator[Page]:
    """The articles of a dump, one after the other; redirects and pages that are no articles are passed over.

    Raises DataError, with the remedy given, for a file that is damaged, cut off or something else.
    """
    try:
        with bz2.open(path) as file:
            found: dict[str, str] = {}
            for _, element in iterparse(file):
                tag = element.tag.rpartition("}")[2]
                if tag in ("title", "ns", "redirect", "timestamp", "text"):
                    found[tag] = element.text or ""
                elif tag == "page":
                    if found.get("ns") == _ARTICLES and "redirect" not in found:
                        yield Page(found.get("title", ""), found.get("timestamp", ""), found.get("text", ""))
                    found = {}
                    element.clear()
    except (OSError, EOFError, ParseError) as error:
        raise DataError(
            file=path, expected="a whole Wikipedia dump (XML in bz2)", found=f"damage ({error})", remedy=remedy
        ) from error  # fmt: skip


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
