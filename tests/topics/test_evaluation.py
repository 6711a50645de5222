"""Held-out words: the halves are fair, the score is the plain one, and better topics score better."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pmt_helpers.topics import GibbsLDA, held_out_bits, infer_theta, split_tokens

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


def test_a_split_is_by_lot_and_by_seed() -> None:
    counts = np.full((1, 50), 2)
    one, same, other = (split_tokens(counts, seed)[0].toarray() for seed in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()
    assert set(np.unique(one)) == {0, 1, 2}  # tokens, not words, are dealt


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
