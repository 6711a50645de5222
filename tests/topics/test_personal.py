"""Shared and personal topics; and topics travel as two plain files, come back bit for bit, or are refused."""

import json
import re
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError, DocumentData, load_card, load_documents
from pmt_helpers.datasets.arrays import digest
from pmt_helpers.topics import (
    GibbsLDA,
    StoredTopics,
    Topics,
    load_topics,
    personalise_topics,
    save_topics,
    train_shared_topics,
)


def as_documents(counts, words) -> DocumentData:
    n_docs = counts.shape[0]
    names = np.array([f"document {d}" for d in range(n_docs)])
    return DocumentData(counts, tuple(words), np.arange(n_docs), names, np.zeros(n_docs, int), load_card("news"), "")


@pytest.fixture(scope="module")
def words(planted) -> list[str]:
    return [f"word{w}" for w in range(planted.counts.shape[1])]


def test_only_topics_and_their_words_leave_the_cloud(planted, words) -> None:
    shared = train_shared_topics(as_documents(planted.counts, words), 4, iterations=5)
    assert [field.name for field in fields(shared.topics)] == ["phi", "vocabulary"]
    here, there = (
        personalise_topics(download, planted.counts[:9], iterations=3) for download in (shared, shared.topics)
    )
    np.testing.assert_array_equal(here.phi, there.phi)
    with pytest.raises(ValueError, match="read-only"):
        shared.phi[0, 0] = 1


def test_both_ends_are_the_sampler_and_nothing_more(planted) -> None:
    public, own = planted.counts[:150], planted.counts[150:]
    shared = train_shared_topics(public, 4, iterations=5, seed=3)
    lda = GibbsLDA(4, seed=3).fit(public, 5)
    np.testing.assert_array_equal(shared.phi, lda.phi_)
    np.testing.assert_array_equal(shared.curve, lda.log2_likelihood_)
    personal = personalise_topics(shared, own, "prior", 2.0, iterations=5, seed=4, keep=(0, 5))
    lda = GibbsLDA(4, seed=4).fit(own, 5, "prior", lda.phi_, 2.0)
    np.testing.assert_array_equal(personal.phi, lda.phi_)
    np.testing.assert_array_equal(personal.theta, lda.theta_)
    np.testing.assert_array_equal(personal.topics_at[5], personal.phi)


@pytest.mark.parametrize("start", ["shared", "prior"])
def test_own_words_may_come_after_the_shared_ones(planted, words, start: str) -> None:
    shared = Topics(planted.phi, tuple(words))
    own = np.hstack([planted.counts[:9].toarray(), np.full((9, 2), 3)])
    personal = personalise_topics(shared, as_documents(own, [*words, "mine", "too"]), start, iterations=3)
    assert personal.phi.shape == (4, len(words) + 2)
    assert personal.vocabulary == (*words, "mine", "too")
    assert personal.phi[:, -2:].max() > 0.001


def test_another_vocabulary_is_refused_with_the_first_column_that_differs(planted, words) -> None:
    shared = Topics(planted.phi, tuple(words))
    swapped = [words[1], words[0], *words[2:]]
    with pytest.raises(ValueError, match=r"60 words must begin with the 60 of the shared topics.*from column 0 on"):
        personalise_topics(shared, as_documents(planted.counts, swapped))
    with pytest.raises(ValueError, match=r"50 words must begin with the 60 of the shared topics.*from column 50 on"):
        personalise_topics(shared, as_documents(planted.counts[:, :50], words[:50]))
    with pytest.raises(ValueError, match="there are 50 words"):
        personalise_topics(shared, planted.counts[:, :50])


def test_topics_that_are_none_are_refused_when_they_are_made(planted, words) -> None:
    with pytest.raises(ValueError, match="the topics have 60 words, but the vocabulary 59"):
        Topics(planted.phi, tuple(words[1:]))
    with pytest.raises(ValueError, match="must sum to one"):
        Topics(planted.phi * 1.01)


