"""The paper's three topic models by variational Bayes, which is what gensim trains. Notebook 03, step 5.

Beside the sampler of `gibbs.py`: it settles in fewer passes, and leaves nothing to the throw of a die but its start.
Each pass reads all documents and then changes the topics (batch learning), so passes compare with the sampler's
iterations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gensim.models import LdaModel
from gensim.models.callbacks import Metric
from gensim.utils import FakeDict
from scipy.sparse import csr_array

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.topics.gensim_input import gensim_corpus, gensim_dictionary, quiet_gensim
from pmt_helpers.topics.gibbs import Seed
from pmt_helpers.topics.given import checked_counts, checked_positive, checked_whole
from pmt_helpers.topics.personal import TopicModel, Topics, read_documents, widened
from pmt_helpers.topics.starts import STARTS, checked_start, prior_of
from pmt_helpers.topics.variational_bound import bound_bits, log2_likelihood

PASSES = 50


@dataclass(frozen=True, eq=False)
class VariationalModel(TopicModel):
    """A TopicModel that gensim trained; its phi and theta are the means of what gensim believes.

    bound: (passes,) bits a token, what training raises (`variational_bound`). lda: gensim's own model, to print topics
    with; like theta it tells of the documents, and stays at home.
    """

    bound: np.ndarray
    lda: LdaModel


def fit_variational(
    documents: DocumentData | Any,
    n_topics: int = 20,
    *,
    start: str = "random",
    shared: TopicModel | Topics | None = None,
    weight: float = 1.0,
    alpha: float = 2.5,
    beta: float = 0.1,
    passes: int = PASSES,
    seed: Seed = 0,
    keep: Sequence[int] = (),
) -> VariationalModel:
    """Train on all documents `passes` times. documents: DocumentData, or counts (documents x words).

    start: "random", the local (or the shared) model; "shared", the paper's personal one, which begins with the shared
    topics and then forgets them; "prior", which begins there and keeps them as prior counts, `weight` times as heavy as
    all own tokens. The documents' vocabulary must be the shared one, or begin with it. keep: passes after which phi is
    kept, 0 for the start. curve and bound have one value a pass, with theta as those topics infer it. The same seed
    gives the same bits. Raises ValueError for what does not fit together.
    """
    n_topics, passes = checked_whole("n_topics", n_topics, 1), checked_whole("passes", passes, 0)
    beyond = sorted(set(keep) - set(range(passes + 1)))
    if beyond:
        raise ValueError(f"keep asks for passes {beyond}, but there are only 0 to {passes}")
    checked_positive(alpha=alpha, beta=beta)
    if start in STARTS and (shared is None) != (start == "random"):
        wrong = "needs shared, the topics to start from" if shared is None else "takes no shared topics"
        raise ValueError(f'start="{start}" {wrong}')
    given, words = read_documents(documents)
    counts = checked_counts(given)
    topics = shared.topics if isinstance(shared, TopicModel) else shared
    phi = checked_start(start, None if topics is None else widened(topics, words), weight, counts, n_topics)
    eta = prior_of(start, phi, weight, beta, counts)
    words = words or (topics.vocabulary if topics else None)
    watch = _EachPass(counts, keep)
    model = _Watched(
        num_topics=n_topics, id2word=gensim_dictionary(words) if words else FakeDict(counts.shape[1]),
        alpha=float(alpha), eta=np.ascontiguousarray(eta.T) if start == "prior" else float(beta),
        chunksize=counts.shape[0], update_every=0, decay=0.0, eval_every=None, dtype=np.float64,
        random_state=int(np.random.default_rng(seed).integers(2**32)), callbacks=[watch],
    )  # fmt: skip
    if phi is not None:  # as if every own token had been seen, and been shared out as the shared topics say
        model.state.sstats[...] = phi * (counts.sum() / n_topics)
    model.sync_state()  # gensim's first pass would otherwise leave out eta
    corpus = gensim_corpus(counts)
    with quiet_gensim():
        model.update(corpus, passes=passes)  # once: gensim takes a second call for new documents
    model.gamma, _ = model.inference(corpus)
    watch.get_value(model=model)
    theta = model.gamma / model.gamma.sum(axis=1, keepdims=True)
    model.callbacks = model.gamma = None
    curve, bound = np.array(watch.curve[1:]), np.array(watch.bound[1:])
    return VariationalModel(
        Topics(model.get_topics(), words), float(alpha), float(beta), theta, curve, watch.topics_at, bound, model
    )


class _Watched(LdaModel):
    """gensim's model, which also remembers gamma: (n_docs, n_topics), what it last inferred of its documents."""

    gamma: np.ndarray | None = None

    def do_estep(self, chunk: Any, state: Any = None) -> np.ndarray:
        self.gamma = super().do_estep(chunk, state)
        return self.gamma


class _EachPass(Metric):
    """What gensim measures on each pass. In batch learning it does so before it learns from what it inferred.

    So the first values are those of the start, and the last ones are missing: ask once more after training.
    """

    logger, title = None, "bound"

    def __init__(self, counts: csr_array, keep: Sequence[int]) -> None:
        self.counts, self.keep = counts, keep
        self.curve: list[float] = []
        self.bound: list[float] = []
        self.topics_at: dict[int, np.ndarray] = {}

    def get_value(self, *, model: _Watched, **_: Any) -> float:
        """The bound in bits a token; besides, the paper's likelihood and, where it is to be kept, phi."""
        gamma, passes = model.gamma, len(self.bound)
        if gamma is None:
            raise RuntimeError("gensim reported a pass in which it inferred nothing")
        phi = model.get_topics()
        if passes in self.keep:
            self.topics_at[passes] = phi
        self.curve.append(log2_likelihood(self.counts, gamma / gamma.sum(axis=1, keepdims=True), phi))
        self.bound.append(bound_bits(self.counts, gamma, model.state.get_lambda(), model.alpha[0], model.eta))
        return self.bound[-1]
