"""gensim's models are the paper's three, its bound is corrected, and nothing of it shows on a screen."""

import warnings
from itertools import product

import numpy as np
import pytest
from gensim.models import LdaModel
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import entr, gammaln, logsumexp, psi

from pmt_helpers.datasets import DocumentData, load_documents
from pmt_helpers.topics import (
    Topics,
    VariationalModel,
    fit_variational,
    held_out_bits,
    personalise_topics,
    train_shared_topics,
)
from pmt_helpers.topics.validation import check_counts
from pmt_helpers.topics.variational import elbo_per_token, gensim_corpus, gensim_dictionary, log2_likelihood


@pytest.fixture(scope="module")
def news() -> DocumentData:
    return load_documents("news")


@pytest.fixture(scope="module")
def shared(news) -> VariationalModel:
    return fit_variational(news.select(np.arange(150)), 8, passes=15)


@pytest.fixture(scope="module")
def own(news) -> DocumentData:
    return news.select(np.arange(150, 180))


def gensim_bound(model: LdaModel, corpus, gamma=None) -> float:
    """gensim's bound in bits per token. For an eta of n_topics x n_words it adds the normaliser of all topics' priors
    taken together, for each topic; here each topic has its own."""
    bound = float(model.bound(corpus, None if gamma is None else gamma[:, None]))  # gensim wants a table of one row
    if np.ndim(model.eta) == 2:
        bound += float(gammaln(model.eta.sum(axis=1)).sum() - model.num_topics * gammaln(model.eta.sum()))
    return bound / np.log(2) / float(sum(count for document in corpus for _, count in document))


def plain_bound(counts, gamma, lam, alpha: float, eta) -> float:
    """The evidence lower bound in bits a token, as Blei, Ng and Jordan (2003) write it down, with q(z) explicit."""
    n_topics, n_words = lam.shape
    eta = np.broadcast_to(eta, lam.shape)
    found = 0.0
    for k in range(n_topics):
        logs = psi(lam[k]) - psi(lam[k].sum())
        found += gammaln(eta[k].sum()) - gammaln(eta[k]).sum() + ((eta[k] - 1) * logs).sum()
        found -= gammaln(lam[k].sum()) - gammaln(lam[k]).sum() + ((lam[k] - 1) * logs).sum()
    for d in range(len(gamma)):
        of_theta = psi(gamma[d]) - psi(gamma[d].sum())
        found += gammaln(n_topics * alpha) - n_topics * gammaln(alpha) + ((alpha - 1) * of_theta).sum()
        found -= gammaln(gamma[d].sum()) - gammaln(gamma[d]).sum() + ((gamma[d] - 1) * of_theta).sum()
        for w in range(n_words):
            each = of_theta + psi(lam[:, w]) - psi(lam.sum(axis=1))
            q = np.exp(each - logsumexp(each))
            found += counts[d, w] * (q * each + entr(q)).sum()
    return found / np.log(2) / counts.sum()