WORDS = st.lists(st.text(max_size=8), min_size=1, max_size=6, unique=True)


@pytest.fixture
def saved(planted, tmp_path: Path) -> Path:
    words = tuple(f"word{column}" for column in range(planted.phi.shape[1]))
    return save_topics(Topics(planted.phi, words), tmp_path / "shared", alpha=2.5, source="made up", license="CC0")


def rewrite(saved: Path, **changes) -> None:
    """Change the card as somebody would who knows how digests are made only for phi: by hand."""
    beside = saved.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text(encoding="utf-8")) | changes), encoding="utf-8")


@settings(max_examples=40)
@given(
    WORDS, st.integers(1, 4), st.integers(0, 999), st.none() | st.floats(1e-6, 1e6), st.text(max_size=9), st.booleans()
)
def test_what_was_saved_comes_back_bit_for_bit(words, n_topics, seed, prior, said, named) -> None:
    phi = np.random.default_rng(seed).dirichlet(np.full(len(words), 0.1), n_topics)
    with TemporaryDirectory() as folder:
        path = Path(folder, "topics")
        save_topics(Topics(phi, tuple(words) if named else None), path, alpha=prior, beta=prior, source=said)
        back = load_topics(path)
    np.testing.assert_array_equal(back.phi, phi)
    assert back.vocabulary == (tuple(words) if named else None)
    assert (back.alpha, back.beta, back.source, back.license) == (prior, prior, said, "")


def test_topics_of_real_news_are_small_readable_and_go_on_at_home(tmp_path: Path) -> None:
    news = load_documents("news")
    shared = train_shared_topics(news.select(np.arange(200)), 8, iterations=5)
    npz = save_topics(shared, tmp_path / "news")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["news.json", "news.npz"]
    card = json.loads(npz.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["vocabulary"][:3] == list(news.vocabulary[:3])
    assert card["alpha"] is card["beta"] is None  # told only when it is given
    with np.load(npz) as archive:
        assert archive.files == ["phi"]
    assert npz.stat().st_size < 8 * shared.phi.size
    own = news.select(np.arange(200, 210))
    back = load_topics(npz)
    assert isinstance(back, StoredTopics)
    here, there = (personalise_topics(topics, own, iterations=2) for topics in (shared, back))
    np.testing.assert_array_equal(here.phi, there.phi)


def test_a_name_keeps_its_dots_and_takes_either_ending(planted, tmp_path: Path) -> None:
    topics = Topics(planted.phi)
    assert save_topics(topics, tmp_path / "topics.v2").name == "topics.v2.npz"
    assert save_topics(topics, tmp_path / "topics.v3.npz").name == "topics.v3.npz"
    for name in ("topics.v2", "topics.v3.npz", "topics.v3.json"):
        np.testing.assert_array_equal(load_topics(tmp_path / name).phi, planted.phi)


@settings(max_examples=60)
@given(st.data())
def test_no_damage_goes_unnoticed_or_ends_in_another_error(data) -> None:
    phi = np.random.default_rng(0).dirichlet(np.ones(5), 3)
    with TemporaryDirectory() as folder:
        npz = save_topics(Topics(phi, tuple("abcde")), Path(folder, "topics"))
        path = data.draw(st.sampled_from([npz, npz.with_suffix(".json")]))
        content = bytearray(path.read_bytes())
        where = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[where] ^= data.draw(st.integers(1, 255))
        else:
            del content[where:]
        path.write_bytes(content)
        try:
            back = load_topics(npz)
        except DataError:
            return
    np.testing.assert_array_equal(back.phi, phi)  # a byte that nobody reads
    assert back.vocabulary == tuple("abcde")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocabulary": ["a", "b"]}, r"60 words, but the vocabulary 2"),
        ({"vocabulary": ["a"] * 60}, r"each word once[\s\S]*59 repeated"),
        ({"vocabulary": [1, 2]}, r"a list of words, or null[\s\S]*list \[1, 2\]"),
        ({"vocabulary": {"a": 0}}, r"a list of words, or null"),
        ({"vocabulary": [f"other{column}" for column in range(60)]}, r"digest"),
        ({"vocabulary": None}, r"digest"),
        ({"digest": None}, r"digest"),
        ({"alpha": -1}, r"alpha: a number above 0, or null[\s\S]*int -1"),
        ({"beta": "0.1"}, r"beta: a number"),
        ({"beta": True}, r"beta: a number"),
        ({"license": 3}, r"license: text"),
        ({"format": "pmt-activity-model/1"}, r"format 'pmt-topics/1'[\s\S]*pmt-activity-model"),
    ],
)
def test_a_card_that_says_something_else_is_refused(saved: Path, changes: dict, message: str) -> None:
    rewrite(saved, **changes)
    with pytest.raises(DataError, match=message):
        load_topics(saved)


