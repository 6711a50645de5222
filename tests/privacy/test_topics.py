"""Private topics: what a document adds is bounded, the noise is as promised, and leaks are caught."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_array, vstack
from scipy.stats import norm

from pmt_helpers.datasets import load_documents
from pmt_helpers.privacy import noisy_counts, train_topics_private
from pmt_helpers.privacy.auditing import epsilon_lower_bound
from pmt_helpers.privacy.noise import Grid
from pmt_helpers.privacy.topics import (
    contributions,
    group_epsilon,
    limit_tokens,
    max_attack_auc,
    max_norm,
    noise_scale,
)
from pmt_helpers.topics import GibbsLDA, Topics, held_out_bits
from tests.topics.conftest import plant

DELTA = 1e-5


@pytest.fixture(scope="module")
def news():
    """Public topics of Wikipedia, and news in its words."""
    public = load_documents("wikipedia")
    topics = Topics(GibbsLDA(seed=0).fit(public.counts[:400], 20).phi_, public.vocabulary)
    return topics, load_documents("news", vocabulary=public.vocabulary)


@pytest.mark.parametrize("by_topic", [False, True])
@pytest.mark.parametrize("mechanism", ["gaussian", "laplace"])
def test_no_document_adds_more_than_the_noise_was_made_for(news, mechanism: str, by_topic: bool) -> None:
    topics, documents = news
    shouting = csr_array(([5000], ([0], [3])), shape=(1, len(topics.vocabulary)))  # one word, over and over
    counts = vstack([documents.counts[:40], shouting], format="csr")
    phi = topics.phi if by_topic else None
    norms = []
    bound = max_norm(50, mechanism)
    grid = Grid(bound, noise_scale(1.0, DELTA, 50, mechanism), mechanism)
    for cells, values in contributions(phi, counts, 50, mechanism):
        assert len(set(cells)) == len(cells)
        steps = grid.truncated(values)
        norms.append(grid.step * (np.linalg.norm(steps) if mechanism == "gaussian" else steps.sum()))
    assert len(norms) == 41
    assert max(norms) == pytest.approx(bound, rel=1e-5)  # and somebody reaches it
    assert max(norms) <= bound


@pytest.mark.parametrize("by_topic", [False, True])
def test_what_a_document_adds_does_not_depend_on_the_others(news, by_topic: bool) -> None:
    """Not even what is drawn for it: with one document less, the whole table moves by what that document added."""
    topics, documents = news
    counts, phi = documents.counts[:30], topics.phi if by_topic else None
    assert documents.lengths[:30].min() > 20  # of each only a part is drawn
    whole = list(contributions(phi, counts, 20, "gaussian"))
    without_the_first = list(contributions(phi, counts[1:], 20, "gaussian"))
    for one, other in zip(whole[1:], without_the_first, strict=True):
        for before, after in zip(one, other, strict=True):
            np.testing.assert_array_equal(before, after)


def test_a_shared_stream_of_draws_moves_the_table_further_than_promised(news) -> None:
    """What an insecure seed keeps, since the stored results were made with it: one document shifts all later draws."""
    _, documents = news
    moved = {}
    for name, seed in (("insecure", 0), ("own", None)):
        how = {"tokens": 20, "mechanism": "gaussian", "insecure_seed": seed}
        tables = [
            noisy_counts(None, counts, math.inf, DELTA, **how) for counts in (documents.counts, documents.counts[1:])
        ]
        moved[name] = np.linalg.norm(tables[0] - tables[1]) / math.sqrt(20)
    assert moved["own"] <= 1
    assert moved["insecure"] > 5


def test_limited_documents_keep_whole_words_and_no_more_tokens_than_allowed(news) -> None:
    _, documents = news
    kept = limit_tokens(documents.counts, 30, [np.random.default_rng(0)] * documents.counts.shape[0])
    np.testing.assert_array_equal(kept.sum(axis=1), np.minimum(documents.lengths, 30))
    assert (kept.toarray() <= documents.counts.toarray()).all()


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0, 8.0])
def test_gaussian_noise_is_the_least_that_keeps_the_promise(epsilon: float) -> None:
    sigma = noise_scale(epsilon, DELTA, 49, "gaussian") / 7  # in units of the sensitivity
    spent = norm.cdf(0.5 / sigma - epsilon * sigma) - math.exp(epsilon) * norm.cdf(-0.5 / sigma - epsilon * sigma)
    assert spent == pytest.approx(DELTA, rel=1e-3)  # Balle and Wang 2018, theorem 8


def test_published_values_of_the_analytic_gaussian() -> None:
    assert noise_scale(1.0, 1e-5, 1, "gaussian") == pytest.approx(3.7306, abs=1e-3)
    assert noise_scale(2.0, 1e-5, 100, "laplace") == 50
    assert noise_scale(math.inf, 1e-5, 100, "gaussian") == 0


@pytest.mark.parametrize("mechanism", ["gaussian", "laplace"])
def test_noise_is_on_every_number_also_where_nobody_wrote(news, mechanism: str) -> None:
    _, documents = news
    how = {"tokens": 100, "mechanism": mechanism}
    silent = noisy_counts(None, documents.counts, math.inf, DELTA, **how)
    found = noisy_counts(None, documents.counts, 1.0, DELTA, **how) - silent
    scale = noise_scale(1.0, DELTA, 100, mechanism)
    deviation = scale * (math.sqrt(2) if mechanism == "laplace" else 1)
    assert found.std() == pytest.approx(deviation, rel=0.05)
    assert abs(found.mean()) < 5 * deviation / math.sqrt(found.size)
    assert (found != 0).all()


def measured_epsilon(release, counts: csr_array, more: csr_array, trials: int) -> float:
    """A lower bound on epsilon from a number released with and without one more document."""
    both = vstack([counts, more], format="csr")
    inside, outside = (np.array([release(documents, seed) for seed in range(trials)]) for documents in (both, counts))
    return epsilon_lower_bound(inside, outside, DELTA)[0]


def test_an_audit_passes_the_mechanism_and_catches_what_leaks() -> None:
    counts = csr_array(np.array([[2, 1, 0], [0, 3, 4]]))
    loud = csr_array(np.array([[0, 0, 400]]))
    how = {"tokens": 25, "mechanism": "gaussian"}

    def fair(counts: csr_array, seed: int) -> float:
        return noisy_counts(None, counts, 3.0, DELTA, **how)[0, 2]

    def without_noise(counts: csr_array, seed: int) -> float:
        return noisy_counts(None, counts, math.inf, DELTA, **how)[0, 2]

    def without_clipping(counts: csr_array, seed: int) -> float:
        rng = np.random.default_rng((seed, counts.shape[0]))
        return counts.sum(axis=0)[2] + rng.normal(0, noise_scale(3.0, DELTA, 25, "gaussian"))

    assert 0 < measured_epsilon(fair, counts, loud, 2000) < 3
    assert measured_epsilon(without_noise, counts, loud, 800) > 3
    assert measured_epsilon(without_clipping, counts, loud, 800) > 3


def test_topics_sampled_together_break_the_promise_though_the_noise_is_right() -> None:
    """Sixty people say one word each, which could be of either topic. Twenty tokens of one more decide for them."""
    shared = np.array([[0.5, 0.499, 0.001], [0.5, 0.001, 0.499]])
    crowd = csr_array(np.array([[1, 0, 0]] * 60 + [[0, 100, 0], [0, 0, 100]]))
    one = csr_array(np.array([[16, 4, 0]]))
    noise = noise_scale(1.0, DELTA, 20, "gaussian")

    def together(counts: csr_array, seed: int) -> float:
        lda = GibbsLDA(2, alpha=0.1, beta=0.01, seed=seed).fit(counts, 60, "shared", shared)
        words = np.repeat(counts.indices, counts.data)
        rng = np.random.default_rng((seed, counts.shape[0]))
        return float((lda.topics_[words == 0] == 0).sum() + rng.normal(0, noise))

    def alone(counts: csr_array, seed: int) -> float:
        return noisy_counts(shared, counts, 1.0, DELTA, tokens=20, mechanism="gaussian", alpha=0.1)[0, 0]

    assert measured_epsilon(together, crowd, one, 240) > 1
    assert measured_epsilon(alone, crowd[50:], one, 240) < 1  # ten of the crowd are as good: nobody looks at the others


@pytest.mark.parametrize("release", ["words", "topics"])
def test_private_topics_lie_between_public_and_unprotected_ones(news, release: str) -> None:
    topics, documents = news
    own, test = documents.select(np.arange(200)), documents.counts[200:]
    bits = {"public": held_out_bits(topics.phi, test)}
    for epsilon in (math.inf, 8.0, 0.1):
        private = train_topics_private(topics, own, epsilon, release=release)
        bits[epsilon] = held_out_bits(private.phi, test)
        assert private.vocabulary == topics.vocabulary
        np.testing.assert_allclose(private.phi.sum(axis=1), 1)
        assert private.epsilon == epsilon
        assert private.delta == (0 if math.isinf(epsilon) else DELTA)
    assert bits[math.inf] > bits[8.0] > bits["public"] + 0.1
    assert bits[0.1] == pytest.approx(bits["public"], abs=0.15)


def test_the_promise_is_said_with_its_limits(news) -> None:
    topics, documents = news
    private = train_topics_private(topics, documents, 2.0)
    assert "e^2 times" in private.guarantee
    assert "1e-05" in private.guarantee
    private_group = group_epsilon(10, private.noise, 100, "gaussian", DELTA)
    assert f"10 documents of one person together it is e^{private_group:.4g}" in private.guarantee
    assert "how many documents" in private.guarantee
    known = train_topics_private(topics, documents, 2.0, insecure_seed=5)
    assert "who do not know the seed of the noise, 5" in known.guarantee
    assert private.max_auc == max_attack_auc(private.noise, 100, "gaussian")
    assert train_topics_private(topics, documents, math.inf).guarantee.startswith("Nothing")
    pure = train_topics_private(topics, documents, 2.0, mechanism="laplace")
    assert pure.delta == 0
    assert pure.max_auc == pytest.approx(1 / (1 + math.exp(-2)))
    assert pure.noise > private.noise


@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_documents_of_one_person_cost_more_than_their_number_times_epsilon(epsilon: float) -> None:
    """At the same delta, for Gaussian noise (Balle and Wang 2018, theorem 8): epsilon 8 becomes 209 for ten."""
    scale = noise_scale(epsilon, DELTA, 100, "gaussian")
    of_ten = group_epsilon(10, scale, 100, "gaussian", DELTA)
    assert of_ten > 1.4 * 10 * epsilon
    sigma = scale / (10 * 10)
    spent = norm.cdf(0.5 / sigma - of_ten * sigma) - math.exp(of_ten + norm.logcdf(-0.5 / sigma - of_ten * sigma))
    assert spent == pytest.approx(DELTA, rel=1e-3)
    assert group_epsilon(1, scale, 100, "gaussian", DELTA) == pytest.approx(epsilon, rel=1e-4)
    assert group_epsilon(10, noise_scale(epsilon, DELTA, 100, "laplace"), 100, "laplace", 0.0) == 10 * epsilon
    if epsilon == 8:
        assert of_ten == pytest.approx(209, abs=1)


@pytest.mark.parametrize("mechanism", ["Gaussian", "gauss", "", None])
def test_counts_of_an_unknown_mechanism_are_refused(mechanism: str) -> None:
    with pytest.raises((ValueError, TypeError), match="mechanism must be"):
        noisy_counts(None, plant(200).counts, 1.0, DELTA, tokens=10, mechanism=mechanism)


@pytest.mark.parametrize("epsilon", [-math.inf, math.nan, -1.0, 0.0, "8"])
def test_counts_of_a_budget_that_is_no_number_are_refused(epsilon: float) -> None:
    with pytest.raises((ValueError, TypeError), match="epsilon must be a number above 0"):
        noisy_counts(None, plant(200).counts, epsilon, DELTA, tokens=10, mechanism="gaussian")


def test_the_strongest_attack_on_gaussian_noise_is_a_likelihood_ratio() -> None:
    rng = np.random.default_rng(0)
    scale = noise_scale(1.0, DELTA, 100, "gaussian")
    inside, outside = 10 + rng.normal(0, scale, 20_000), rng.normal(0, scale, 20_000)
    auc = np.searchsorted(np.sort(outside), inside).mean() / 20_000
    assert max_attack_auc(scale, 100, "gaussian") == pytest.approx(auc, abs=0.01)


def test_words_that_are_not_public_stay_out_of_the_list(news) -> None:
    topics, _ = news
    grown = load_documents("news", vocabulary=topics.vocabulary, grow=True)
    private = train_topics_private(topics, grown, 3.0)
    assert private.vocabulary == topics.vocabulary
    assert private.phi.shape == topics.phi.shape


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0.0}, "epsilon must be a number above 0"),
        ({"epsilon": 1.0, "delta": 0.1}, "not below 1/200"),
        ({"epsilon": 1.0, "release": "all"}, "release must be one of words, topics"),
        ({"epsilon": 1.0, "mechanism": "hope"}, "mechanism must be one of gaussian, laplace"),
        ({"epsilon": 1e7}, "hides nobody"),
        ({"epsilon": 1.0, "tokens": 0}, "tokens must be"),
    ],
)
def test_settings_that_promise_nothing_are_refused(options: dict, message: str) -> None:
    planted = plant(200)
    with pytest.raises(ValueError, match=message):
        train_topics_private(Topics(planted.phi), planted.counts, **options)


def test_documents_of_another_vocabulary_are_refused(news) -> None:
    topics, _ = news
    with pytest.raises(ValueError, match="must begin with that of the public topics"):
        train_topics_private(topics, load_documents("news"), 1.0)
    with pytest.raises(ValueError, match="counts have 60 words"):
        train_topics_private(topics, plant(5).counts, 1.0)
