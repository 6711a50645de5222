"""Topics that are published with differential privacy for each document. Notebook 04, step 7.

A bounded table of counts is taken from each document (`document_counts`), the tables are added up, and noise is put on
every number, those that are 0 included. What is made of the noisy numbers afterwards costs no more privacy: public
topics fill in what the noise drowns.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.special import expit
from scipy.stats import norm

from pmt_helpers.privacy.document_counts import MECHANISMS, noise_scale, noisy_counts
from pmt_helpers.privacy.mechanism import check_target
from pmt_helpers.topics.given import checked_counts, checked_positive
from pmt_helpers.topics.personal import TopicModel, Topics, read_documents

RELEASES = ("words", "topics")
TOKENS = 100
_PRIOR = 3.0  # standard deviations of noise, which a word's public count weighs at least
_LEAST = 0.02  # of its public probability, to which a word may fall
_FAR = 4.0  # standard deviations; of 100,000 cells, noise alone takes six so far
_KEPT = 0.3  # weight of the public topics beside the private counts


@dataclass(frozen=True, eq=False)
class PrivateTopics(Topics):
    """Published topics, and the promise they come with.

    epsilon, delta: for one document added or taken away. noise: standard deviation of the noise on each count.
    strongest: the highest AUC that any attack on one document can have. covers: the promise in words, and its limits.
    """

    epsilon: float = math.inf
    delta: float = 0.0
    noise: float = 0.0
    strongest: float = 1.0
    covers: str = ""


def train_topics_private(
    public: TopicModel | Topics,
    documents: Any,
    epsilon: float,
    delta: float = 1e-5,
    *,
    release: str = "words",
    mechanism: str = "gaussian",
    tokens: int = TOKENS,
    alpha: float = 2.5,
    seed: int = 0,
) -> PrivateTopics:
    """Public topics, changed by what private documents say, with (epsilon, delta)-privacy for each document.

    documents: DocumentData, or counts; their vocabulary begins with the public one, and words behind it are left out: a
    new word in the list would tell that somebody wrote it. release: "words" adds noise to how often each word occurs,
    and every topic is changed alike; "topics" to how often each word occurs in each topic, so to n_topics times as many
    numbers. mechanism: "laplace" has delta 0, and needs more noise. tokens: how many of a document count at most; not
    to be chosen by what comes out. epsilon: math.inf for no noise, and no promise.
    Raises ValueError for what would promise nothing, or does not fit together.
    """
    if release not in RELEASES or mechanism not in MECHANISMS:
        raise ValueError(
            f"release must be one of {', '.join(RELEASES)}, and mechanism one of {', '.join(MECHANISMS)}; "
            f"got {release!r} and {mechanism!r}"
        )
    topics = public.topics if isinstance(public, TopicModel) else public
    counts = checked_counts(_known_words(topics, documents))
    check_target(epsilon, delta, counts.shape[0])
    checked_positive(tokens=tokens, alpha=alpha)
    by_topic = release == "topics"
    how: dict[str, Any] = {"tokens": tokens, "mechanism": mechanism, "alpha": alpha, "seed": seed}
    noisy = noisy_counts(topics.phi if by_topic else None, counts, epsilon, delta, **how)
    scale = noise_scale(epsilon, delta, tokens, mechanism)
    noise = scale * (math.sqrt(2) if mechanism == "laplace" else 1)
    phi = refilled(topics.phi, noisy, noise) if by_topic else reweighted(topics.phi, noisy[0], noise)
    spent = delta if mechanism == "gaussian" and scale else 0.0
    strongest = strongest_attack(scale, tokens, mechanism)
    return PrivateTopics(phi, topics.vocabulary, epsilon, spent, noise, strongest, _promise(epsilon, spent))


def strongest_attack(scale: float, tokens: int, mechanism: str) -> float:
    """The highest AUC of any test whether one document was in; scale: of the noise on counts (Dong et al. 2022)."""
    if not scale:
        return 1.0
    return float(norm.cdf(math.sqrt(tokens / 2) / scale)) if mechanism == "gaussian" else float(expit(tokens / scale))


def reweighted(phi: np.ndarray, noisy: np.ndarray, noise: float) -> np.ndarray:
    """Topics in each of which a word is as much likelier as noisy counts, (n_words,), say; (n_topics, n_words).

    Only what exceeds the noise counts, and of a rare word more is needed.
    """
    q, r = np.linalg.qr(phi.T)
    expected = nnls(r, q.T @ noisy)[0] @ phi  # the public topics, each as large as fits the noisy counts best
    prior = _PRIOR * max(noise, 1.0)
    factor = np.maximum((expected + _beyond(noisy - expected, noise) + prior) / (expected + prior), _LEAST)
    return phi * factor / (phi * factor).sum(axis=1, keepdims=True)


def refilled(phi: np.ndarray, noisy: np.ndarray, noise: float) -> np.ndarray:
    """The same from noisy counts of words in topics, (n_topics, n_words): what stands out far, on the public topics."""
    squares = (phi**2).sum(axis=1)
    tokens = np.maximum((noisy * phi).sum(axis=1) / squares, 2 * noise / np.sqrt(squares))
    expected = np.maximum(tokens, 1.0)[:, None] * phi
    filled = np.maximum(expected + _beyond(noisy - expected, _FAR * noise), 0) + _KEPT * expected
    return filled / filled.sum(axis=1, keepdims=True)


def _beyond(change: np.ndarray, least: float) -> np.ndarray:
    """How far each change goes beyond the least one that is believed."""
    return np.sign(change) * np.maximum(np.abs(change) - least, 0)


def _known_words(topics: Topics, documents: Any) -> Any:
    """Counts of the words that the public topics have."""
    counts, vocabulary = read_documents(documents)
    n_words = topics.phi.shape[1]
    if vocabulary is not None and topics.vocabulary is not None and vocabulary[:n_words] != topics.vocabulary:
        raise ValueError("the documents' vocabulary must begin with that of the public topics: load them with it")
    if counts.shape[1] < n_words:
        raise ValueError(f"counts have {counts.shape[1]:,} words, the public topics {n_words:,}")
    return counts[:, :n_words]


def _promise(epsilon: float, delta: float) -> str:
    if math.isinf(epsilon):
        return "Nothing: there is no noise on the counts."
    failing = f", but for a chance of {delta:g}" if delta else ""
    return (
        f"With or without any one document, no outcome is more than e^{epsilon:g} times as likely{failing}. The n "
        "documents of one person together get n times epsilon. Public words and topics are not protected."
    )
