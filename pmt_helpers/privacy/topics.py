"""Topics that are published with differential privacy for each document. Notebook 04, step 7.

A bounded table of counts is taken from each document, the tables are added up, and noise is put on every number, those
that are 0 included. What is made of the noisy numbers afterwards costs no more privacy: public topics fill in what the
noise drowns.
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
from pmt_helpers.topics.evaluation import infer_theta
from pmt_helpers.topics.personal import TopicModel, Topics, read_documents
from pmt_helpers.topics.validation import check_counts, check_positive

RELEASES = ("words", "topics")
MECHANISMS = ("gaussian", "laplace")
TOKENS = 100
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
    *, release: str = "words", mechanism: str = "gaussian", tokens: int = TOKENS, alpha: float = 2.5, seed: int = 0,
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

    Raises ValueError for what would promise nothing, or does not fit together.
    """
    if release not in RELEASES or mechanism not in MECHANISMS:
        known = f"release must be one of {', '.join(RELEASES)}, and mechanism one of {', '.join(MECHANISMS)}"
        raise ValueError(f"{known}; got {release!r} and {mechanism!r}")
    topics = public.topics if isinstance(public, TopicModel) else public
    counts = check_counts(_known_words(topics, documents))
    check_target(epsilon, delta, counts.shape[0])
    check_positive(tokens=tokens, alpha=alpha)
    by_topic = release == "topics"
    options: dict[str, Any] = {"tokens": tokens, "mechanism": mechanism, "alpha": alpha, "seed": seed}
    noisy = noisy_counts(topics.phi if by_topic else None, counts, epsilon, delta, **options)
    scale = noise_scale(epsilon, delta, tokens, mechanism)
    noise = scale * (math.sqrt(2) if mechanism == "laplace" else 1)
    phi = rebuild_topics(topics.phi, noisy, noise) if by_topic else reweight_topics(topics.phi, noisy[0], noise)
    spent = delta if mechanism == "gaussian" and scale else 0.0
    max_auc = max_attack_auc(scale, tokens, mechanism)
    return PrivateTopics(phi, topics.vocabulary, epsilon, spent, noise, max_auc, _guarantee(epsilon, spent))


def _known_words(topics: Topics, documents: Any) -> Any:
    """Counts of the words that the public topics have."""
    counts, vocabulary = read_documents(documents)
    n_words = topics.phi.shape[1]
    if vocabulary is not None and topics.vocabulary is not None and vocabulary[:n_words] != topics.vocabulary:
        raise ValueError("the documents' vocabulary must begin with that of the public topics: load them with it")
    if counts.shape[1] < n_words:
        raise ValueError(f"counts have {counts.shape[1]:,} words, the public topics {n_words:,}")
    return counts[:, :n_words]


def _guarantee(epsilon: float, delta: float) -> str:
    if math.isinf(epsilon):
        return "Nothing: there is no noise on the counts."
    failing = f", but for a chance of {delta:g}" if delta else ""
    return (
        f"With or without any one document, no outcome is more than e^{epsilon:g} times as likely{failing}. The n "
        "documents of one person together get n times epsilon. Public words and topics are not protected."
    )


def noisy_counts(
    phi: np.ndarray | None, counts: Any, epsilon: float, delta: float,
    *, tokens: int, mechanism: str, alpha: float = 2.5, seed: int | Sequence[int] = 0,
) -> np.ndarray:  # fmt: skip
    """The sum of all contributions with noise on every number: (n_topics, n_words), or (1, n_words) without phi.

    The noise is NumPy's, in double precision: a release that matters needs a sampler made for it (Mironov 2012).
    Parameters as for `contributions` and `noise_scale`.
    """
    rng = np.random.default_rng(seed)
    table = np.zeros((1 if phi is None else len(phi), counts.shape[1]))
    for cells, values in contributions(phi, counts, tokens, mechanism, rng, alpha):
        table.reshape(-1)[cells] += values
    scale = noise_scale(epsilon, delta, tokens, mechanism)
    return table + (rng.laplace if mechanism == "laplace" else rng.normal)(0, scale, table.shape)


def contributions(
    phi: np.ndarray | None, counts: Any, tokens: int, mechanism: str, rng: np.random.Generator, alpha: float = 2.5,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Cells and values that each document adds, in turn; no cell twice.

    The values of a document have an L1 norm of at most `tokens` ("laplace"), or an L2 norm of at most the root of
    `tokens` ("gaussian"): whatever it says, and whatever the others say.

    Parameters
    ----------
    phi: public topics (n_topics, n_words), for a table of topics x words, row after row; or None, for one row of words.
    counts: (n_docs, n_words).
    """
    limited = limit_tokens(counts, tokens, rng)
    theta = None if phi is None else infer_theta(phi, limited, alpha, iterations=THETA_ITERATIONS)
    for d, (first, last) in enumerate(pairwise(limited.indptr)):
        cells = np.repeat(limited.indices[first:last], limited.data[first:last]).astype(np.int64)
        if phi is not None and theta is not None:
            cumulative = np.cumsum(theta[d][:, None] * phi[:, cells], axis=0)
            cells += phi.shape[1] * (cumulative[:-1] <= rng.random(len(cells)) * cumulative[-1]).sum(axis=0)
        cells, counted = np.unique(cells, return_counts=True)
        values = counted.astype(float)
        if mechanism == "gaussian" and len(values):
            values *= min(1.0, math.sqrt(tokens) / float(np.linalg.norm(values)))
        yield cells, values


def limit_tokens(counts: Any, tokens: int, rng: np.random.Generator) -> Any:
    """The same documents with at most `tokens` tokens each, chosen at random."""
    counts = check_counts(counts)
    limited = counts.copy()
    for first, last in pairwise(counts.indptr):
        if counts.data[first:last].sum() > tokens:
            limited.data[first:last] = rng.multivariate_hypergeometric(counts.data[first:last], tokens)
    limited.eliminate_zeros()
    return limited


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