def some_model(n_docs: int, n_words: int, n_topics: int, seed: int, own_eta: bool) -> tuple:
    """Counts, gamma, lambda and priors that have nothing to do with each other: the bound is defined for any."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.0, (n_docs, n_words))
    counts[0, 0] += 1
    gamma, lam = rng.gamma(2.0, 1.0, (n_docs, n_topics)), rng.gamma(2.0, 1.0, (n_topics, n_words))
    eta = rng.gamma(1.0, 0.5, (n_topics, n_words)) + 0.01 if own_eta else 0.3
    return counts, gamma, lam, 0.7, eta


@settings(max_examples=25)
@given(st.integers(1, 4), st.integers(2, 6), st.integers(1, 4), st.integers(0, 999), st.booleans())
def test_the_fast_bound_is_the_one_of_the_textbook(n_docs, n_words, n_topics, seed, own_eta) -> None:
    counts, gamma, lam, alpha, eta = some_model(n_docs, n_words, n_topics, seed, own_eta)
    fast = elbo_per_token(check_counts(counts), gamma, lam, alpha, eta)
    assert fast == pytest.approx(plain_bound(counts, gamma, lam, alpha, eta), rel=1e-9)


@pytest.mark.parametrize("own_eta", [False, True])
def test_gensims_bound_is_right_for_one_prior_and_wrong_for_a_prior_of_each_topic(own_eta: bool) -> None:
    counts, gamma, lam, alpha, eta = some_model(5, 6, 3, 1, own_eta)
    model = LdaModel(num_topics=3, id2word=gensim_dictionary("abcdef"), alpha=alpha, eta=eta, dtype=np.float64)
    model.state.sstats[...] = lam - model.eta
    corpus = gensim_corpus(check_counts(counts))
    found, textbook = gensim_bound(model, corpus, gamma), plain_bound(counts, gamma, lam, alpha, eta)
    uncorrected = model.bound(corpus, gamma[:, None]) / np.log(2) / counts.sum()
    assert found == pytest.approx(textbook, rel=1e-9)
    assert (abs(uncorrected - textbook) > 0.1) == own_eta


def test_priors_so_small_that_exponentials_vanish_leave_the_bound_finite() -> None:
    counts, gamma = np.array([[0, 3], [1, 0]]), np.array([[1e-3, 9.0], [9.0, 1e-3]])
    lam = gamma  # the first document has the topic that lacks its word
    found = elbo_per_token(check_counts(counts), gamma, lam, 1e-3, 1e-3)
    assert found == pytest.approx(plain_bound(counts, gamma, lam, 1e-3, 1e-3), rel=1e-9)


@pytest.mark.parametrize("start", ["random", "shared", "prior"])
def test_each_pass_raises_the_bound_and_the_curve_is_the_papers_measure(shared, own, start: str) -> None:
    passes = 12
    options = {} if start == "random" else {"shared": shared, "weight": 0.5}
    model = fit_variational(own, 8, start=start, passes=passes, keep=(0, 1, passes), **options)
    assert model.bound.shape == model.curve.shape == (passes,)
    assert np.diff(model.bound).min() > -1e-4
    assert model.bound[-1] > model.bound[0] + 1e-3
    assert model.curve[-1] == pytest.approx(log2_likelihood(own.counts, model.theta, model.phi))
    plainly = np.log2((model.theta @ model.phi)[own.counts.nonzero()]) @ own.counts.data / own.tokens
    assert model.curve[-1] == pytest.approx(plainly)
    np.testing.assert_array_equal(model.topics_at[passes], model.phi)
    assert sorted(model.topics_at) == [0, 1, passes]


def test_gensim_itself_comes_to_the_same_last_value(own) -> None:
    model = fit_variational(own, 8, passes=12)
    assert gensim_bound(model.lda, gensim_corpus(own.counts)) == pytest.approx(model.bound[-1], abs=2e-3)
    assert len(model.lda.metrics["bound"]) == 12
    assert model.lda.metrics["bound"][1:] == list(model.bound[:-1])  # gensim asks before it learns


def test_a_pass_puts_what_it_inferred_in_the_place_of_what_was_there(own) -> None:
    before, after = (fit_variational(own, 8, passes=passes) for passes in (1, 2))
    _, inferred = before.lda.inference(gensim_corpus(own.counts), collect_sstats=True)
    assert np.abs(after.lda.state.sstats - inferred).sum() < 0.001 * own.tokens  # in batch learning nothing is averaged
    assert np.abs(after.lda.state.sstats - before.lda.state.sstats).sum() > 0.1 * own.tokens
    assert inferred.sum() == pytest.approx(own.tokens)


def test_planted_topics_are_found(planted) -> None:
    model = fit_variational(planted.counts, 4, passes=40)
    overlap = np.minimum(planted.phi[:, None], model.phi[None]).sum(axis=2)
    assert np.sort(overlap.max(axis=1))[0] > 0.85
    assert len(set(overlap.argmax(axis=1))) == 4


def test_the_papers_start_forgets_the_shared_topics_and_the_prior_keeps_them(news, shared, own) -> None:
    test = news.counts[180:]

    def bits(start: str, **options) -> dict[int, float]:
        options = {"shared": shared, **options} if start != "random" else options
        model = fit_variational(own, 8, start=start, passes=30, keep=(0, 1, 30), seed=1, **options)
        return {done: held_out_bits(phi, test) for done, phi in model.topics_at.items()}

    local, personal, prior = bits("random"), bits("shared"), bits("prior", weight=3.0)
    assert personal[1] > local[1] + 0.1
    assert personal[30] < personal[0] - 0.08
    assert prior[30] > personal[30] + 0.1
    assert prior[30] > held_out_bits(shared.phi, test)


def test_a_prior_without_weight_is_the_papers_start(shared, own) -> None:
    weightless, paper = (
        fit_variational(own, 8, start=start, shared=shared, weight=0.0, passes=3) for start in ("prior", "shared")
    )
    np.testing.assert_array_equal(weightless.phi, paper.phi)
    heavy = fit_variational(own, 8, start="prior", shared=shared, weight=1e4, passes=3)
    np.testing.assert_allclose(heavy.phi, shared.phi, atol=1e-4)


def batch(own: DocumentData, **options) -> LdaModel:
    """gensim's own class with eight topics, as notebook 03 calls it in step 9."""
    settings = {"alpha": 2.5, "chunksize": len(own.counts.indptr) - 1, "update_every": 0, "decay": 0, "passes": 3}
    settings |= {"id2word": dict(enumerate(own.vocabulary)), "eval_every": None, "dtype": np.float64}
    return LdaModel(num_topics=8, **settings | options)


@pytest.mark.parametrize("start", ["shared", "prior"])
def test_what_the_notebook_does_by_hand_gives_the_same_topics(shared, own, start: str) -> None:
    weight, public = 0.5, shared.phi * own.tokens / 8
    seed = int(np.random.default_rng(4).integers(2**32))
    model = batch(own, eta=0.1 + weight * public if start == "prior" else 0.1, random_state=seed)
    model.state.sstats[...] = public
    model.sync_state()
    model.update(gensim_corpus(own.counts))
    ours = fit_variational(own, 8, start=start, shared=shared, weight=weight, passes=3, seed=4)
    np.testing.assert_allclose(model.get_topics(), ours.phi, rtol=1e-9)


