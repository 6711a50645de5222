"""A made-up corpus whose topics are known, and the papers of NIPS where a copy of them is at hand."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.sparse import csr_array


class Planted(NamedTuple):
    """Documents drawn from known topics. counts: (n_docs, n_words); phi: (n_topics, n_words)."""

    counts: csr_array
    phi: np.ndarray


def plant(n_docs: int, n_topics: int = 4, words_each: int = 15, length: int = 80, seed: int = 0) -> Planted:
    """Each topic has words of its own, and shares a tenth of its weight with the words of all others."""
    rng = np.random.default_rng(seed)
    n_words = n_topics * words_each
    phi = np.full((n_topics, n_words), 0.1 / n_words)
    for topic in range(n_topics):
        phi[topic, topic * words_each : (topic + 1) * words_each] += 0.9 * rng.dirichlet(np.full(words_each, 2.0))
    theta = rng.dirichlet(np.full(n_topics, 0.3), n_docs)
    return Planted(csr_array(rng.multinomial(length, theta @ phi)), phi)


@pytest.fixture(scope="session")
def planted() -> Planted:
    return plant(200)
