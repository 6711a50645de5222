"""What one document adds to the counts that are released, and how much noise hides it. Notebook 04, step 7.

Noise hides a document only if what the document can change is bounded. In a topic model trained as usual it is not: the
topic of a token depends on all other documents, so one document more may move the tokens of everybody. Here nothing
passes between documents: each is cut to some tokens by lot, counted alone, its topics taken from public ones, and its
table of counts shrunk to a bounded length.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from pmt_helpers.topics.evaluation import infer_theta
from pmt_helpers.topics.given import checked_counts

MECHANISMS = ("gaussian", "laplace")
_SETTLES = 20  # steps of a document's theta


def noisy_counts(
    phi: np.ndarray | None,
    counts: Any,
    epsilon: float,
    delta: float,
    *,
    tokens: int,
    mechanism: str,
    alpha: float = 2.5,
    seed: int | Sequence[int] = 0,
) -> np.ndarray:
    """The sum of all contributions with noise on every number: (n_topics, n_words), or (1, n_words) without phi.

    The noise is NumPy's, in double precision: a release that matters needs a sampler made for it (Mironov 2012).
    """
    rng = np.random.default_rng(seed)
    table = np.zeros((1 if phi is None else len(phi), counts.shape[1]))
    for cells, values in contributions(phi, counts, tokens, mechanism, rng, alpha):
        table.reshape(-1)[cells] += values
    scale = noise_scale(epsilon, delta, tokens, mechanism)
    return table + (rng.laplace if mechanism == "laplace" else rng.normal)(0, scale, table.shape)


def contributions(
    phi: np.ndarray | None,
    counts: Any,
    tokens: int,
    mechanism: str,
    rng: np.random.Generator,
    alpha: float = 2.5,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cells and values that each document adds, in turn; no cell twice.

    counts: (n_docs, n_words). phi: public topics (n_topics, n_words), for a table of topics x words, row after row; or
    None, for one row of words. The values of a document have an L1 norm of at most `tokens` ("laplace"), or an L2 norm
    of at most the root of `tokens` ("gaussian"): whatever it says, and whatever the others say.
    """
    kept = cut(counts, tokens, rng)
    theta = None if phi is None else infer_theta(phi, kept, alpha, iterations=_SETTLES)
    for d, (first, last) in enumerate(pairwise(kept.indptr)):
        cells = np.repeat(kept.indices[first:last], kept.data[first:last]).astype(np.int64)
        if phi is not None and theta is not None:
            upto = np.cumsum(theta[d][:, None] * phi[:, cells], axis=0)
            cells += phi.shape[1] * (upto[:-1] <= rng.random(len(cells)) * upto[-1]).sum(axis=0)
        cells, values = np.unique(cells, return_counts=True)
        yield cells, clipped(values, math.sqrt(tokens)) if mechanism == "gaussian" else values.astype(float)


def cut(counts: Any, tokens: int, rng: np.random.Generator) -> Any:
    """The same documents with at most so many tokens each, by lot."""
    counts = checked_counts(counts)
    kept = counts.copy()
    for first, last in pairwise(counts.indptr):
        if counts.data[first:last].sum() > tokens:
            kept.data[first:last] = rng.multivariate_hypergeometric(counts.data[first:last], tokens)
    kept.eliminate_zeros()
    return kept


def clipped(values: np.ndarray, longest: float) -> np.ndarray:
    """values, shrunk as a whole to an L2 norm of at most `longest`."""
    norm = float(np.linalg.norm(values))
    return values * min(1.0, longest / norm) if norm > 0 else values.astype(float)


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
