"""The news come from an installed package, one text a line, and copies are known as copies."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.datasets import DataError, DocumentData, load_documents, news


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An own file in place of the real one, with all its words kept."""
    path = tmp_path / "small.cor"
    monkeypatch.setattr(news, "find_news", lambda: path)
    monkeypatch.setattr(news, "MIN_DOCUMENTS", 1)
    monkeypatch.setattr(news, "MAX_SHARE", 1.0)
    news._documents.cache_clear()
    yield path
    news._documents.cache_clear()


def test_the_numbers_are_those_measured_before() -> None:
    data = load_documents("news")
    assert data.summary == "300 documents, 2,114 words, 23,170 tokens"
    assert data is load_documents("news")
    assert data.names[0] == "Hundreds of people have been forced to vacate their homes …"


def test_seven_copies_share_the_group_of_the_first() -> None:
    data = load_documents("news")
    again = np.flatnonzero(data.groups != np.arange(300))
    assert len(again) == 7
    assert (data.groups[again] < again).all()
    for copy in again:
        assert (data.counts[[copy]] != data.counts[[data.groups[copy]]]).nnz == 0


def test_words_unknown_to_wikipedia_are_dropped_and_counted(real_wikipedia: DocumentData) -> None:
    own, foreign = load_documents("news"), load_documents("news", real_wikipedia.vocabulary)
    assert foreign.vocabulary == real_wikipedia.vocabulary
    read = own.lengths + own.dropped
    assert (foreign.lengths + foreign.dropped).tolist() == read.tolist()
    assert 0.5 < foreign.tokens / read.sum() < 0.9


def test_a_grown_vocabulary_begins_with_the_given_words(real_wikipedia: DocumentData) -> None:
    grown = load_documents("news", real_wikipedia.vocabulary, grow=True)
    n_given = len(real_wikipedia.vocabulary)
    assert grown.vocabulary[:n_given] == real_wikipedia.vocabulary
    assert set(grown.vocabulary[n_given:]) == set(load_documents("news").vocabulary) - set(real_wikipedia.vocabulary)
    assert grown.tokens > load_documents("news", real_wikipedia.vocabulary).tokens


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "an empty file"),
        (b"\n", "an empty file"),
        (b"Rain fell.\n\nSnow fell.\n", "an empty line, number 2 of 3"),
        (b"Rain fell.\n   \n", "an empty line, number 2 of 2"),
        (b"Rain fell.\nThe of and 12.\nSnow fell.\n", "no words in document 2 of 3"),
        (b"Rain fell.\nSnow \xa3 fell.\n", "a byte that is not text at position 16"),
    ],
)
def test_a_bad_file_says_what_is_wrong(small: Path, content: bytes, says: str) -> None:
    small.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_documents("news")
    assert says in caught.value.found
    assert "pip install" in caught.value.remedy


def test_an_unreadable_file_says_so(small: Path) -> None:
    small.mkdir()
    with pytest.raises(DataError, match="a readable file"):
        load_documents("news")


def test_a_document_without_a_known_word_is_named(small: Path) -> None:
    small.write_bytes(b"Rain fell.\r\nSnow melted.\r\nRain again.\r\n")
    with pytest.raises(DataError, match=r"2 words, none of them known in document 2 of 3"):
        load_documents("news", ["rain"])
    assert load_documents("news", ["rain"], grow=True).vocabulary == ("rain", "fell", "melted", "snow")
