"""The sampler: the compiled chain is the plain one, counts right, finds what is there, and starts where it should."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from pmt_helpers.datasets.files import shipped
from pmt_helpers.topics import Fit, GibbsLDA, fit_many, gibbs
from pmt_helpers.topics.gibbs import GibbsState, token_words
from pmt_helpers.topics.gibbs_reference import Loops, draw
from pmt_helpers.topics.validation import check_counts

ATTRIBUTES = ("topics_", "phi_", "theta_", "log2_likelihood_")


def some_counts(n_docs: int = 6, n_words: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(1.0, (n_docs, n_words))


def some_topics(n_topics: int, n_words: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(n_words), n_topics)


def same(one: GibbsLDA, other: GibbsLDA) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ATTRIBUTES)


def matched(found: np.ndarray, planted: np.ndarray) -> np.ndarray:
    """How far each planted topic is from the one found that is meant: half the sum of absolute differences."""
    apart = np.abs(found[:, None] - planted[None]).sum(axis=2) / 2
    return apart[linear_sum_assignment(apart)]


# The same chain, however it is run


@settings(max_examples=40)
@given(
    arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 7)), elements=st.integers(0, 4)),
    st.integers(1, 19),
    st.sampled_from(["random", "shared", "prior"]),
    st.sampled_from([0.01, 0.1, 2.5]),
    st.sampled_from([0.0, 1.0, 50.0]),
    st.integers(0, 999),
)
def test_the_compiled_chain_is_the_plain_one(counts, n_topics, start, prior, weight, seed) -> None:
    counts[0, 0] += 1
    options = {"iterations": 3, "start": start, "weight": weight}
    if start != "random":
        options["shared_phi"] = some_topics(n_topics, counts.shape[1], seed)
    fast, slow = (
        GibbsLDA(n_topics, prior, prior / 2, seed).fit(counts, **options, reference=reference)
        for reference in (False, True)
    )
    np.testing.assert_array_equal(fast.topics_, slow.topics_)
    np.testing.assert_array_equal(fast.phi_, slow.phi_)
    np.testing.assert_array_equal(fast.theta_, slow.theta_)
    np.testing.assert_allclose(fast.log2_likelihood_, slow.log2_likelihood_, atol=1e-5)


def test_the_compiled_chain_is_the_plain_one_on_a_longer_run(planted) -> None:
    few = planted.counts[:15]
    fast, slow = (GibbsLDA(20, seed=1).fit(few, 4, reference=reference) for reference in (False, True))
    assert len(fast.topics_) == 15 * 80
    np.testing.assert_array_equal(fast.topics_, slow.topics_)


@pytest.mark.parametrize("start", ["random", "shared", "prior"])
def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(planted, start: str) -> None:
    options = {"iterations": 5, "start": start, "shared_phi": None if start == "random" else planted.phi}
    alone, together = (
        list(fit_many([Fit(GibbsLDA(4, seed=seed), planted.counts, options) for seed in range(5)], threads=threads))
        for threads in (1, 3)
    )
    assert all(map(same, alone, together))
    assert [lda.seed for lda in together] == list(range(5))
    assert not same(alone[0], alone[1])


def test_random_numbers_made_in_pieces_give_the_same_chain(planted, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = GibbsLDA(4).fit(planted.counts, 3)
    for draws in (1, 1000, 16_000):  # less than a document, several documents, exactly all of them
        monkeypatch.setattr(gibbs, "DRAWS", draws)
        assert same(whole, GibbsLDA(4).fit(planted.counts, 3))


def test_stopping_early_gives_the_beginning_of_the_longer_chain(planted) -> None:
    long, short = (GibbsLDA(4).fit(planted.counts, n, keep=(0, 3)) for n in (8, 3))
    np.testing.assert_array_equal(long.log2_likelihood_[:3], short.log2_likelihood_)
    np.testing.assert_array_equal(long.phi_at_[3], short.phi_)
    np.testing.assert_array_equal(long.phi_at_[0], GibbsLDA(4).fit(planted.counts, 0).phi_)


def test_the_chain_does_not_depend_on_prefetching(planted, monkeypatch: pytest.MonkeyPatch) -> None:
    from pmt_helpers.topics import gibbs_kernel

    asked = GibbsLDA(20).fit(planted.counts, 3)
    monkeypatch.setattr(gibbs_kernel, "_prefetch_row", numba.njit(lambda words, i, word_topic, width: None))
    without = Loops(*(numba.njit(error_model="numpy")(loop.py_func) for loop in gibbs_kernel.compiled_loops()))
    monkeypatch.setattr(gibbs_kernel, "compiled_loops", lambda: without)
    assert same(asked, GibbsLDA(20).fit(planted.counts, 3))


FRESH = """
import hashlib
import numpy as np
from pmt_helpers.topics import GibbsLDA
lda = GibbsLDA(20).fit(np.random.default_rng(0).poisson(1.0, (40, 60)), 10)
lda_100 = GibbsLDA(100).fit(np.random.default_rng(0).poisson(1.0, (40, 60)), 10)
from pmt_helpers.topics.gibbs_kernel import sweep
found = lda.topics_.tobytes() + lda_100.topics_.tobytes() + lda.log2_likelihood_.tobytes()
print(hashlib.sha256(found).hexdigest(), sum(sweep.stats.cache_hits.values()))
"""


def test_compiled_now_or_read_from_a_file_or_for_a_plainer_processor_the_loop_gives_the_same_bits(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(shipped().parent)}
    plainer = {"NUMBA_CPU_NAME": "generic"}  # no wide vectors, no fused multiplication
    runs = [
        subprocess.run(
            [sys.executable, "-c", FRESH], env=environment | more, capture_output=True, text=True, check=True
        )
        for more in ({}, {}, plainer)
    ]
    (first, compiled), (second, read), (third, compiled_again) = (run.stdout.split() for run in runs)
    assert (compiled, read, compiled_again) == ("0", "1", "0")
    assert first == second == third


# What it counts


@pytest.mark.parametrize("n_topics", [1, 7, 8, 9, 20])
def test_the_tables_count_every_token_once_after_any_number_of_iterations(planted, n_topics: int) -> None:
    counts = check_counts(planted.counts)
    rng = np.random.default_rng(0)
    z = rng.integers(0, n_topics, counts.sum(), dtype=np.uint32)
    chain = GibbsState(counts, z, n_topics, 2.5, np.full((1, 1), 0.1))
    docs = np.repeat(np.arange(counts.shape[0]), counts.sum(axis=1))
    for _ in range(4):
        for table, rows in ((chain.word_topic, token_words(counts)), (chain.doc_topic, docs)):
            expected = np.zeros_like(table)
            np.add.at(expected, (rows, chain.z), 1)
            np.testing.assert_array_equal(table, expected)
            assert not table[:, n_topics:].any()  # nothing lands in the padding
        chain.sweep(rng)


def test_a_draw_takes_each_topic_as_often_as_its_weight_says() -> None:
    weights = np.zeros(24, np.float32)
    weights[:20] = np.random.default_rng(0).integers(1, 9, 20)
    for topic, extra in ((0, 0), (7, 3)):
        total = int(weights.sum()) + extra
        every = [(i + 0.5) / total for i in range(total)]  # one draw in the middle of each unit of weight
        drawn = [draw(weights, topic, np.float32(extra), np.float32(u), 20) for u in every]
        np.testing.assert_array_equal(np.bincount(drawn, minlength=24), weights + extra * (np.arange(24) == topic))


def test_the_likelihood_is_the_formula_written_as_a_loop() -> None:
    counts = some_counts()
    lda = GibbsLDA(3, 0.7, 0.2).fit(counts, 2)
    total, tokens = 0.0, 0
    for d, row in enumerate(counts):
        for w, count in enumerate(row):
            total += count * np.log2(sum(lda.theta_[d, k] * lda.phi_[k, w] for k in range(3)))
            tokens += count
    assert lda.log2_likelihood_[-1] == pytest.approx(total / tokens, abs=1e-5)


def test_phi_and_theta_follow_from_the_topics_of_the_tokens() -> None:
    counts = some_counts()
    lda = GibbsLDA(3, 0.7, 0.2).fit(counts, 2)
    words, docs = token_words(csr_array(counts)), np.repeat(np.arange(6), counts.sum(axis=1))
    for k in range(3):
        mine = lda.topics_ == k
        smoothed = np.bincount(words[mine], minlength=12) + 0.2
        np.testing.assert_allclose(lda.phi_[k], smoothed / smoothed.sum(), rtol=1e-6)
        share = (np.bincount(docs[mine], minlength=6) + 0.7) / (counts.sum(axis=1) + 3 * 0.7)
        np.testing.assert_allclose(lda.theta_[:, k], share, rtol=1e-6)
    np.testing.assert_allclose(lda.phi_.sum(axis=1), 1)
    np.testing.assert_allclose(lda.theta_.sum(axis=1), 1)


def test_a_document_without_words_has_every_topic_alike_and_changes_nothing() -> None:
    counts = some_counts()
    padded = np.insert(counts, [0, 3, 6], 0, axis=0)
    plain, lda = GibbsLDA(5).fit(counts, 4), GibbsLDA(5).fit(padded, 4)
    np.testing.assert_array_equal(lda.theta_[[0, 4, 8]], 0.2)
    np.testing.assert_array_equal(plain.phi_, lda.phi_)
    np.testing.assert_array_equal(plain.log2_likelihood_, lda.log2_likelihood_)


def test_counts_of_any_kind_are_read_and_left_as_they_were() -> None:
    counts = some_counts()
    rows, columns = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    starts = np.append(0, np.cumsum(counts.sum(axis=1)))
    repeated = csr_array((np.ones(len(rows)), columns, starts), shape=counts.shape)  # a token an entry
    before = repeated.data.copy()
    plain = GibbsLDA(3).fit(counts, 2)
    for kind in (repeated, csr_array(counts.astype(np.uint8)), csr_array(counts).tocsc(), counts.tolist()):
        assert same(plain, GibbsLDA(3).fit(kind, 2))
    np.testing.assert_array_equal(repeated.data, before)


# What it finds


def test_planted_topics_are_found_again(planted) -> None:
    lda = GibbsLDA(4, alpha=0.3).fit(planted.counts, 60)
    assert matched(lda.phi_, planted.phi).max() < 0.1
    assert matched(GibbsLDA(4, alpha=0.3).fit(planted.counts, 0).phi_, planted.phi).min() > 0.5
    assert lda.log2_likelihood_[-1] > lda.log2_likelihood_[0] + 0.5


@pytest.mark.parametrize(("alpha", "beta"), [(0.6, 0.4), (5.0, 0.1)])  # a large alpha: a topic gained weighs less
def test_a_chain_visits_assignments_as_often_as_the_posterior_says(alpha: float, beta: float) -> None:
    # two documents, few tokens: every assignment can be listed, and its probability worked out from the joint
    counts = np.array([[2, 0], [1, 1]])
    words, docs = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    probability = np.empty(16)
    for number in range(16):
        z = number >> np.arange(4) & 1
        value, in_doc, of_word, in_topic = 1.0, np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(2)
        for d, w, k in zip(docs, words, z, strict=True):
            value *= (in_doc[d, k] + alpha) * (of_word[w, k] + beta) / (in_topic[k] + 2 * beta)
            in_doc[d, k] += 1
            of_word[w, k] += 1
            in_topic[k] += 1
        probability[number] = value
    probability /= probability.sum()
    table = check_counts(counts)
    rng = np.random.default_rng(0)
    chain = GibbsState(table, np.zeros(4, np.uint32), 2, alpha, np.full((1, 1), beta))
    visits = np.zeros(16)
    for _ in range(20_000):
        chain.sweep(rng)
        visits[(chain.z << np.arange(4)).sum()] += 1
    assert np.abs(visits / visits.sum() - probability).max() < 0.01


# Where it starts


def test_a_shared_start_is_ahead_at_once_and_a_random_one_is_not(planted) -> None:
    few = planted.counts[:20]
    local = GibbsLDA(4, 0.3).fit(few, 1)
    personal = GibbsLDA(4, 0.3).fit(few, 1, "shared", planted.phi)
    assert personal.log2_likelihood_[0] > local.log2_likelihood_[0] + 0.2


def test_first_topics_are_drawn_in_proportion_to_the_shared_ones() -> None:
    phi = np.array([[0.7, 0.3, 0.0], [0.1, 0.5, 0.4]])
    counts = np.array([[8000, 8000, 8000]])
    lda = GibbsLDA(2).fit(counts, 0, "shared", phi)
    share = lda.topics_.reshape(3, 8000).mean(axis=1)  # of the second topic, word by word
    np.testing.assert_allclose(share, [1 / 8, 5 / 8, 1], atol=0.02)


def test_a_shared_start_counts_with_beta_alone_and_so_can_forget(planted) -> None:
    few = planted.counts[:5]
    personal = GibbsLDA(4, 0.3, 0.1).fit(few, 5, "shared", planted.phi)
    unseen = np.setdiff1d(np.arange(few.shape[1]), few.indices)
    assert len(unseen)
    for topic in personal.phi_:
        assert np.ptp(topic[unseen]) == 0


def test_the_heavier_the_prior_the_nearer_phi_stays_to_the_shared_topics(planted) -> None:
    few = planted.counts[:20]
    away = [
        np.abs(GibbsLDA(4, 0.3).fit(few, 10, "prior", planted.phi, weight).phi_ - planted.phi).max()
        for weight in (0.1, 1, 10, 1e6)
    ]
    assert away[0] > away[1] > away[2] > away[3]
    assert away[3] < 1e-6


def test_a_prior_without_weight_is_the_shared_start(planted) -> None:
    few = planted.counts[:20]
    assert same(GibbsLDA(4).fit(few, 3, "prior", planted.phi, weight=0), GibbsLDA(4).fit(few, 3, "shared", planted.phi))


def test_beta_smooths_words_that_the_shared_topics_never_saw() -> None:
    phi = some_topics(3)
    phi[:, :2] = 0
    phi /= phi.sum(axis=1, keepdims=True)
    lda = GibbsLDA(3).fit(some_counts(), 3, "prior", phi)
    assert (lda.phi_ > 0).all()
    with pytest.raises(ValueError, match="2 words of these documents, the first in column 0, have no probability"):
        GibbsLDA(3).fit(some_counts(), 3, "shared", phi)


# What it refuses


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"n_topics": 0}, "n_topics must be a whole number from 1 on; got 0"),
        ({"n_topics": 2.5}, "n_topics must be a whole number from 1 on; got 2.5"),
        ({"alpha": 0.0}, "alpha must be a number above 0; got 0.0"),
        ({"alpha": np.inf}, "alpha must be a number above 0; got inf"),
        ({"beta": -0.1}, "beta must be a number above 0; got -0.1"),
        ({"beta": np.nan}, "beta must be a number above 0; got nan"),
    ],
)
def test_impossible_settings_are_named(settings_: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GibbsLDA(**settings_)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[1, -2], [0, 1]], "1 of 3 stored counts are negative, the lowest -2"),
        ([[1, 0.5]], "1 of 2 stored counts are not whole numbers, for example 0.5"),
        ([[1, np.nan, np.inf]], "2 of 3 stored counts are NaN or infinite"),
        ([[0, 0], [0, 0]], "the 2 documents hold no words at all"),
        (np.zeros((0, 5)), r"counts have shape \(0, 5\)"),
        ([1, 2, 3], "counts have 1 dimensions, expected two"),
        ([[2**24, 1]], "counts hold one of 16,777,216; this sampler counts up to 16,777,215"),
        ([[2**23, 0], [2**23, 1]], "a document or a word with 16,777,216 tokens"),
    ],
)
def test_invalid_counts_are_named(counts, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GibbsLDA(2).fit(counts, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "warm"}, "unknown start 'warm'; choose one of random, shared, prior"),
        ({"start": "shared"}, "needs shared_phi"),
        ({"start": "random", "shared_phi": some_topics(3)}, "takes no shared_phi"),
        ({"weight": -1.0}, "weight must be a number from 0 on; got -1.0"),
        ({"weight": np.nan}, "weight must be a number from 0 on; got nan"),
        ({"weight": 1e40, "start": "prior", "shared_phi": some_topics(3)}, "too large to count with"),
        ({"start": "shared", "shared_phi": some_topics(3).T}, "but there are 12 words, perhaps transposed"),
        ({"start": "shared", "shared_phi": some_topics(4)}, "4 topics were given, and n_topics is 3"),
        ({"start": "shared", "shared_phi": some_topics(3)[0]}, r"phi has shape \(12,\)"),
        (
            {"start": "prior", "shared_phi": some_topics(3) * 2},
            "must sum to one over the words; the sums go from 2 to 2",
        ),
        (
            {"start": "prior", "shared_phi": some_topics(3) * np.nan},
            "36 of 36 probabilities in phi are negative",
        ),
        ({"iterations": -1}, "iterations must be a whole number from 0 on; got -1"),
        ({"keep": (1, 9)}, r"keep asks for iterations \[9\], but there are only 0 to 1"),
    ],
)
def test_what_does_not_fit_together_is_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GibbsLDA(3).fit(some_counts(), **{"iterations": 1, **options})


def test_priors_too_small_for_single_precision_are_refused() -> None:
    with pytest.raises(ValueError, match="too small to count with"):
        GibbsLDA(3, 1e-20, 1e-20).fit(some_counts(), 1)
