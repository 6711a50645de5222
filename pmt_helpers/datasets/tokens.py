"""From text to words, in one way for every text: Wikipedia, news and a person's own. Notebook 03.

Lower case, letters only; addresses, endings such as 's, stop words (gensim's), and words of fewer than 3 or more than
20 letters go.
"""

import itertools
import re
import unicodedata
from collections.abc import Sequence

SHORTEST, LONGEST = 3, 20  # letters of a word
CHUNK = 200  # tokens of a document cut from a longer text
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+|\bwww\.\S+|\S+@\S+\.\S+")
_ENDING = re.compile(r"n['’]t\b|['’](?:s|d|m|ll|re|ve)\b")  # without it, "it's" leaves an s and "isn't" an isn


def tokenise(text: str) -> list[str]:
    """The words of a text, in order."""
    from gensim.parsing.preprocessing import STOPWORDS  # here, not above: a second that only reading text needs
    from gensim.utils import simple_preprocess

    plain = unicodedata.normalize("NFKC", text.replace("\u00ad", ""))  # a PDF writes "ﬁ" and soft hyphens
    plain = _ENDING.sub(" ", _ADDRESS.sub(" ", plain.lower()))
    return [word for word in simple_preprocess(plain, min_len=SHORTEST, max_len=LONGEST) if word not in STOPWORDS]


def cut(tokens: Sequence[str], size: int = CHUNK) -> list[list[str]]:
    """Pieces of about size tokens, as equal as can be; a short text stays one piece."""
    n_pieces = max(1, round(len(tokens) / size))
    edges = [len(tokens) * piece // n_pieces for piece in range(n_pieces + 1)]
    return [list(tokens[start:end]) for start, end in itertools.pairwise(edges)]
