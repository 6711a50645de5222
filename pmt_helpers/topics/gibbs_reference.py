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
    totals: (width,) float64, tokens of each topic.
    eta: flat float32, prior counts of each word; row w begins at w * eta_step (0: one row for all words).
    eta_totals: (width,) float64, prior counts of each topic; 1 for the padding.
    """

    word_topic: np.ndarray
    doc_topic: np.ndarray
    totals: np.ndarray
    eta: np.ndarray
    eta_totals: np.ndarray
    eta_step: int
    alpha: np.float32
    n_topics: int


class Loops(NamedTuple):
    """The two loops of the sampler, compiled or plain."""

    sweep: Callable[..., None]
    bits: Callable[..., float]


def sweep(words: np.ndarray, starts: np.ndarray, z: np.ndarray, draws: np.ndarray, tables: Tables) -> None:
    """Take each token out of the counts, draw its topic given all others, put it back.

    One token ahead: the next token is out, too, before this one has its topic. When this one is back, the next weighs
    `extra` more for the topic it has now, and the same for all others.
    """
    width = len(tables.totals)
    by_word, by_doc = tables.word_topic.reshape(-1, width), tables.doc_topic.reshape(-1, width)
    prior = tables.eta.reshape(-1, width)

    def move(d: int, i: int, tokens: int) -> None:
        for counts in (by_word[words[i]], by_doc[d], tables.totals):
            counts[z[i]] += tokens

    def weigh(d: int, i: int) -> np.ndarray:
        share = (by_doc[d] + tables.alpha) / (tables.totals + tables.eta_totals).astype(F)
        return share * (by_word[words[i]] + prior[words[i] if tables.eta_step else 0])

    for d, (start, stop) in enumerate(pairwise(starts)):
        weights, topic, extra = np.zeros(width, F), 0, F(0)
        for i in range(start, stop + (start < stop)):
            upcoming = min(i, stop - 1)
            if i < stop:
                move(d, i, -1)
            weights_next = weigh(d, upcoming)
            if i > start:
                z[i - 1] = topic = draw(weights, topic, extra, draws[i - 1], tables.n_topics)
                move(d, i - 1, 1)
                extra = weigh(d, upcoming)[topic] - weights_next[topic]
                if extra < 0:
                    weights_next, extra = weigh(d, upcoming), F(0)
            weights = weights_next


def draw(weights: np.ndarray, topic: int, extra: np.float32, u: np.float32, n_topics: int) -> int:
    """A topic with probability proportional to its weight, for u from [0, 1): first its lane, then its place there.

    Topic k is in lane k mod BLOCK. `extra` is weight of `topic` that comes after all lanes.
    """
    upto = np.cumsum(weights.reshape(-1, BLOCK), axis=0, dtype=F)
    before = np.cumsum(np.append(F(0), upto[-1]), dtype=F)
    rest = u * (before[-1] + extra)
    if rest >= before[-1]:
        return topic
    lane = (rest >= before[1:-1]).sum()
    rest -= before[lane]
    return int(min(lane + BLOCK * (rest >= upto[:-1, lane]).sum(), n_topics - 1))


def bits(words: np.ndarray, counts: np.ndarray, starts: np.ndarray, tables: Tables) -> float:
    """Sum over all tokens of log2 sum_k theta_dk phi_kw, in double precision."""
    width = len(tables.totals)
    by_word, by_doc = tables.word_topic.reshape(-1, width), tables.doc_topic.reshape(-1, width).astype(float)
    theta = (by_doc + tables.alpha) / (by_doc.sum(axis=1, keepdims=True) + tables.n_topics * tables.alpha)
    phi = (by_word + tables.eta.reshape(-1, width).astype(float)) / (tables.totals + tables.eta_totals)
    total = 0.0
    for d, (start, stop) in enumerate(pairwise(starts)):
        for i in range(start, stop):
            total += counts[i] * np.log2(theta[d] @ phi[words[i]])
    return total


REFERENCE_LOOPS = Loops(sweep, bits)
