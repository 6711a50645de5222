"""Topics that are published with differential privacy for each document. Notebook 05, going further.

A bounded table of counts is taken from each document, by draws that follow from its own words alone. The tables are
added up, and noise is put on every number, those that are 0 included. What is made of the noisy numbers afterwards
costs no more privacy: public topics fill in what the noise drowns.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.special import expit
from scipy.stats import norm

from pmt_helpers.privacy.accountant import check_target
from pmt_helpers.privacy.noise import Grid, known_noise
from pmt_helpers.topics.evaluation import infer_theta
from pmt_helpers.topics.personal import TopicModel, Topics, read_documents
from pmt_helpers.topics.validation import check_counts, check_positive

RELEASES = ("words", "topics")
TOKENS = 100
GROUP = 10  # documents of one person, whose promise is said as an example
THETA_ITERATIONS = 20
MIN_WORD_PRIOR = 3.0  # standard deviations of noise, which a word's public count weighs at least
MIN_FACTOR = 0.02  # of its public probability, to which a word may fall
THRESHOLD = 4.0  # standard deviations; of 100,000 cells, noise alone takes six this far
PUBLIC_WEIGHT = 0.3  # of the public topics beside the private counts


@dataclass(frozen=True, eq=False)
class PrivateTopics(Topics):
    """Published topics, and the promise they come with.

    epsilon, delta: for one document added or taken away. noise: standard deviation of the noise on each count.
    max_auc: the highest AUC that any attack on one document can have. guarantee: the promise in words, and its limits.
    """

    epsilon: float = math.inf
    delta: float = 0.0
    noise: float = 0.0
    max_auc: float = 1.0
    guarantee: str = ""


def train_topics_private(
    public: TopicModel | Topics, documents: Any, epsilon: float, delta: float = 1e-5,
    *, release: str = "words", mechanism: str = "gaussian", tokens: int = TOKENS, alpha: float = 2.5,
    insecure_seed: int | None = None,
) -> PrivateTopics:  # fmt: skip
    """Public topics, changed by what private documents say, with (epsilon, delta)-privacy for each document.

    Parameters
    ----------
    documents: DocumentData, or counts; their vocabulary begins with the public one, and words behind it are left out: a
        new word in the list would tell that somebody wrote it.
    epsilon: math.inf for no noise, and no promise.
    release: "words" adds noise to how often each word occurs, and every topic is changed alike; "topics" to how often
        each word occurs in each topic, so to n_topics times as many numbers.
    mechanism: "gaussian", or "laplace", which has delta 0 and needs more noise.
    tokens: how many of a document count at most; not to be chosen by what comes out.
    insecure_seed: of noise that comes out again, for experiments; None draws it from the system's secure source.

    Raises ValueError for what would promise nothing, or does not fit together.
    """
    if release not in RELEASES:
        raise ValueError(f"release must be one of {', '.join(RELEASES)}; got {release!r}")
    topics = public.topics if isinstance(public, TopicModel) else public
    counts = check_counts(_known_words(topics, documents))
    by_topic = release == "topics"
    options: dict[str, Any] = {"tokens": tokens, "mechanism": mechanism, "alpha": alpha, "insecure_seed": insecure_seed}
    noisy = noisy_counts(topics.phi if by_topic else None, counts, epsilon, delta, **options)
    scale = noise_scale(epsilon, delta, tokens, mechanism)
    noise = scale * (math.sqrt(2) if mechanism == "laplace" else 1)
    phi = rebuild_topics(topics.phi, noisy, noise) if by_topic else reweight_topics(topics.phi, noisy[0], noise)
    spent = delta if mechanism == "gaussian" and scale else 0.0
    max_auc = max_attack_auc(scale, tokens, mechanism)
    guarantee = _guarantee(epsilon, spent, scale, tokens, mechanism, insecure_seed)
    return PrivateTopics(phi, topics.vocabulary, epsilon, spent, noise, max_auc, guarantee)


def _known_words(topics: Topics, documents: Any) -> Any:
    """Counts of the words that the public topics have."""
    counts, vocabulary = read_documents(documents)
    n_words = topics.phi.shape[1]
    if vocabulary is not None and topics.vocabulary is not None and vocabulary[:n_words] != topics.vocabulary:
        raise ValueError("the documents' vocabulary must begin with that of the public topics: load them with it")
    if counts.shape[1] < n_words:
        raise ValueError(f"counts have {counts.shape[1]:,} words, the public topics {n_words:,}")
    return counts[:, :n_words]


def _guarantee(
    epsilon: float, delta: float, scale: float, tokens: int, mechanism: str, insecure_seed: int | None
) -> str:
    if math.isinf(epsilon):
        return "Nothing: there is no noise on the counts."
    failing = f", but for a chance of {delta:g}" if delta else ""
    of_group = group_epsilon(GROUP, scale, tokens, mechanism, delta)
    known = f" All this holds only against those who do not know the seed of the noise, {insecure_seed}."
    return (
        f"With or without any one document, no outcome is more than e^{epsilon:g} times as likely{failing}. For "
        f"{GROUP} documents of one person together it is e^{of_group:.4g}. Public words and topics, and how many "
        "documents there are, are not protected." + (known if insecure_seed is not None else "")
    )


def group_epsilon(n_documents: int, scale: float, tokens: int, mechanism: str, delta: float) -> float:
    """The epsilon of n documents of one person together, at the same delta; n times epsilon for "laplace" alone."""
    if mechanism == "laplace":
        return n_documents * tokens / scale
    from dp_accounting import get_epsilon_gaussian  # here: it takes two seconds to load

    return float(get_epsilon_gaussian(scale / (n_documents * math.sqrt(tokens)), delta))


def noisy_counts(
    phi: np.ndarray | None, counts: Any, epsilon: float, delta: float,
    *, tokens: int, mechanism: str, alpha: float = 2.5, insecure_seed: int | Sequence[int] | None = None,
) -> np.ndarray:  # fmt: skip
    """The sum of all contributions with noise on every number: (n_topics, n_words), or (1, n_words) without phi.

    Exact, in whole numbers (see `noise`). Parameters as for `contributions` and `train_topics_private`.
    Raises ValueError for an unknown mechanism, and for an epsilon, delta or tokens that promise nothing.
    """
    check_target(epsilon, delta, counts.shape[0])
    check_positive(tokens=tokens, alpha=alpha)
    grid = Grid(max_norm(tokens, mechanism), noise_scale(epsilon, delta, tokens, mechanism), mechanism)
    rng = None if insecure_seed is None else np.random.default_rng(insecure_seed)
    table = np.zeros((1 if phi is None else len(phi), counts.shape[1]), np.int64)
    for cells, values in contributions(phi, counts, tokens, mechanism, rng, alpha):
        table.reshape(-1)[cells] += grid.truncated(values)
    return grid.published(table, known_noise(rng))


def contributions(
    phi: np.ndarray | None, counts: Any, tokens: int, mechanism: str, rng: np.random.Generator | None = None,
    alpha: float = 2.5,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Cells and values that each document adds, in turn; no cell twice.

    The values of a document have a norm of at most `max_norm`, whatever it says. They follow from its own words: each
    document's draws are seeded by its counts, so that one more document changes no other's. That they can be repeated
    does no harm, as the norm holds for every draw.

    Parameters
    ----------
    phi: public topics (n_topics, n_words), for a table of topics x words, row after row; or None, for one row of words.
    counts: (n_docs, n_words).
    rng: draws for all documents in turn, with which the stored results were made; they are bounded less tightly.
    """
    counts = check_counts(counts)
    draws = [rng or _own_draws(counts, slice(*ends)) for ends in pairwise(counts.indptr)]
    limited = limit_tokens(counts, tokens, draws)
    theta = None if phi is None else infer_theta(phi, limited, alpha, iterations=THETA_ITERATIONS)
    for d, (first, last) in enumerate(pairwise(limited.indptr)):
        cells = np.repeat(limited.indices[first:last], limited.data[first:last]).astype(np.int64)
        if phi is not None and theta is not None:
            cumulative = np.cumsum(theta[d][:, None] * phi[:, cells], axis=0)
            cells += phi.shape[1] * (cumulative[:-1] <= draws[d].random(len(cells)) * cumulative[-1]).sum(axis=0)
        cells, counted = np.unique(cells, return_counts=True)
        values = counted.astype(float)
        if mechanism == "gaussian" and len(values):
            values *= min(1.0, math.sqrt(tokens) / float(np.linalg.norm(values)))
        yield cells, values


