"""Evaluation of topics: held-out document completion, and coherence on reference documents. Notebook 03.

The likelihood of the training words rewards overfitting. So: documents that no model was trained on, their words split
at random into two halves. The first half says which topics the document has, with the topics themselves fixed; what
counts is the probability of the second half (Wallach et al. 2009).
"""

from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.topics.gibbs import token_words
from pmt_helpers.topics.gibbs_reference import BLOCK
from pmt_helpers.topics.personal import TopicModel, Topics
from pmt_helpers.topics.validation import check_counts, check_positive, check_topics, unknown_words

ITERATIONS = 50  # on NIPS ten times as many change the result by less than 1e-8 bits
COHERENCES = ("c_npmi", "c_uci", "u_mass")


def held_out_bits(
    phi: np.ndarray, counts: Any, alpha: float = 2.5, seed: int = 0,
    *, iterations: int = ITERATIONS, reference: bool = False,
) -> float:  # fmt: skip
    """Mean log2 probability of a held-out word: negative, and the higher the better.

    A document's theta comes from its first half by the fixed point theta_k ~ alpha + sum over tokens of
    p(k | token, theta): it needs no draws, so two models differ by their topics alone, and it converges fast.

    Parameters
    ----------
    phi: (n_topics, n_words). counts: (n_docs, n_words), held-out documents.
    seed: of the split into halves, so models compared under one seed see the same halves.
    reference: in plain NumPy, slower.

    Raises ValueError for invalid topics or counts, or words that have no probability in any topic.
    """
    phi, counts = _check_inputs(phi, counts, alpha, iterations)
    seen, unseen = split_tokens(counts, seed)
    if reference:
        return complete_reference(phi, seen, unseen, alpha, iterations) / int(unseen.sum())
    from pmt_helpers.topics.evaluation_kernel import compiled_loop

    width = -(-len(phi) // BLOCK) * BLOCK
    by_word = np.zeros((phi.shape[1], width))
    by_word[:, : len(phi)] = phi.T
    halves = [(m.indices.astype(np.uint32), m.data.astype(float), m.indptr.astype(np.int64)) for m in (seen, unseen)]
    bits = compiled_loop()(*halves, by_word.reshape(-1), width, len(phi), float(alpha), iterations)
    return bits / int(unseen.sum())


def infer_theta(phi: np.ndarray, counts: Any, alpha: float = 2.5, *, iterations: int = ITERATIONS) -> np.ndarray:
    """(n_docs, n_topics): the topics of documents that the model was not trained on, the topics themselves fixed.

    The fixed point of `held_out_bits`, over all words of a document; no draws. A document without words has every topic
    alike. Raises ValueError as `held_out_bits` does.
    """
    phi, counts = _check_inputs(phi, counts, alpha, iterations)
    documents = [slice(*ends) for ends in pairwise(counts.indptr)]
    return np.array([_theta(phi[:, counts.indices[d]], counts.data[d], alpha, iterations) for d in documents])


def split_tokens(counts: Any, seed: int = 0) -> tuple[csr_array, csr_array]:
    """Each document's tokens in two random halves; the second gets the odd one, so every document is scored."""
    counts = check_counts(counts)
    lengths = counts.sum(axis=1)
    docs, words = np.repeat(np.arange(len(lengths)), lengths), token_words(counts).astype(np.int64)
    shuffled = words[np.lexsort((np.random.default_rng(seed).random(len(docs)), docs))]  # within each document
    position = np.arange(len(docs)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    first = position < np.repeat(lengths // 2, lengths)
    first_half, second_half = (
        csr_array((np.ones(rows.sum(), np.int64), (docs[rows], shuffled[rows])), shape=counts.shape)
        for rows in (first, ~first)
    )
    return first_half, second_half


def complete_reference(phi: np.ndarray, seen: csr_array, unseen: csr_array, alpha: float, iterations: int) -> float:
    """What `evaluation_kernel.complete` computes, written plainly: the sum of log2 probabilities."""
    bits = 0.0
    for d in range(seen.shape[0]):
        theta = _theta(phi[:, seen[[d]].indices], seen[[d]].data, alpha, iterations)
        bits += float(unseen[[d]].data @ np.log2(theta @ phi[:, unseen[[d]].indices]))
    return bits


def _theta(phi: np.ndarray, counts: np.ndarray, alpha: float, iterations: int) -> np.ndarray:
    """theta of one document. phi: (n_topics, n_entries), of its words only; counts: (n_entries,)."""
    theta = np.full(len(phi), 1 / len(phi))
    for _ in range(iterations):
        theta = alpha + theta * (phi @ (counts / (theta @ phi)))
        theta /= theta.sum()
    return theta


def _check_inputs(phi: np.ndarray, counts: Any, alpha: float, iterations: int) -> tuple[np.ndarray, csr_array]:
    phi = check_topics(phi)
    counts = check_counts(counts, phi.shape[1])
    check_positive(alpha=alpha, iterations=iterations)
    impossible = unknown_words(phi, counts)
    if len(impossible):
        raise ValueError(
            f"{len(impossible)} words of these documents, the first in column {impossible[0]}, have no probability in "
            "any topic. Smooth the topics, or leave these words out"
        )
    return phi, counts


def topic_coherence(
    topics: TopicModel | Topics | np.ndarray, reference_documents: DocumentData | Any, top: int = 10,
    measure: str = "c_npmi",
) -> np.ndarray:  # fmt: skip
    """(n_topics,) coherence of each topic's `top` words in the reference documents: the higher, the better.

    Parameters
    ----------
    topics: phi (n_topics, n_words), or with its words. reference_documents: DocumentData, or counts (documents x
        words). Where both know their words, they are matched by name; otherwise column by column.
    top: which words these are, see `compared_words`.
    measure: a mean over the pairs of words, in natural logarithms: "c_npmi", normalised pointwise mutual information
        log(p12 / (p1 p2)) / -log(p12), 1 for words only ever seen together, 0 for independent ones, -0.5 to -0.9 (not
        -1, since gensim adds 1e-12 to p12) for two that never meet; "c_uci", the same before dividing; "u_mass",
        log(p12 / p1), word 1 the likelier in the topic.

    Raises ValueError for another measure, and as `compared_words` does.
    """
    if measure not in COHERENCES:
        raise ValueError(f"unknown measure {measure!r}; choose one of {', '.join(COHERENCES)}")
    from gensim.models import CoherenceModel  # here: gensim takes a while to load

    from pmt_helpers.topics.variational import gensim_corpus, gensim_dictionary

    counts, column_of_word, _ = _match_words(topics, reference_documents)
    columns = column_of_word[compared_words(topics, reference_documents, top)]
    used, compared = np.unique(columns, return_inverse=True)
    corpus = gensim_corpus(counts[:, used])  # a document with none of these words still counts as one without them
    names = [str(column) for column in range(len(used))]
    options: dict[str, Any] = {"corpus": corpus}
    if measure != "u_mass":
        texts = [[names[column] for column, _ in document] for document in corpus]
        options = {"texts": texts, "window_size": len(names)}
    model = CoherenceModel(
        topics=[[names[column] for column in topic] for topic in compared.reshape(columns.shape)],
        dictionary=gensim_dictionary(names), coherence=measure, topn=columns.shape[1], processes=1, **options,
    )  # fmt: skip
    return np.array(model.get_coherence_per_topic(), dtype=np.float64)


def compared_words(
    topics: TopicModel | Topics | np.ndarray, reference_documents: DocumentData | Any, top: int = 10
) -> np.ndarray:
    """(n_topics, top) columns of phi: each topic's likeliest words of those that the reference can judge.

    It cannot judge a word that none of its documents holds, or all of them: the next likely takes that word's place, so
    that every topic is judged by equally many pairs. Fewer than `top` columns when it can judge no more words at all.
    Raises ValueError when it can judge fewer than two, and for topics and documents without a common vocabulary.
    """
    if top < 2:
        raise ValueError(f"top must be 2 or more, for words to make pairs; got {top}")
    counts, column_of_word, phi = _match_words(topics, reference_documents)
    n_docs_with = np.bincount(counts.indices, minlength=counts.shape[1])[column_of_word]
    judged = np.flatnonzero((column_of_word >= 0) & (n_docs_with > 0) & (n_docs_with < counts.shape[0]))
    if len(judged) < 2:
        raise ValueError(
            f"only {len(judged)} of the topics' {phi.shape[1]:,} words occur in some of the {counts.shape[0]:,} "
            "reference documents, and not in all. Take more documents, or some of the same language and subject"
        )
    return judged[np.argsort(-phi[:, judged], axis=1, kind="stable")[:, :top]]


def _match_words(
    topics: TopicModel | Topics | np.ndarray, reference: DocumentData | Any
) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """The reference's counts, its column for each word of the topics (-1: it has no such word), and phi."""
    phi, words = (topics.phi, topics.vocabulary) if isinstance(topics, TopicModel | Topics) else (topics, None)
    phi = check_topics(phi)
    if words is None or not isinstance(reference, DocumentData):
        counts = reference.counts if isinstance(reference, DocumentData) else reference
        return check_counts(counts, phi.shape[1]), np.arange(phi.shape[1]), phi
    column_of = {word: column for column, word in enumerate(reference.vocabulary)}
    return check_counts(reference.counts), np.array([column_of.get(word, -1) for word in words]), phi
