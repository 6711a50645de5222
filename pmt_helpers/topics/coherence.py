"""Do a topic's likeliest words keep company elsewhere, too? Coherence by gensim's pipeline. Notebook 03, step 5.

Our documents are bags of words, so two words keep company when one document holds both, wherever: each document is one
window (Röder et al. 2015 call it the boolean document).
"""

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.topics.given import checked_counts, checked_topics
from pmt_helpers.topics.personal import TopicModel, Topics

MEASURES = ("c_npmi", "c_uci", "u_mass")


def coherence(
    topics: TopicModel | Topics | np.ndarray,
    reference_documents: DocumentData | Any,
    top: int = 10,
    measure: str = "c_npmi",
) -> np.ndarray:
    """(n_topics,) coherence of each topic's `top` words in the reference documents: the higher, the better.

    topics: phi (n_topics, n_words), or with its words. reference_documents: DocumentData, or counts (documents x
    words). Where both know their words, they are matched by name; otherwise column by column. Which words: see
    `compared_words`. A mean over the pairs of words of, in natural logarithms,
    "c_npmi": log(p12 / (p1 p2)) / -log(p12), normalised pointwise mutual information: 1 for words only ever seen
    together, 0 for independent ones; two that never meet get -0.5 to -0.9, not -1, since gensim adds 1e-12 to p12.
    "c_uci": the same before dividing. "u_mass": log(p12 / p1), word 1 the likelier in the topic.
    Raises ValueError for another measure, and as `compared_words` does.
    """
    if measure not in MEASURES:
        raise ValueError(f"unknown measure {measure!r}; choose one of {', '.join(MEASURES)}")
    from gensim.models import CoherenceModel  # here: gensim takes a while to load

    from pmt_helpers.topics.gensim_input import gensim_corpus, gensim_dictionary

    counts, theirs, _ = _matched(topics, reference_documents)
    columns = theirs[compared_words(topics, reference_documents, top)]
    used, compared = np.unique(columns, return_inverse=True)
    seen = gensim_corpus(counts[:, used])  # a document with none of these words still counts as one without them
    names = [str(column) for column in range(len(used))]
    given: dict[str, Any] = {"corpus": seen}
    if measure != "u_mass":
        given = {"texts": [[names[column] for column, _ in document] for document in seen], "window_size": len(names)}
    found = CoherenceModel(
        topics=[[names[column] for column in topic] for topic in compared.reshape(columns.shape)],
        dictionary=gensim_dictionary(names), coherence=measure, topn=columns.shape[1], processes=1, **given,
    )  # fmt: skip
    return np.array(found.get_coherence_per_topic(), dtype=np.float64)


topic_coherence = coherence  # under this name in the package, where `coherence` is this module


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
    counts, theirs, phi = _matched(topics, reference_documents)
    held_by = np.bincount(counts.indices, minlength=counts.shape[1])
    judged = np.flatnonzero((theirs >= 0) & (held_by[theirs] > 0) & (held_by[theirs] < counts.shape[0]))
    if len(judged) < 2:
        raise ValueError(
            f"only {len(judged)} of the topics' {phi.shape[1]:,} words occur in some of the {counts.shape[0]:,} "
            "reference documents, and not in all; take more documents, or some of the same language and subject"
        )
    return judged[np.argsort(-phi[:, judged], axis=1, kind="stable")[:, :top]]


def _matched(
    topics: TopicModel | Topics | np.ndarray, reference: DocumentData | Any
) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """The reference's counts, its column for each word of the topics (-1 for none), and phi."""
    phi, words = (topics.phi, topics.vocabulary) if isinstance(topics, TopicModel | Topics) else (topics, None)
    phi = checked_topics(phi)
    if words is None or not isinstance(reference, DocumentData):
        given = reference.counts if isinstance(reference, DocumentData) else reference
        return checked_counts(given, phi.shape[1]), np.arange(phi.shape[1]), phi
    column_of = {word: column for column, word in enumerate(reference.vocabulary)}
    return checked_counts(reference.counts), np.array([column_of.get(word, -1) for word in words]), phi
