"""What `gibbs_kernel.py` computes, written plainly in NumPy: the reference, a thousand times slower. Notebook 03."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

F = np.float32
BLOCK = 8  # topics are padded to a multiple of it, with topics that have no weight


class Tables(NamedTuple):
    """What a token is weighed with. `width`: n_topics rounded up to a multiple of BLOCK.

    word_topic, doc_topic: flat float32, `width` numbers per row, how many tokens have each topic.
    totals: (width,) float64, tokens of each topic and their prior.
    eta: flat float32, prior counts of each word; row w begins at w * eta_step (0: one row for all words).
    """

    word_topic: np.ndarray
    doc_topic: np.ndarray
    totals: np.ndarray
    eta: np.ndarray
    eta_step: int
    alpha: np.float32
    n_topics: int


class Loops(NamedTuple):
    """The two loops of the sampler, compiled or plain."""

    sweep: Callable[..., None]
    bits: Callable[..., float]


def sweep(words: np.ndarray, starts: np.ndarray, z: np.ndarray, draws: np.ndarray, tables: Tables) -> None:
    """Take each token out of the counts, draw its topic given all others, put it back."""
    width = len(tables.totals)
    by_word, by_doc = tables.word_topic.reshape(-1, width), tables.doc_topic.reshape(-1, width)
    prior = tables.eta.reshape(-1, width)
    for d, (start, stop) in enumerate(pairwise(starts)):
        for i in range(start, stop):
            w, old = words[i], z[i]
            for counts in (by_word[w], by_doc[d], tables.totals):
                counts[old] -= 1
            share = (by_doc[d] + tables.alpha) / tables.totals.astype(F)
            weights = share * (by_word[w] + prior[w if tables.eta_step else 0])
            z[i] = new = draw(weights, draws[i], tables.n_topics)
            for counts in (by_word[w], by_doc[d], tables.totals):
                counts[new] += 1


def draw(weights: np.ndarray, u: np.float32, n_topics: int) -> int:
    """A topic with probability proportional to its weight, for u from [0, 1): first its block, then its place there."""
    p = weights.reshape(-1, BLOCK).T
    sums = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]))
    before = np.cumsum(np.append(F(0), sums), dtype=F)
    rest = u * before[-1]
    block = (rest >= before[1:-1]).sum()
    rest -= before[block]
    p = p[:, block]
    two, four = p[0] + p[1], (p[0] + p[1]) + (p[2] + p[3])
    six = four + (p[4] + p[5])
    cumulative = np.array([p[0], two, two + p[2], four, four + p[4], six, six + p[6]])
    return int(min(BLOCK * block + (rest >= cumulative).sum(), n_topics - 1))


def bits(words: np.ndarray, counts: np.ndarray, starts: np.ndarray, tables: Tables) -> float:
    """Sum over all tokens of log2 sum_k theta_dk phi_kw, in double precision."""
    width = len(tables.totals)
    by_word, by_doc = tables.word_topic.reshape(-1, width), tables.doc_topic.reshape(-1, width).astype(float)
    theta = (by_doc + tables.alpha) / (by_doc.sum(axis=1, keepdims=True) + tables.n_topics * tables.alpha)
    phi = (by_word + tables.eta.reshape(-1, width).astype(float)) / tables.totals
    total = 0.0
    for d, (start, stop) in enumerate(pairwise(starts)):
        for i in range(start, stop):
            total += counts[i] * np.log2(theta[d] @ phi[words[i]])
    return total


REFERENCE_LOOPS = Loops(sweep, bits)
