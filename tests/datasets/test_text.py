"""Text becomes the same words everywhere; words become counts over an own, a given or a grown vocabulary."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError, count_documents
from pmt_helpers.datasets.arrays import write_arrays
from pmt_helpers.datasets.text import (
    CHUNK_TOKENS,
    UNSPACED,
    chunk,
    count_everything,
    keep_words,
    read_counted,
    require_words,
    tokenise,
)

TEXTS = [["tea", "cup", "tea"], ["cup"], ["tea", "jug", "cup", "jug"], ["pot"]]
WORD_LISTS = st.lists(st.lists(st.sampled_from(["tea", "cup", "jug", "pot", "milk"]), max_size=12), max_size=6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Cat sat, and the CAT slept.", ["cat", "sat", "cat", "slept"]),
        ("an ox is big", ["big"]),  # too short, stop words
        ("a" * 21 + " " + "b" * 20, ["b" * 20]),
        ("born in 1987, 2nd prize, R2D2", ["born", "prize"]),
        ("It's Ada's idea; they'd doubt it isn’t, we won't, can't, we'll", ["ada", "idea", "doubt"]),
        ("see https://example.org/page?x=1 or www.example.org/a", []),
        ("write to somebody@example.org today", ["write", "today"]),
        ("\ufb01nd the of\ufb01ce", ["office"]),  # ligatures, as PDFs hold them; "find" is a stop word
        ("soft\u00adware", ["software"]),
        ("Café naïve", ["café", "naïve"]),
        ("cafe\u0301", ["café"]),  # an accent as a character of its own
        ("", []),
        ("\0\n\t", []),
    ],
)
def test_a_text_becomes_words(text: str, words: list[str]) -> None:
    assert tokenise(text) == words


@given(st.text(st.characters(codec="latin-1"), max_size=80))
def test_words_of_words_are_the_same_words(text: str) -> None:
    words = tokenise(text)
    assert tokenise(" ".join(words)) == words
    assert all(3 <= len(word) <= 20 and word == word.lower() for word in words)


@given(n_tokens=st.integers(0, 1000), size=st.integers(1, 300))
def test_chunks_are_even_and_lose_nothing(n_tokens: int, size: int) -> None:
    tokens = list(map(str, range(n_tokens)))
    chunks = chunk(tokens, size)
    assert [token for part in chunks for token in part] == tokens
    lengths = [len(part) for part in chunks]
    assert max(lengths) - min(lengths) <= 1
    assert len(chunks) == 1 or all(size / 2 <= length <= 1.5 * size + 1 for length in lengths)


def test_a_chunk_has_about_200_words() -> None:
    assert [len(part) for part in chunk(["word"] * 1000)] == [CHUNK_TOKENS] * 5


def test_own_words_come_in_alphabetical_order() -> None:
    counted = count_documents(TEXTS)
    assert counted.vocabulary == ("cup", "jug", "pot", "tea")
    assert counted.counts.toarray().tolist() == [[1, 0, 0, 2], [1, 0, 0, 0], [1, 2, 0, 1], [0, 0, 1, 0]]
    assert counted.counts.dtype == np.int32
    assert counted.dropped.tolist() == [0, 0, 0, 0]


def test_rare_and_frequent_words_are_dropped_and_counted() -> None:
    rare = count_documents(TEXTS, min_documents=2)
    assert (rare.vocabulary, rare.dropped.tolist()) == (("cup", "tea"), [0, 0, 2, 1])
    frequent = count_documents(TEXTS, max_share=0.5)
    assert (frequent.vocabulary, frequent.dropped.tolist()) == (("jug", "pot", "tea"), [1, 1, 1, 0])
    assert keep_words(count_everything(TEXTS), more_than=2).vocabulary == ("cup", "tea")


def test_a_given_vocabulary_keeps_its_order() -> None:
    counted = count_documents(TEXTS, ["tea", "milk", "cup"], min_documents=4)
    assert counted.vocabulary == ("tea", "milk", "cup")
    assert counted.counts.toarray().tolist() == [[2, 0, 1], [0, 0, 1], [1, 0, 1], [0, 0, 0]]
    assert counted.dropped.tolist() == [0, 0, 2, 1]


def test_a_grown_vocabulary_adds_own_words_behind() -> None:
    counted = count_documents(TEXTS, ["tea", "milk"], grow=True)
    assert counted.vocabulary == ("tea", "milk", "cup", "jug", "pot")
    assert counted.dropped.sum() == 0
    picky = count_documents(TEXTS, ["pot", "milk"], grow=True, min_documents=2)
    assert picky.vocabulary == ("pot", "milk", "cup", "tea")  # "pot" is rare, but given
    assert picky.dropped.tolist() == [0, 0, 2, 0]


@given(WORD_LISTS, st.lists(st.sampled_from(["tea", "cup", "sky"]), unique=True), st.booleans(), st.integers(1, 3))
def test_every_token_is_counted_or_dropped(
    texts: list[list[str]], vocabulary: list[str], grow: bool, min_documents: int
) -> None:
    counted = count_documents(texts, vocabulary, grow=grow, min_documents=min_documents)
    assert counted.counts.shape == (len(texts), len(counted.vocabulary))
    assert counted.vocabulary[: len(vocabulary)] == tuple(vocabulary)
    for tokens, row, dropped in zip(texts, counted.counts.toarray(), counted.dropped, strict=True):
        here = Counter(tokens)
        assert row.tolist() == [here[word] for word in counted.vocabulary]
        assert row.sum() + dropped == len(tokens)


def test_a_vocabulary_with_a_word_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="a word twice"):
        count_documents(TEXTS, ["tea", "cup", "tea"])


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([["tea"], [], ["cup"]], "no words in document 2 of 3 (second)"),
        ([["tea"], ["rum", "gin"], ["cup"]], "2 words, none of them known in document 2 of 3 (second)"),
    ],
)
def test_a_document_without_known_words_is_named(texts: list[list[str]], says: str) -> None:
    counted = count_documents(texts, ["tea", "cup"])
    with pytest.raises(DataError) as caught:
        require_words(counted, np.array(["first", "second", "third"]), file="texts.txt", remedy="Add words.")
    assert caught.value.found == says
    assert (caught.value.file, caught.value.remedy) == ("texts.txt", "Add words.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी विकिपीडिया पर मेरा परिवार", ["हिन्दी", "विकिपीडिया", "मेरा", "परिवार"]),  # most vowels are marks
        ("كِتَابٌ جَمِيلٌ", ["كتاب", "جميل"]),
        ("كتاب جميل", ["كتاب", "جميل"]),
        ("סֵפֶר", ["ספר"]),
        ("می\u200cخواهم", ["میخواهم"]),  # a joiner inside a word
        ("우리 가족은 책을 읽고", ["가족은"]),  # the others are of two letters
        ("我的家人每天都喜欢读书 potatoes", ["potatoes"]),  # a clause is no word
        ("ผมชอบอ่านหนังสือ ខ្ញុំចូលចិត្ត", []),
        ("potatoes " + "QmFzZTY0" * 50 + "== garden", ["potatoes", "garden"]),
    ],
)
def test_words_of_other_scripts_are_whole_or_left_out(text: str, words: list[str]) -> None:
    assert tokenise(text) == words


def test_a_word_ends_at_a_mark_where_marks_are_not_wanted() -> None:
    assert tokenise("akoúo\u0331ter", marks=False) == ["akoúo", "ter"]
    assert tokenise("akoúo\u0331ter") == ["akoúo\u0331ter"]


@given(st.text(max_size=200))
def test_any_text_becomes_words_of_letters(text: str) -> None:
    for word in tokenise(text):
        assert word[0].isalpha()
        assert 3 <= len(word) <= 20
        assert not UNSPACED.search(word)


@given(st.lists(st.sampled_from(["potatoes", "garden", "王小明", "x@y.example"]), max_size=30))
def test_where_a_long_text_is_cut_makes_no_difference(words: list[str]) -> None:
    text = " ".join(words)
    whole = tokenise(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pmt_helpers.datasets.text.BLOCK", 12)
        assert tokenise(text) == whole


@pytest.mark.parametrize("part", ["a", "@", "a.b.", "x@", "QUJD", "a\u0301", "\ufdfa", "http:", "'s", "1a"])
def test_a_text_without_a_space_takes_time_as_it_is_long(part: str) -> None:
    counted = Counter(tokenise(part * (200_000 // len(part))))  # quadratic, this would take hours
    assert sum(counted.values()) <= 4 * 200_000  # U+FDFA stands for four words


@pytest.mark.parametrize(
    "change",
    [
        {"indices": np.array([0, 9], np.int32)},
        {"indices": np.array([0, -1], np.int32)},
        {"data": np.array([1, -5], np.int32)},
        {"data": np.array([1.5, 2])},
        {"groups": np.zeros(0)},
        {"indptr": np.array([0, 5], np.int32)},
    ],
)
def test_counts_that_were_tampered_with_are_not_used(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    good = {"data": np.array([1, 2], np.int32), "indices": np.array([0, 1], np.int32)}
    good |= {"indptr": np.array([0, 2], np.int32), "names": np.array(["x"]), "groups": np.array([0])}
    good["vocabulary"] = np.array(["tea", "cup"])
    write_arrays(tmp_path / "good.npz", good)
    assert read_counted(tmp_path / "good.npz").words.counts.toarray().tolist() == [[1, 2]]
    write_arrays(tmp_path / "bad.npz", good | change)
    with pytest.raises(ValueError, match=r"."):
        read_counted(tmp_path / "bad.npz")
