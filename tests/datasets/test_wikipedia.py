"""Wikipedia comes from an installed package: articles become sections, documents and counts, once."""

import bz2
import functools
import socket
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest

from pmt_helpers.datasets import DataError, DocumentData, load_documents, news, text, wikipedia
from pmt_helpers.datasets.wikipedia import LEFT_OUT, cut_article, find_wikipedia, read_pages, sections

MARKUP = """{{Infobox|name=Tea}} '''Tea''' is a [[drink|hot drink]].<ref>A book, ISBN 1</ref>
<gallery>
File:Cup of tea.jpg|A porcelain cup
</gallery>
== History == 
Monks drank [[tea]] early.
===Trade===
Ships carried chests.
==References==
Smith, ''The Tea Book'', Oxford.
== See also ==
* [[Coffee]]
"""  # noqa: W291


def dump(*pages: tuple[str, str, str]) -> bytes:
    """A dump of (title, namespace, text); a text that begins with #REDIRECT is marked as MediaWiki does."""
    items = []
    for title, namespace, body in pages:
        redirect = '<redirect title="Elsewhere" />' if body.startswith("#REDIRECT") else ""
        items.append(
            f"<page><title>{title}</title><ns>{namespace}</ns>{redirect}<revision><timestamp>2016-05-01T00:00:00Z"
            f"</timestamp><text>{escape(body)}</text></revision></page>"
        )
    head = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><siteinfo><namespaces>'
    head += '<namespace key="0" /></namespaces></siteinfo>'
    return bz2.compress(f"{head}{''.join(items)}</mediawiki>".encode())


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A small dump in place of gensim's, and an own empty data home."""
    path = tmp_path / "dump.bz2"
    path.write_bytes(dump(("Tea", "0", MARKUP), ("Coffee", "0", "Beans roast. " * 400), ("Kaffee", "0", "#REDIRECT")))
    monkeypatch.setattr(wikipedia, "find_wikipedia", lambda: path)
    monkeypatch.setattr(wikipedia, "MIN_DOCUMENTS", 1)
    monkeypatch.setattr(wikipedia, "MAX_SHARE", 1.0)
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path / "home"))
    for name in ("read_wikipedia", "_documents"):  # what other tests have loaded stays loaded
        monkeypatch.setattr(wikipedia, name, functools.lru_cache(getattr(wikipedia, name).__wrapped__))
    return path


def forget() -> None:
    """As a new process would be."""
    wikipedia.read_wikipedia.cache_clear()
    wikipedia._documents.cache_clear()


def test_sections_end_at_headings_and_lose_their_markup() -> None:
    found = sections(MARKUP)
    assert [section.heading for section in found] == ["", "History"]
    assert "hot drink" in found[0].text
    assert not any(markup in found[0].text for markup in ("[[", "Infobox", "ISBN", "File", ".jpg", "drink|"))
    assert "A porcelain cup" in found[0].text
    assert "Ships carried chests." in found[1].text
    assert "Coffee" not in found[1].text


@pytest.mark.parametrize("heading", ["''Cups'' &ndash; and mugs", "{{anchor|x}} [[Cup|Cups]] – and mugs"])
def test_a_heading_loses_its_markup_too(heading: str) -> None:
    assert sections(f"Text.\n=={heading}==\nmore\n")[1].heading == "Cups – and mugs"


@pytest.mark.parametrize("heading", sorted(LEFT_OUT))
def test_lists_of_references_and_links_are_left_out(heading: str) -> None:
    assert [section.heading for section in sections(f"Text.\n=={heading.title()}==\nmore\n")] == [""]


def test_redirects_and_other_namespaces_are_no_articles(tmp_path: Path) -> None:
    path = tmp_path / "dump.bz2"
    path.write_bytes(dump(("Tea", "0", "Leaf"), ("Thé", "0", "#REDIRECT [[Tea]]"), ("Talk:Tea", "1", "I like it")))
    pages = list(read_pages(path, ""))
    assert [(page.title, page.markup, page.changed[:10]) for page in pages] == [("Tea", "Leaf", "2016-05-01")]


def words(n: int) -> list[str]:
    return [f"w{number}" for number in range(n)]


@pytest.mark.parametrize(
    ("lengths", "documents"),
    [
        ([200, 200], [("T", 200), ("T: s1", 200)]),
        ([30, 80, 150], [("T", 110), ("T: s2", 150)]),  # short ones join the next
        ([150, 40], [("T", 190)]),  # the last joins the one before
        ([450], [("T (1 of 2)", 225), ("T (2 of 2)", 225)]),
        ([20], [("T", 20)]),
        ([0, 120], [("T", 120)]),
        ([0], []),
    ],
)
def test_an_article_becomes_documents_of_about_200_words(lengths: list[int], documents: list[tuple[str, int]]) -> None:
    parts = [(f"s{number}" if number else "", words(length)) for number, length in enumerate(lengths)]
    assert [(name, len(tokens)) for name, tokens in cut_article("T", parts)] == documents


def test_documents_of_an_article_are_a_group(fresh: Path) -> None:
    data = load_documents("wikipedia")
    assert data.groups.tolist() == ["Tea"] + ["Coffee"] * 4
    assert data.names.tolist() == ["Tea", *(f"Coffee ({number} of 4)" for number in range(1, 5))]
    assert data.vocabulary[:2] == ("beans", "carried")
    assert data.card.name == "wikipedia"
    assert data.source.startswith("dump.bz2 of gensim ")