def _own_draws(counts: Any, entries: slice) -> np.random.Generator:
    return np.random.default_rng(np.concatenate([counts.indices[entries], counts.data[entries]]).astype(np.uint32))


def limit_tokens(counts: Any, tokens: int, draws: Sequence[np.random.Generator]) -> Any:
    """The same documents with at most `tokens` tokens each, chosen at random by each one's draws."""
    limited = counts.copy()
    for rng, (first, last) in zip(draws, pairwise(counts.indptr), strict=True):
        if counts.data[first:last].sum() > tokens:
            limited.data[first:last] = rng.multivariate_hypergeometric(counts.data[first:last], tokens)
    limited.eliminate_zeros()
    return limited


def max_norm(tokens: int, mechanism: str) -> float:
    """The largest norm of what one document adds: L2 for "gaussian", L1 for "laplace"."""
    return math.sqrt(tokens) if mechanism == "gaussian" else float(tokens)


@lru_cache
def noise_scale(epsilon: float, delta: float, tokens: int, mechanism: str) -> float:
    """Scale of the noise on every number: standard deviation of a Gaussian, or b of a Laplace distribution.

    The Gaussian is the smallest there is for one release (Balle and Wang 2018), by Google's dp-accounting.
    """
    if math.isinf(epsilon):
        return 0.0
    if mechanism == "laplace":
        return tokens / epsilon
    from dp_accounting.pld.common import DifferentialPrivacyParameters  # here: it takes two seconds to load
    from dp_accounting.pld.privacy_loss_mechanism import GaussianPrivacyLoss

    promise = DifferentialPrivacyParameters(float(epsilon), float(delta))
    return float(GaussianPrivacyLoss.from_privacy_guarantee(promise, math.sqrt(tokens)).standard_deviation)