def test_gensim_takes_each_further_update_for_new_documents_and_our_passes_are_none(own) -> None:
    model, corpus = batch(own, eta=0.1, passes=1), gensim_corpus(own.counts)
    for _ in range(3):
        model.update(corpus)
    assert model.state.sstats.sum() == pytest.approx(3 * own.tokens)
    assert fit_variational(own, 8, passes=3).lda.state.sstats.sum() == pytest.approx(own.tokens)


def test_gensim_stops_at_a_word_that_its_dictionary_lacks(own) -> None:
    n_words = int(own.counts.indices.max())  # one column too few
    with pytest.raises(IndexError, match="out of bounds"):
        batch(own, id2word=dict(enumerate(own.vocabulary[:n_words]))).update(gensim_corpus(own.counts))


def test_gensim_keeps_more_of_its_start_than_the_sampler_does(shared, own) -> None:
    by_gensim = fit_variational(own, 8, start="shared", shared=shared)
    by_sampler = personalise_topics(shared, own)
    gensim_keeps, sampler_keeps = (
        np.minimum(model.phi, shared.phi).sum(axis=1).mean() for model in (by_gensim, by_sampler)
    )
    assert gensim_keeps > sampler_keeps + 0.05


def test_topics_travel_between_the_sampler_and_gensim(own, shared) -> None:
    gibbs = train_shared_topics(own, 8, iterations=5)
    from_gibbs = fit_variational(own, 8, start="shared", shared=gibbs.topics, passes=2)
    from_gensim = personalise_topics(shared, own, iterations=2)
    assert from_gibbs.vocabulary == from_gensim.vocabulary == own.vocabulary


@pytest.mark.parametrize("start", ["shared", "prior"])
def test_own_words_may_come_after_the_shared_ones(planted, start: str) -> None:
    n_words = planted.phi.shape[1]
    words = [f"word{column}" for column in range(n_words + 2)]
    counts = np.hstack([planted.counts[:9].toarray(), np.full((9, 2), 3)])
    own = load_documents("news").select(np.arange(9))
    own = DocumentData(counts, words, own.groups, own.names, own.dropped, own.card, "")
    model = fit_variational(own, 4, start=start, shared=Topics(planted.phi, tuple(words[:n_words])), passes=3)
    assert model.vocabulary == tuple(words)
    assert model.phi[:, -2:].max() > 0.001
    assert model.lda.id2word[n_words] == words[n_words]


def test_the_same_seed_gives_the_same_bits_and_another_does_not(own) -> None:
    one, same, other = (fit_variational(own, 5, passes=3, seed=seed) for seed in (3, 3, (3, 1)))
    np.testing.assert_array_equal(one.phi, same.phi)
    np.testing.assert_array_equal(one.theta, same.theta)
    np.testing.assert_array_equal(one.bound, same.bound)
    assert (one.phi != other.phi).any()


def test_an_empty_document_teaches_nothing(planted) -> None:
    counts = planted.counts[:20].toarray()
    counts[7] = 0
    model = fit_variational(counts, 4, passes=3)
    np.testing.assert_allclose(model.theta[7], 0.25)
    assert np.isfinite(model.bound).all()
    assert model.vocabulary is None


def test_no_pass_at_all_leaves_the_shared_topics(planted) -> None:
    model = fit_variational(planted.counts[:9], 4, start="prior", shared=Topics(planted.phi), passes=0, keep=(0,))
    np.testing.assert_allclose(model.phi, planted.phi, atol=0.01)
    assert model.curve.size == model.bound.size == 0


def test_nothing_shows_on_the_screen(shared, own, capfd, caplog) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for start, passes in product(("random", "prior"), (1, 11)):
            fit_variational(own, 8, start=start, shared=None if start == "random" else shared, passes=passes)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records  # outside pytest, a record of a warning is printed


def test_what_does_not_fit_together_is_refused(planted, shared, own) -> None:
    with pytest.raises(ValueError, match='start="shared" needs shared, the topics'):
        fit_variational(own, start="shared")
    with pytest.raises(ValueError, match='start="random" takes no shared topics'):
        fit_variational(own, 8, shared=shared)
    with pytest.raises(ValueError, match="unknown start 'warm'"):
        fit_variational(own, 8, start="warm")
    with pytest.raises(ValueError, match="8 topics were given, and n_topics is 20"):
        fit_variational(own, 20, start="prior", shared=shared)
    with pytest.raises(ValueError, match=r"keep asks for passes \[4\]"):
        fit_variational(own, 8, passes=3, keep=(4,))
    with pytest.raises(ValueError, match="beta must be a number above 0"):
        fit_variational(own, 8, beta=0)
    with pytest.raises(ValueError, match="there are 60 words"):
        fit_variational(planted.counts, 8, start="shared", shared=shared)
    with pytest.raises(ValueError, match="'b' twice"):
        gensim_dictionary(["a", "b", "b"])
