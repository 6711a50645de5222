"""Coherence by gensim is the plain mean of NPMI over documents, and is asked only about words that can be judged."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmt_helpers.datasets import DocumentData, load_card, load_documents
from pmt_helpers.topics import Topics, compared_words, topic_coherence, train_shared_topics


def as_documents(counts, words: str) -> DocumentData:
    n_docs = np.shape(counts)[0]
    names = np.array([f"document {d}" for d in range(n_docs)])
    return DocumentData(counts, tuple(words), np.arange(n_docs), names, np.zeros(n_docs, int), load_card("news"), "")


def plain(columns, counts, measure: str) -> float:
    """The measure over one topic's words, likeliest first, one pair of words after another."""
    held = np.asarray(counts) > 0
    found = []
    for likelier, other in combinations(columns, 2):
        p1, p2 = held[:, likelier].mean(), held[:, other].mean()
        p12 = (held[:, likelier] & held[:, other]).mean() + 1e-12
        pmi = np.log(p12 / (p1 * p2))
        found.append({"c_npmi": pmi / -np.log(p12), "c_uci": pmi, "u_mass": np.log(p12 / p1)}[measure])
    return float(np.mean(found))


@settings(max_examples=30)
@given(st.integers(2, 12), st.integers(3, 9), st.integers(2, 5), st.integers(0, 999))
def test_gensim_gives_the_plain_mean_over_the_pairs(n_docs, n_words, top, seed) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.6, (n_docs, n_words))
    counts[0, :2], counts[1, :2] = 1, 0
    phi = rng.dirichlet(np.ones(n_words), 3)
    words = compared_words(phi, counts, top)
    for measure in ("c_npmi", "c_uci", "u_mass"):
        expected = [plain(topic, counts, measure) for topic in words]
        np.testing.assert_allclose(topic_coherence(phi, counts, top, measure), expected, rtol=1e-9, atol=1e-12)


def test_words_of_one_topic_keep_company_and_words_thrown_together_do_not(planted) -> None:
    mixed = np.random.default_rng(0).permuted(planted.phi, axis=1)
    kept, thrown = topic_coherence(planted.phi, planted.counts), topic_coherence(mixed, planted.counts)
    assert kept.min() > thrown.max() + 0.05


def test_real_topics_hold_together_better_than_chance_and_at_home_better_than_abroad() -> None:
    news = load_documents("news")
    topics = train_shared_topics(news, 10, iterations=30)
    found = topic_coherence(topics, news)
    assert found.shape == (10,)
    chance = np.random.default_rng(0).permuted(topics.phi, axis=1)
    assert found.mean() > topic_coherence(chance, news).mean() + 0.2
    np.testing.assert_allclose(found, topic_coherence(topics.phi, news.counts))
    words = compared_words(topics, news)
    np.testing.assert_allclose(found, [plain(w, news.counts.toarray(), "c_npmi") for w in words])


def test_documents_without_any_of_the_words_count_as_such() -> None:
    counts = np.array([[2, 1, 0], [0, 0, 1]])
    assert topic_coherence([[0.6, 0.3, 0.1]], counts, 2) == pytest.approx(1)
    more = np.vstack([counts, counts[[1]]])
    assert topic_coherence([[0.6, 0.3, 0.1]], more, 2, "c_uci") == pytest.approx(np.log(3))


def test_words_are_matched_by_name_where_both_sides_know_theirs() -> None:
    here = as_documents([[1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0]], "abcd")
    there = as_documents(here.counts[:, [3, 1, 0, 2]], "dbac")
    topics = Topics([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]], tuple("abcd"))
    np.testing.assert_allclose(topic_coherence(topics, here, 3), topic_coherence(topics, there, 3))
    assert (topic_coherence(topics, here, 3) != topic_coherence(topics.phi, there, 3)).any()


def test_a_word_that_the_reference_cannot_judge_gives_its_place_to_the_next() -> None:
    reference = as_documents([[1, 1, 0, 5], [0, 0, 1, 5], [1, 0, 1, 5]], "abcd")  # d is everywhere, e and z nowhere
    topics = Topics([[0.05, 0.1, 0.15, 0.2, 0.2, 0.3]], tuple("abcdez"))
    np.testing.assert_array_equal(compared_words(topics, reference, 2), [[2, 1]])
    np.testing.assert_array_equal(compared_words(topics, reference, 10), [[2, 1, 0]])
    assert np.isfinite(topic_coherence(topics, reference)).all()


def test_what_cannot_be_judged_is_refused() -> None:
    counts = np.array([[1, 1, 1], [0, 1, 1]])
    phi = np.full((2, 3), 1 / 3)
    with pytest.raises(ValueError, match="only 1 of the topics' 3 words occur in some of the 2"):
        topic_coherence(phi, counts)
    with pytest.raises(ValueError, match="choose one of c_npmi, c_uci, u_mass"):
        topic_coherence(phi, counts, measure="c_v")
    with pytest.raises(ValueError, match="top must be 2 or more"):
        topic_coherence(phi, counts, 1)
    with pytest.raises(ValueError, match="counts have 2 words, the topics 3"):
        topic_coherence(phi, counts[:, :2])
