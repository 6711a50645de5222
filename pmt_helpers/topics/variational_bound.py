"""How good a variational model is by its own measure: the bound it raises, in bits a token. Notebook 03, step 5.

gensim's `bound`, and so its `log_perplexity`, are wrong where every topic has a prior of its own;
`corrected_bound_bits` mends them. They also take longer than a pass of training: `bound_bits` computes the same from
arrays, and a test holds the two together.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.special import gammaln, psi

if TYPE_CHECKING:
    from gensim.models import LdaModel

_AT_ONCE = 2**16  # entries of the table; how much memory measuring takes
_TINY = 1e-290  # below it a sum of exponentials loses digits; such entries are summed by their logarithms


def corrected_bound_bits(model: "LdaModel", corpus: Any, gamma: np.ndarray | None = None) -> float:
    """gensim's variational bound of the documents and the topics, in bits a token; the higher, the better.

    corpus: gensim's, (column, count) pairs of each document. gamma: (n_docs, n_topics); inferred when not given, from
    a start that the model draws. With an eta of n_topics x n_words gensim adds the normaliser of all topics' priors
    taken together, for each topic; a topic's own one belongs there.
    """
    one_each = None if gamma is None else gamma[:, None]  # gensim wants every document's as a table of one row
    bound = float(model.bound(corpus, one_each))
    if np.ndim(model.eta) == 2:
        bound += float(gammaln(model.eta.sum(axis=1)).sum() - model.num_topics * gammaln(model.eta.sum()))
    return bound / np.log(2) / float(sum(count for document in corpus for _, count in document))


def bound_bits(
    counts: csr_array, gamma: np.ndarray, lambda_: np.ndarray, alpha: float, eta: float | np.ndarray
) -> float:
    """The same from arrays: E_q[log p(words, z, theta, phi)] - E_q[log q], each token's q(z) the best there is.

    counts: documents x words. gamma: (n_docs, n_topics) of q(theta). lambda_: (n_topics, n_words) of q(phi). alpha: of
    each topic in a document. eta: of each word in a topic, or (n_topics, n_words).
    """
    log_theta, log_phi = expected_log(gamma), expected_log(lambda_)
    words = 0.0
    by_doc, by_word = log_theta.max(axis=1, keepdims=True), log_phi.max(axis=0)
    theta, phi = np.exp(log_theta - by_doc), np.exp(log_phi - by_word).T
    for docs, columns, n in _pieces(counts):
        mixture = np.einsum("ek,ek->e", theta[docs], phi[columns])
        lost = mixture < _TINY
        logs = np.log(np.where(lost, 1, mixture)) + by_doc[docs, 0] + by_word[columns]
        logs[lost] = np.logaddexp.reduce(log_theta[docs[lost]] + log_phi.T[columns[lost]], axis=1)
        words += float(n @ logs)
    priors = (_against_prior(gamma, log_theta, alpha), _against_prior(lambda_, log_phi, eta))
    return (words + sum(priors)) / np.log(2) / counts.sum()


def log2_likelihood(counts: csr_array, theta: np.ndarray, phi: np.ndarray) -> float:
    """Mean over the tokens of log2 sum_k theta_dk phi_kw, the paper's measure."""
    pieces = _pieces(counts)
    found = sum(float(n @ np.log2(np.einsum("ek,ek->e", theta[docs], phi.T[w]))) for docs, w, n in pieces)
    return found / counts.sum()


def expected_log(parameters: np.ndarray) -> np.ndarray:
    """E[log p] under a Dirichlet distribution in each row."""
    return psi(parameters) - psi(parameters.sum(axis=1, keepdims=True))


def _against_prior(parameters: np.ndarray, logs: np.ndarray, prior: float | np.ndarray) -> float:
    """E_q[log p - log q] of rows with a Dirichlet prior; logs: their expected logarithms."""
    prior = np.broadcast_to(prior, parameters.shape)
    found = ((prior - parameters) * logs + gammaln(parameters) - gammaln(prior)).sum(axis=1)
    return float((found + gammaln(prior.sum(axis=1)) - gammaln(parameters.sum(axis=1))).sum())


def _pieces(counts: csr_array) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The table's entries, some at a time: document, column, count of each."""
    docs = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    slices = [slice(first, first + _AT_ONCE) for first in range(0, counts.nnz, _AT_ONCE)]
    return [(docs[piece], counts.indices[piece], counts.data[piece]) for piece in slices]
