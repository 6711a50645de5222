"""What `gibbs_kernel.py` computes, as one would write it down: the reference, a thousand times slower."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

F = np.float32


BLOCK = 8  # topics are padded to a multiple of it, with topics that have no weight


class Loops(NamedTuple):
    """The two loops of the sampler, compiled or plain."""

    sweep: Callable[..., None]
    bits: Callable[..., float]


def sweep(
    words: np.ndarray,
    starts: np.ndarray,
    z: np.ndarray,
    draws: np.ndarray,
    word_topic: np.ndarray,
    doc_topic: np.ndarray,
    totals: np.ndarray,
    eta: np.ndarray,
    eta_step: int,
    alpha: np.float32,
    n_topics: int,
) -> None:
    """Take each token out, draw its topic given all others, put it back."""
    width = len(totals)
    by_word, by_doc = word_topic.reshape(-1, width), doc_topic.reshape(-1, width)
    prior = eta.reshape(-1, width)
    for d, (start, stop) in enumerate(pairwise(starts)):
        for i in range(start, stop):
            w, old = words[i], z[i]
            for table in (by_word[w], by_doc[d], totals):
                table[old] -= 1
            share = (by_doc[d] + alpha) / totals.astype(F)
            weights = share * (by_word[w] + prior[w if eta_step else 0])
            z[i] = new = draw(weights, draws[i], n_topics)
            for table in (by_word[w], by_doc[d], totals):
                table[new] += 1


def draw(weights: np.ndarray, u: np.float32, n_topics: int) -> int:
    """A topic with probability proportional to its weight, by the draw u from [0, 1): first the eight, then the one."""
    p = weights.reshape(-1, BLOCK).T
    sums = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]))
    before = np.cumsum(np.append(F(0), sums), dtype=F)
    rest = u * before[-1]
    full = (rest >= before[1:-1]).sum()
    rest -= before[full]
    p = p[:, full]
    two, four = p[0] + p[1], (p[0] + p[1]) + (p[2] + p[3])
    six = four + (p[4] + p[5])
    upto = np.array([p[0], two, two + p[2], four, four + p[4], six, six + p[6]])
    return int(min(BLOCK * full + (rest >= upto).sum(), n_topics - 1))


def bits(
    words: np.ndarray,
    counts: np.ndarray,
    starts: np.ndarray,
    word_topic: np.ndarray,
    doc_topic: np.ndarray,
    totals: np.ndarray,
    eta: np.ndarray,
    eta_step: int,
    alpha: np.float32,
    n_topics: int,
) -> float:
    """Sum over all tokens of log2 of theta times phi, in double precision."""
    width = len(totals)
    by_word, by_doc = word_topic.reshape(-1, width), doc_topic.reshape(-1, width).astype(float)
    theta = (by_doc + alpha) / (by_doc.sum(axis=1, keepdims=True) + n_topics * alpha)
    phi = (by_word + eta.reshape(-1, width).astype(float)) / totals
    found = 0.0
    for d, (start, stop) in enumerate(pairwise(starts)):
        for i in range(start, stop):
            found += counts[i] * np.log2(theta[d] @ phi[words[i]])
    return found


PLAIN = Loops(sweep, bits)
