"""Where a chain starts: each token's first topic, and what is believed of the words beforehand. Notebook 03, step 3.

Three starts. "random": the paper's local model, topics by the throw of a die. "shared": the paper's personal model,
whose first topics are drawn from the shared ones, and which then forgets where it came from. "prior": ours, which
starts there too, and also counts the shared topics as if it had seen words of its own drawn from them.
"""

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.topics.given import checked_topics, unknown_words

STARTS = ("random", "shared", "prior")
_AT_ONCE = 2**16  # tokens; how much memory drawing takes


def checked_start(
    start: str, shared_phi: np.ndarray | None, weight: float, counts: csr_array, n_topics: int
) -> np.ndarray | None:
    """The shared topics as float64, None for a random start. Raises ValueError for what does not fit together."""
    if start not in STARTS:
        raise ValueError(f"unknown start {start!r}; choose one of {', '.join(STARTS)}")
    if not (np.isfinite(weight) and weight >= 0):
        raise ValueError(f"weight must be a number from 0 on; got {weight}")
    if start == "random":
        if shared_phi is not None:
            raise ValueError('start="random" takes no shared_phi; say start="shared" or start="prior"')
        return None
    if shared_phi is None:
        raise ValueError(f'start="{start}" needs shared_phi, the topics to start from')
    phi = checked_topics(shared_phi, counts.shape[1], n_topics)
    unknown = unknown_words(phi, counts)
    if start == "shared" and len(unknown):
        raise ValueError(
            f"{len(unknown)} words of these documents, the first in column {unknown[0]}, have no probability in any "
            'shared topic, so no topic can be drawn for them; smooth the topics, or say start="prior", where beta does'
        )
    return phi


def prior_of(start: str, phi: np.ndarray | None, weight: float, beta: float, counts: csr_array) -> np.ndarray:
    """eta, the prior counts: (1, 1) of beta, or (n_words, n_topics) for start="prior".

    There it is beta + weight * (tokens / n_topics) * phi: the shared topics weigh `weight` times as much as all that is
    read at home.
    """
    if start != "prior" or phi is None:
        return np.full((1, 1), beta)
    with np.errstate(over="ignore"):
        eta = beta + weight * (counts.sum() / len(phi)) * phi.T
    if not eta.max() < np.finfo(np.float32).max / eta.shape[0]:
        raise ValueError(f"weight {weight:g} is too large to count with; 1e6 already leaves nothing to learn")
    return eta


def first_topics(words: np.ndarray, phi: np.ndarray | None, n_topics: int, rng: np.random.Generator) -> np.ndarray:
    """(n_tokens,) uint32: drawn evenly, or each from what the shared topics say of its word, p(k) ~ phi[k, word].

    A word that no shared topic knows gets any topic.
    """
    if phi is None:
        return rng.integers(0, n_topics, len(words), dtype=np.uint32)
    known = np.where(phi.max(axis=0) > 0, phi, 1.0)
    upto = np.cumsum(known.T, axis=1)
    z = np.empty(len(words), np.uint32)
    for first in range(0, len(words), _AT_ONCE):
        piece = slice(first, first + _AT_ONCE)
        here = upto[words[piece]]
        z[piece] = (here[:, :-1] <= rng.random((len(here), 1)) * here[:, -1:]).sum(axis=1)
    return z