def max_attack_auc(scale: float, tokens: int, mechanism: str) -> float:
    """The highest AUC of any test whether one document was in; scale: of the noise on counts (Dong et al. 2022)."""
    if not scale:
        return 1.0
    return float(norm.cdf(math.sqrt(tokens / 2) / scale)) if mechanism == "gaussian" else float(expit(tokens / scale))


def reweight_topics(phi: np.ndarray, noisy: np.ndarray, noise: float) -> np.ndarray:
    """Topics in each of which a word is as much likelier as noisy counts, (n_words,), say; (n_topics, n_words).

    Only what exceeds the noise counts, and of a rare word more is needed.
    """
    q, r = np.linalg.qr(phi.T)
    expected = nnls(r, q.T @ noisy)[0] @ phi  # the public topics, each as large as fits the noisy counts best
    prior = MIN_WORD_PRIOR * max(noise, 1.0)
    factor = np.maximum((expected + _soft_threshold(noisy - expected, noise) + prior) / (expected + prior), MIN_FACTOR)
    return phi * factor / (phi * factor).sum(axis=1, keepdims=True)


def rebuild_topics(phi: np.ndarray, noisy: np.ndarray, noise: float) -> np.ndarray:
    """The same from noisy counts of words in topics, (n_topics, n_words): what stands out far, on the public topics."""
    squares = (phi**2).sum(axis=1)
    tokens = np.maximum((noisy * phi).sum(axis=1) / squares, 2 * noise / np.sqrt(squares))
    expected = np.maximum(tokens, 1.0)[:, None] * phi
    rebuilt = np.maximum(expected + _soft_threshold(noisy - expected, THRESHOLD * noise), 0) + PUBLIC_WEIGHT * expected
    return rebuilt / rebuilt.sum(axis=1, keepdims=True)


def _soft_threshold(change: np.ndarray, least: float) -> np.ndarray:
    """How far each change goes beyond the least one that is believed."""
    return np.sign(change) * np.maximum(np.abs(change) - least, 0)
