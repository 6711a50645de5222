"""Vocabularies and counts as gensim wants them, and its log kept off the screen. Notebook 03, step 5."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gensim.corpora import Dictionary
from gensim.matutils import Sparse2Corpus
from scipy.sparse import csr_array


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


@contextmanager
def quiet_gensim() -> Iterator[None]:
    """No warning of gensim's LDA reaches the screen: it takes any training of under ten passes for a mistake."""
    logger = logging.getLogger("gensim.models.ldamodel")

    def errors_only(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    logger.addFilter(errors_only)
    try:
        yield
    finally:
        logger.removeFilter(errors_only)