@pytest.mark.parametrize("content", ["", "not json", "[1, 2]", "{}", "[" * 100_000, '{"format": "pmt-topics/1"}'])
def test_a_card_that_is_none_is_refused(saved: Path, content: str) -> None:
    saved.with_suffix(".json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"shared\.json"):
        load_topics(saved)


@pytest.mark.parametrize(
    ("phi", "message"),
    [
        (np.full((4, 60), 0.5), "must sum to one"),
        (np.full((4, 60), np.nan), "NaN"),
        (np.full((4, 59), 1 / 59), "59 words, but the vocabulary 60"),
        (np.full(60, 1 / 60), "expected \\(n_topics, n_words\\)"),
        (np.eye(60, dtype=int), "decimal numbers"),
        (np.full((4, 60), "a"), "decimal numbers"),
        (np.array([[print]]), "plain arrays"),
        (np.full((4, 60), 1 / 60), "digest"),
    ],
)
def test_probabilities_that_are_none_or_of_others_are_refused(saved: Path, phi, message: str) -> None:
    np.savez(saved, phi=phi)
    with pytest.raises(DataError, match=message):
        load_topics(saved)


def test_probabilities_that_are_none_are_refused_with_a_digest_that_fits_too(saved: Path) -> None:
    phi = np.full((4, 60), 0.5)
    np.savez(saved, phi=phi)
    words = json.loads(saved.with_suffix(".json").read_text(encoding="utf-8"))["vocabulary"]
    rewrite(saved, digest=digest({"phi": phi, "vocabulary": np.frombuffer(json.dumps(words).encode(), np.uint8)}))
    with pytest.raises(DataError, match="must sum to one"):
        load_topics(saved)


def test_another_kind_of_file_is_refused(saved: Path) -> None:
    np.savez(saved, theta=np.ones(3))
    with pytest.raises(DataError, match=r"arrays phi[\s\S]*without phi"):
        load_topics(saved)
    with saved.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(DataError, match="plain arrays"):
        load_topics(saved)
    for path in (saved, saved.with_suffix(".json")):
        path.unlink()
        with pytest.raises(DataError, match=r"no file[\s\S]*together"):
            load_topics(saved)


def test_what_could_not_be_read_again_is_not_written(planted, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds a word twice"):
        save_topics(Topics([[0.5, 0.5]], ("a", "a")), tmp_path / "topics")
    with pytest.raises(ValueError, match="beta must be a number above 0"):
        save_topics(Topics(planted.phi), tmp_path / "topics", beta=float("nan"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n_digits", [400, 10_000])
def test_a_prior_of_any_number_of_digits_is_refused(saved: Path, n_digits: int) -> None:
    card = saved.with_suffix(".json")
    card.write_text(re.sub(r'"alpha": [^,]*', '"alpha": ' + "9" * n_digits, card.read_text(encoding="utf-8")))
    with pytest.raises(DataError):
        load_topics(saved)
