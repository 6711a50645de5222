"""The paper's three topic models by variational Bayes, trained by gensim's LdaModel. Notebook 03, step 9.

Beside the sampler of `gibbs.py`: it converges in fewer passes, and only its start is random. Each pass reads all
documents and then changes the topics (batch learning), so passes compare with the sampler's iterations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gensim.corpora import Dictionary
from gensim.matutils import Sparse2Corpus
from gensim.models import LdaModel
from gensim.models.callbacks import Metric
from gensim.utils import FakeDict
from scipy.sparse import csr_array
from scipy.special import gammaln, psi

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.logs import quiet
from pmt_helpers.topics.gibbs import Seed, word_prior
from pmt_helpers.topics.personal import TopicModel, Topics, extend_vocabulary, read_documents
from pmt_helpers.topics.validation import STARTS, check_counts, check_integer, check_positive, check_start, check_steps

PASSES = 50
CHUNK = 2**16  # entries of the table measured at once: a matter of memory
TINY = 1e-290  # below it a sum of exponentials loses digits; such entries are summed by their logarithms


@dataclass(frozen=True, eq=False)
class VariationalModel(TopicModel):
    """A TopicModel that gensim trained; its phi and theta are the means of the variational posterior.

    bound: (passes,) evidence lower bound in bits per token, what training raises. lda: gensim's own model, to print
    topics with; like theta it tells of the documents, and stays at home.
    """

    bound: np.ndarray
    lda: LdaModel


def fit_variational(
    documents: DocumentData | Any, n_topics: int = 20,
    *, start: str = "random", shared: TopicModel | Topics | None = None, weight: float = 1.0, alpha: float = 2.5,
    beta: float = 0.1, passes: int = PASSES, seed: Seed = 0, keep: Sequence[int] = (),
) -> VariationalModel:  # fmt: skip
    """Train on all documents `passes` times. The same seed gives the same bits.

    Parameters
    ----------
    documents: DocumentData, or counts (documents x words). Their vocabulary must be the shared one, or begin with it.
    start: "random", the local (or the shared) model; "shared", the paper's personal one, which begins with the shared
        topics and then forgets them; "prior", which begins there and keeps them as prior counts.
    weight: how heavy they are as a prior; 1 is as heavy as all own tokens.
    keep: passes after which phi is kept, 0 for the start.

    Returns the model; curve and bound have one value per pass, with theta as those topics infer it.
    Raises ValueError for what does not fit together.
    """
    n_topics, passes = check_integer("n_topics", n_topics, 1), check_steps("passes", passes, keep)
    check_positive(alpha=alpha, beta=beta)
    if start in STARTS and (shared is None) != (start == "random"):
        wrong = "needs shared, the topics to start from" if shared is None else "takes no shared topics"
        raise ValueError(f'start="{start}" {wrong}')
    table, words = read_documents(documents)
    counts = check_counts(table)
    topics = shared.topics if isinstance(shared, TopicModel) else shared
    phi = check_start(start, None if topics is None else extend_vocabulary(topics, words), weight, counts, n_topics)
    eta = word_prior(start, phi, weight, beta, counts)
    words = words or (topics.vocabulary if topics else None)
    monitor = _PassMonitor(counts, keep)
    model = _LdaModelWithGamma(
        num_topics=n_topics, id2word=gensim_dictionary(words) if words else FakeDict(counts.shape[1]),
        alpha=float(alpha), eta=np.ascontiguousarray(eta.T) if start == "prior" else float(beta),
        chunksize=counts.shape[0], update_every=0, decay=0.0, eval_every=None, dtype=np.float64,
        random_state=int(np.random.default_rng(seed).integers(2**32)), callbacks=[monitor],
    )  # fmt: skip
    if phi is not None:  # as if every own token had been seen, and been shared out as the shared topics say
        model.state.sstats[...] = phi * (counts.sum() / n_topics)
    model.sync_state()  # gensim's first pass would otherwise leave out eta
    corpus = gensim_corpus(counts)
    with quiet("gensim.models.ldamodel"):  # it takes any training of under ten passes for a mistake
        model.update(corpus, passes=passes)  # once: gensim takes a second call for new documents
    model.gamma, _ = model.inference(corpus)
    monitor.get_value(model=model)
    theta = model.gamma / model.gamma.sum(axis=1, keepdims=True)
    model.callbacks = model.gamma = None
    curve, bound = np.array(monitor.curve[1:]), np.array(monitor.bound[1:])
    return VariationalModel(
        Topics(model.get_topics(), words), float(alpha), float(beta), theta, curve, monitor.topics_at, bound, model
    )


class _LdaModelWithGamma(LdaModel):
    """gensim's model, which also remembers gamma: (n_docs, n_topics), what it last inferred of its documents."""

    gamma: np.ndarray | None = None

    def do_estep(self, chunk: Any, state: Any = None) -> np.ndarray:
        self.gamma = super().do_estep(chunk, state)
        return self.gamma