def test_a_document_without_a_given_word_is_named(fresh: Path) -> None:
    with pytest.raises(DataError, match=r"none of them known in document 1 of 5 \(Tea\)") as caught:
        load_documents("wikipedia", ["beans", "roast"])
    assert "grow=True" in caught.value.remedy
    grown = load_documents("wikipedia", ["roast", "beans"], grow=True)
    assert grown.vocabulary[:3] == ("roast", "beans", "carried")
    assert grown.dropped.sum() == 0


def test_the_second_time_the_cached_counts_are_read(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_documents("wikipedia")
    files = list((fresh.parent / "home" / "wikipedia").iterdir())
    assert [path.suffix for path in files] == [".npz"]
    forget()
    monkeypatch.setattr(wikipedia, "_parse", None)  # nothing is parsed again
    again = load_documents("wikipedia")
    assert again is not first
    assert (again.counts != first.counts).nnz == 0
    assert again.vocabulary == first.vocabulary
    assert again.names.tolist() == first.names.tolist()
    assert again.groups.tolist() == first.groups.tolist()


@pytest.mark.parametrize("change", ["file", "format", "gensim"])
def test_counts_cached_for_something_else_are_not_used(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    load_documents("wikipedia")
    forget()
    if change == "file":
        fresh.write_bytes(dump(("Milk", "0", "Cows graze")))
    elif change == "format":
        monkeypatch.setattr(wikipedia, "FORMAT", wikipedia.FORMAT + 1)
    else:
        monkeypatch.setattr(wikipedia, "version", lambda name: "5.0")
    load_documents("wikipedia")
    assert len(list((fresh.parent / "home" / "wikipedia").iterdir())) == 2
    assert (load_documents("wikipedia").vocabulary == ("cows", "graze")) == (change == "file")


@pytest.mark.parametrize("content", [b"", b"half of it", b"PK\x03\x04 and then nothing", None])
def test_damaged_cached_counts_are_made_again(fresh: Path, content: bytes | None) -> None:
    first = load_documents("wikipedia")
    (cached,) = (fresh.parent / "home" / "wikipedia").iterdir()
    whole = cached.read_bytes()
    cached.write_bytes(whole[: len(whole) // 2] if content is None else content)
    forget()
    assert (load_documents("wikipedia").counts != first.counts).nnz == 0
    assert text.read_counted(cached).words.vocabulary == first.vocabulary


def test_a_folder_marked_read_only_is_not_written_to(fresh: Path) -> None:
    """Not even by root, who may: such a folder is somebody's store of data."""
    home = fresh.parent / "home"
    home.mkdir()
    home.chmod(0o555)
    assert len(load_documents("wikipedia")) == 5
    assert list(home.iterdir()) == []
    home.chmod(0o755)


def test_a_full_disk_does_no_harm(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **arrays: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    assert len(load_documents("wikipedia")) == 5
    assert list((fresh.parent / "home" / "wikipedia").iterdir()) == []


def test_a_file_in_place_of_the_folder_does_no_harm(fresh: Path) -> None:
    (fresh.parent / "home").write_text("not a folder")
    assert len(load_documents("wikipedia")) == 5


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "damage"),
        (b"<html>not found</html>", "damage"),
        (dump(("Tea", "0", "Leaf"))[:-30], "damage"),
        (bz2.compress(b"<mediawiki><page><title>Tea"), "damage"),
        (bz2.compress(b"\xff\xfe\xfd no text"), "damage"),
        (bz2.compress(b"<mediawiki><page><title>T\xff</title></page></mediawiki>"), "damage"),
        (dump(), "none"),
        (dump(("Tea", "0", "{{only markup}}")), "none"),
    ],
)
def test_a_damaged_dump_says_so(fresh: Path, content: bytes, says: str) -> None:
    fresh.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_documents("wikipedia")
    assert says in caught.value.found
    assert "pip install" in caught.value.remedy
    assert not (fresh.parent / "home").exists()


def test_an_unreadable_file_says_so(fresh: Path) -> None:
    fresh.unlink()
    fresh.mkdir()
    with pytest.raises(DataError, match="a readable file"):
        load_documents("wikipedia")


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("wikipedia", "news"):
        with pytest.raises(DataError, match="pip install"):
            load_documents(name)


class TestRealFile:
    """The sample inside gensim."""

    def test_the_numbers_are_those_measured_before(self, real_wikipedia: DocumentData) -> None:
        assert real_wikipedia.summary == "1,265 documents, 11,087 words, 214,360 tokens"
        assert len(np.unique(real_wikipedia.groups)) == 106

    def test_it_is_the_default_and_shared_safely(self, real_wikipedia: DocumentData) -> None:
        assert load_documents() is real_wikipedia
        with pytest.raises(ValueError, match="read-only"):
            real_wikipedia.counts.data[0] = 9

    def test_documents_hold_about_200_words(self, real_wikipedia: DocumentData) -> None:
        lengths = real_wikipedia.lengths + real_wikipedia.dropped
        assert ((lengths >= 100) & (lengths < 300)).mean() > 0.99

    def test_words_that_go_together_are_found_together(self, real_wikipedia: DocumentData) -> None:
        column = real_wikipedia.vocabulary.index
        about = real_wikipedia.groups[(real_wikipedia.counts[:, [column("apollo")]].toarray() > 4)[:, 0]]
        assert {"Apollo 8", "Apollo 11"} <= set(about)

    def test_every_word_is_in_three_documents_or_more(self, real_wikipedia: DocumentData) -> None:
        assert np.bincount(real_wikipedia.counts.indices).min() == 3


def test_loading_never_opens_a_connection(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("load_documents tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert len(load_documents("wikipedia")) == 5
    news._documents.cache_clear()
    assert len(load_documents("news")) == 300


def test_where_the_dump_is_found() -> None:
    path = find_wikipedia()
    assert path is not None
    assert path.parts[-4:-1] == ("gensim", "test", "test_data")
