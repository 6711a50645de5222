"""Private topics: what a document adds is bounded, the noise is as promised, and leaks are caught."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_array, vstack
from scipy.stats import norm

from pmt_helpers.datasets import load_documents
from pmt_helpers.privacy import noisy_counts, train_topics_private
from pmt_helpers.privacy.auditing import epsilon_lower_bound
from pmt_helpers.privacy.topics import contributions, limit_tokens, max_attack_auc, noise_scale
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
    for cells, values in contributions(phi, counts, 50, mechanism, np.random.default_rng(0)):
        assert len(set(cells)) == len(cells)
        norms.append(np.linalg.norm(values) if mechanism == "gaussian" else values.sum())
    bound = math.sqrt(50) if mechanism == "gaussian" else 50
    assert len(norms) == 41
    assert max(norms) == pytest.approx(bound)  # and somebody reaches it
    assert max(norms) <= bound * (1 + 1e-12)


def test_what_a_document_adds_does_not_depend_on_the_others(news) -> None:
    _, documents = news
    short = documents.counts[:5]  # shorter than the cut, and words alone: no draws
    alone, among = (
        next(contributions(None, counts, 10_000, "gaussian", np.random.default_rng(seed)))
        for seed, counts in enumerate((short[:1], short))
    )
    for one, other in zip(alone, among, strict=True):
        np.testing.assert_array_equal(one, other)


def test_limited_documents_keep_whole_words_and_no_more_tokens_than_allowed(news) -> None:
    _, documents = news
    kept = limit_tokens(documents.counts, 30, np.random.default_rng(0))
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
        return noisy_counts(None, counts, 3.0, DELTA, seed=(seed, counts.shape[0]), **how)[0, 2]

    def without_noise(counts: csr_array, seed: int) -> float:
        return noisy_counts(None, counts, math.inf, DELTA, seed=seed, **how)[0, 2]

    def without_clipping(counts: csr_array, seed: int) -> float:
        rng = np.random.default_rng((seed, counts.shape[0]))
        return counts.sum(axis=0)[2] + rng.normal(0, noise_scale(3.0, DELTA, 25, "gaussian"))

    assert 0 < measured_epsilon(fair, counts, loud, 800) < 3
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
        how = {"tokens": 20, "mechanism": "gaussian", "alpha": 0.1, "seed": (seed, counts.shape[0])}
        return noisy_counts(shared, counts, 1.0, DELTA, **how)[0, 0]

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
    assert "n times epsilon" in private.guarantee
    assert private.max_auc == max_attack_auc(private.noise, 100, "gaussian")
    assert train_topics_private(topics, documents, math.inf).guarantee.startswith("Nothing")
    pure = train_topics_private(topics, documents, 2.0, mechanism="laplace")
    assert pure.delta == 0
    assert pure.max_auc == pytest.approx(1 / (1 + math.exp(-2)))
    assert pure.noise > private.noise


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
        ({"epsilon": 1.0, "mechanism": "hope"}, "mechanism one of gaussian, laplace"),
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