class _PassMonitor(Metric):
    """What gensim measures on each pass. In batch learning it does so before it learns from what it inferred.

    So the first values are those of the start, and the last ones are missing: ask once more after training.
    """

    logger, title = None, "bound"

    def __init__(self, counts: csr_array, keep: Sequence[int]) -> None:
        self.counts, self.keep = counts, keep
        self.curve: list[float] = []
        self.bound: list[float] = []
        self.topics_at: dict[int, np.ndarray] = {}

    def get_value(self, *, model: _LdaModelWithGamma, **_: Any) -> float:
        """The bound in bits per token; besides, the paper's likelihood and, where it is to be kept, phi."""
        gamma, passes = model.gamma, len(self.bound)
        if gamma is None:
            raise RuntimeError("gensim reported a pass in which it inferred nothing")
        phi = model.get_topics()
        if passes in self.keep:
            self.topics_at[passes] = phi
        self.curve.append(log2_likelihood(self.counts, gamma / gamma.sum(axis=1, keepdims=True), phi))
        self.bound.append(elbo_per_token(self.counts, gamma, model.state.get_lambda(), model.alpha[0], model.eta))
        return self.bound[-1]


def elbo_per_token(
    counts: csr_array, gamma: np.ndarray, lambda_: np.ndarray, alpha: float, eta: float | np.ndarray
) -> float:
    """Evidence lower bound in bits per token: E_q[log p(words, z, theta, phi)] - E_q[log q], for the best q(z).

    gensim's own LdaModel.bound is wrong for an eta of n_topics x n_words: it adds to each topic the normaliser of all
    topics' priors taken together.

    counts: documents x words. gamma: (n_docs, n_topics) of q(theta). lambda_: (n_topics, n_words) of q(phi).
    alpha: of each topic in a document. eta: of each word in a topic, or (n_topics, n_words).
    """
    log_theta, log_phi = dirichlet_expectation(gamma), dirichlet_expectation(lambda_)
    words = 0.0
    doc_shift, word_shift = log_theta.max(axis=1, keepdims=True), log_phi.max(axis=0)
    theta, phi = np.exp(log_theta - doc_shift), np.exp(log_phi - word_shift).T
    for docs, columns, n in _chunks(counts):
        mixture = np.einsum("ek,ek->e", theta[docs], phi[columns])
        underflow = mixture < TINY
        logs = np.log(np.where(underflow, 1, mixture)) + doc_shift[docs, 0] + word_shift[columns]
        logs[underflow] = np.logaddexp.reduce(log_theta[docs[underflow]] + log_phi.T[columns[underflow]], axis=1)
        words += float(n @ logs)
    priors = (_minus_divergence(gamma, log_theta, alpha), _minus_divergence(lambda_, log_phi, eta))
    return (words + sum(priors)) / np.log(2) / counts.sum()


def _minus_divergence(parameters: np.ndarray, logs: np.ndarray, prior: float | np.ndarray) -> float:
    """E_q[log p - log q] of rows with a Dirichlet prior; logs: their expected logarithms."""
    prior = np.broadcast_to(prior, parameters.shape)
    rows = ((prior - parameters) * logs + gammaln(parameters) - gammaln(prior)).sum(axis=1)
    return float((rows + gammaln(prior.sum(axis=1)) - gammaln(parameters.sum(axis=1))).sum())


def dirichlet_expectation(parameters: np.ndarray) -> np.ndarray:
    """E[log p] under a Dirichlet distribution in each row."""
    return psi(parameters) - psi(parameters.sum(axis=1, keepdims=True))


def log2_likelihood(counts: csr_array, theta: np.ndarray, phi: np.ndarray) -> float:
    """Mean over the tokens of log2 sum_k theta_dk phi_kw, the paper's measure."""
    chunks = _chunks(counts)
    bits = sum(float(n @ np.log2(np.einsum("ek,ek->e", theta[docs], phi.T[words]))) for docs, words, n in chunks)
    return bits / counts.sum()


def _chunks(counts: csr_array) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The table's entries, CHUNK at a time: document, column, count of each."""
    docs = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    slices = [slice(first, first + CHUNK) for first in range(0, counts.nnz, CHUNK)]
    return [(docs[chunk], counts.indices[chunk], counts.data[chunk]) for chunk in slices]


def gensim_dictionary(vocabulary: Sequence[str]) -> Dictionary:
    """gensim's Dictionary with these words, numbered by their column; it knows no document frequencies.

    Raises ValueError for a word that comes twice.
    """
    dictionary = Dictionary()
    dictionary.id2token = dict(enumerate(vocabulary))
    dictionary.token2id = {word: column for column, word in dictionary.id2token.items()}
    if len(dictionary.token2id) != len(dictionary.id2token):
        twice = next(word for column, word in dictionary.id2token.items() if dictionary.token2id[word] != column)
        raise ValueError(f"the vocabulary holds {twice!r} twice; each column needs a word of its own")
    return dictionary


def gensim_corpus(counts: csr_array) -> list[list[tuple[int, int]]]:
    """Each document as gensim's list of (column, count). counts: documents x words."""
    return list(Sparse2Corpus(counts, documents_columns=False))
