"""Held-out words and coherence: halves are fair, scores are the plain ones, and better topics score better."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pmt_helpers.datasets import DocumentData, load_card, load_documents
from pmt_helpers.topics import (
    GibbsLDA,
    Topics,
    compared_words,
    held_out_bits,
    infer_theta,
    split_tokens,
    topic_coherence,
    train_shared_topics,
)

COUNTS = arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=st.integers(0, 5))


def some_topics(n_topics: int, n_words: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(n_words), n_topics)


@settings(max_examples=30)
@given(COUNTS, st.integers(1, 18), st.sampled_from([0.01, 1.0, 2.5]), st.integers(0, 99))
def test_the_compiled_score_is_the_plain_one(counts, n_topics, alpha, seed) -> None:
    counts[0, 0] += 1
    phi = some_topics(n_topics, counts.shape[1], seed)
    fast, slow = (held_out_bits(phi, counts, alpha, seed, reference=reference) for reference in (False, True))
    assert fast == pytest.approx(slow, rel=1e-9)


@settings(max_examples=30)
@given(COUNTS, st.integers(0, 99))
def test_the_two_halves_are_all_tokens_and_the_second_has_the_odd_one(counts, seed) -> None:
    counts[0, 0] += 1
    first, second = split_tokens(counts, seed)
    np.testing.assert_array_equal((first + second).toarray(), counts)
    np.testing.assert_array_equal(first.sum(axis=1), counts.sum(axis=1) // 2)


def test_a_split_is_random_and_by_seed() -> None:
    counts = np.full((1, 50), 2)
    one, same, other = (split_tokens(counts, seed)[0].toarray() for seed in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()
    assert set(np.unique(one)) == {0, 1, 2}  # tokens, not words, are split


def test_one_topic_scores_its_own_log_probability() -> None:
    phi = np.array([[0.5, 0.25, 0.25]])
    assert held_out_bits(phi, [[4, 0, 0], [1, 0, 0]]) == -1
    assert held_out_bits(phi, [[0, 4, 4]]) == -2


def test_a_single_word_is_scored_with_every_topic_alike() -> None:
    phi = np.array([[0.9, 0.1], [0.1, 0.9]])
    assert held_out_bits(phi, [[1, 0]]) == pytest.approx(-1)


def test_the_first_half_tells_which_topics_a_document_has() -> None:
    phi = np.array([[0.98, 0.01, 0.01], [0.01, 0.495, 0.495]])
    alike = np.log2(0.5 * phi[0, 0] + 0.5 * phi[1, 0])
    assert held_out_bits(phi, [[40, 0, 0]], alpha=0.1) > alike + 0.9


def test_more_iterations_change_nothing_that_could_be_seen(planted) -> None:
    assert held_out_bits(planted.phi, planted.counts) == pytest.approx(
        held_out_bits(planted.phi, planted.counts, iterations=500), abs=1e-5
    )


def test_true_topics_score_best_and_trained_ones_better_than_random_ones(planted) -> None:
    train, test = planted.counts[:150], planted.counts[150:]
    lda = GibbsLDA(4, 0.3).fit(train, 60, keep=(0,))
    true, trained, random = (held_out_bits(phi, test, 0.3) for phi in (planted.phi, lda.phi_, lda.phi_at_[0]))
    assert true > trained > random + 0.5


@pytest.mark.parametrize(
    ("phi", "counts", "options", "message"),
    [
        (some_topics(2, 3), [[1, 2]], {}, "counts have 2 words, the topics 3"),
        (some_topics(2, 3) * 3, [[1, 2, 3]], {}, "must sum to one"),
        ([[0.5, 0.5, 0], [1, 0, 0]], [[1, 2, 3]], {}, "1 words of these documents, the first in column 2"),
        (some_topics(2, 3), [[0, 0, 0]], {}, "no words at all"),
        (some_topics(2, 3), [[1, -1, 0]], {}, "negative"),
        (some_topics(2, 3), [[1, 1, 0]], {"alpha": 0.0}, "alpha must be a number above 0"),
        (some_topics(2, 3), [[1, 1, 0]], {"iterations": 0}, "iterations must be a number above 0"),
    ],
)
def test_what_cannot_be_scored_is_named(phi, counts, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        held_out_bits(phi, counts, **options)


def test_a_word_no_topic_knows_does_no_harm_where_it_does_not_occur() -> None:
    assert held_out_bits([[0.5, 0.5, 0], [1, 0, 0]], [[1, 2, 0]]) < 0


def test_a_documents_topics_are_read_off_its_words_with_the_topics_fixed() -> None:
    phi = np.array([[0.98, 0.01, 0.01], [0.01, 0.495, 0.495]])
    theta = infer_theta(phi, [[40, 0, 0], [0, 20, 20], [0, 0, 0]], alpha=0.1)
    assert theta[:, 0] == pytest.approx([40.1 / 40.2, 0.1 / 40.2, 0.5], abs=1e-3)  # no words: no topic before another
    assert theta.sum(axis=1) == pytest.approx(1)


def test_inferred_topics_are_near_those_the_sampler_found_where_its_documents_are(planted) -> None:
    lda = GibbsLDA(4, 0.3).fit(planted.counts, 60)
    inferred = infer_theta(lda.phi_, planted.counts, 0.3)
    assert inferred.shape == lda.theta_.shape
    assert np.abs(inferred - lda.theta_).mean() < 0.03
    settled = infer_theta(lda.phi_, planted.counts, 0.3, iterations=500)
    assert np.abs(inferred - settled).max() < 0.01


def test_what_inferring_cannot_use_is_named() -> None:
    with pytest.raises(ValueError, match="1 words of these documents, the first in column 2"):
        infer_theta(np.array([[0.5, 0.5, 0], [1, 0, 0]]), [[1, 2, 3]])
    with pytest.raises(ValueError, match="counts have 2 words, the topics 3"):
        infer_theta(some_topics(2, 3), [[1, 2]])


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
    with pytest.raises(ValueError, match="top must be a whole number from 2"):
        topic_coherence(phi, counts, 1)
    with pytest.raises(ValueError, match="counts have 2 words, the topics 3"):
        topic_coherence(phi, counts[:, :2])
