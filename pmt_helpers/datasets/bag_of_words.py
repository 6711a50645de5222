"""Reading UCI's bag of words: docword.NAME.txt (which words in which document), vocab.NAME.txt (the words).

docword: three lines with the numbers of documents, words and entries, then one entry per line: document, word, count,
numbered from 1. Strict: whatever contradicts that is an error with its line, never a guess.
"""

import gzip
import io
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import open_plain, read_unpacked

_COLUMNS = ("document", "word", "count")
_HEADER = 3  # lines before the entries
LARGEST_MB = 64  # unpacked; NIPS has 8
MOST = 5_000_000  # words or entries; NIPS has 746,316 entries
_LONG_LINE = re.compile(rb"[^\r\n]{201}")
Wrong = Callable[..., DataError]  # the error, less what was expected and found


def read_docword(path: Path, remedy: str) -> csr_array:
    """(n_docs, n_words) int32 from a docword file, gzipped or plain. Raises DataError with the remedy given."""
    wrong = partial(DataError, file=path, remedy=remedy)
    # np.loadtxt crashes Python itself on some characters beyond ASCII.
    stream = io.StringIO(_text(path, wrong, "ascii"), newline=None)
    sizes = [stream.readline() for _ in range(_HEADER)]
    if not all(line.strip(" \t\r\n").isdigit() and line.isascii() and len(line) < 18 for line in sizes):
        start = "".join(sizes)[:40]
        found = f"a file that begins {start!r}" if start else "an empty file"
        raise wrong(expected="three lines with the numbers of documents, words and entries", found=found)
    n_docs, n_words, n_entries = map(int, sizes)
    if max(n_words, n_entries) > MOST:  # memory is set aside for what the header says
        found = f"{n_words:,} words and {n_entries:,} entries"
        raise wrong(expected=f"at most {MOST:,} words and entries", found=found)
    rows = _entries(stream, n_entries, wrong)
    more = sum(not line.isspace() for line in stream)  # left unread
    _check_entries(rows, more, n_docs, n_words, n_entries, wrong)
    documents, words, counts = rows.T
    where = (documents - 1, words - 1)
    return csr_array((counts.astype(np.int32), where), shape=(n_docs, n_words))


def read_vocabulary(path: Path, n_words: int, remedy: str) -> tuple[str, ...]:
    """The words, one per line. Raises DataError unless there are n_words of them, all different."""
    wrong = partial(DataError, file=path, remedy=remedy)
    words = _text(path, wrong, "utf-8").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    words = words[:-1] if words[-1] == "" else words
    if "" in words:
        found = f"an empty line, number {words.index('') + 1:,} of {len(words):,}"
        raise wrong(expected="a word on every line", found=found)
    if len(words) != n_words:
        raise wrong(expected=f"{n_words:,} words, as the docword file beside it says", found=f"{len(words):,}")
    if len(set(words)) != n_words:
        raise wrong(expected="every word once", found=f"{Counter(words).most_common(1)[0][0]!r} more than once")
    return tuple(words)


def _entries(stream: io.TextIOBase, n_entries: int, wrong: Wrong) -> np.ndarray:
    """(n, 3) int64, the lines left in stream, at most one more than there should be.

    np.loadtxt takes nothing but whole numbers, as many on each line.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "loadtxt: input contained no data")  # _check_entries says how many
            warnings.filterwarnings("ignore", r"Input line \d+ contained no data")  # nor are empty lines counted
            rows = np.loadtxt(stream, dtype=np.int64, comments=None, ndmin=2, max_rows=n_entries + 1)
    except ValueError as error:
        found = f"{error} (rows counted from 0, after the first three lines)"
        raise wrong(expected="document, word and count on every line, as whole numbers", found=found) from error
    if rows.size == 0:
        return np.zeros((0, len(_COLUMNS)), dtype=np.int64)
    if rows.shape[1] != len(_COLUMNS):
        found = f"{rows.shape[1]} numbers on every line"
        raise wrong(expected="document, word and count on every line", found=found)
    return rows


def _check_entries(rows: np.ndarray, more: int, n_docs: int, n_words: int, n_entries: int, wrong: Wrong) -> None:
    if len(rows) + more != n_entries:
        found = f"{len(rows) + more:,}; the file was cut short or edited"
        raise wrong(expected=f"{n_entries:,} entries, as the third line says", found=found)
    for column, (what, highest) in enumerate(zip(_COLUMNS, (n_docs, n_words, np.iinfo(np.int32).max), strict=True)):
        outside = (rows[:, column] < 1) | (rows[:, column] > highest)
        if outside.any():
            line = int(np.argmax(outside))
            found = f"{what} {rows[line, column]} on line {line + 1 + _HEADER:,}"
            raise wrong(expected=f"a {what} from 1 to {highest:,}", found=found)
    pairs = rows[np.lexsort((rows[:, 1], rows[:, 0])), :2]
    twice = pairs[1:][(np.diff(pairs, axis=0) == 0).all(axis=1)]
    if len(twice):
        document, word = twice[0]
        found = f"document {document} with word {word} more than once"
        raise wrong(expected="one entry for each word of a document", found=found)
    present = np.unique(rows[:, 0])
    if len(present) < n_docs:
        missing = int(np.argmax(np.append(present, 0) != np.arange(1, len(present) + 2))) + 1
        raise wrong(expected="words in every document", found=f"an empty document, number {missing:,} of {n_docs:,}")


def _text(path: Path, wrong: Wrong, encoding: str) -> str:
    """The file as text, unpacked if it is gzipped, whatever its name ends in: browsers unpack on their own."""
    try:
        with open_plain(path, LARGEST_MB) as file:
            start = file.read(40)
            if start.lstrip().startswith(b"<"):
                found = f"a web page saved under this name, beginning {start.decode('latin-1')!r}"
                raise wrong(expected="a bag of words", found=found)
            file.seek(0)
            packed = start.startswith(b"\x1f\x8b")
            raw = read_unpacked(gzip.GzipFile(fileobj=file) if packed else file, LARGEST_MB)  # type: ignore[arg-type]
        if _LONG_LINE.search(raw):
            raise wrong(expected="a few numbers or a word on each line", found="a line of more than 200 letters")
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"bytes that are not text ({error.reason})"
        raise wrong(expected=f"plain text in {encoding.upper()}", found=found) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise wrong(expected="a whole gzip file", found=f"a damaged or truncated one ({error})") from error
    except OSError as error:
        raise wrong(expected="a readable file", found=error.strerror or str(error)) from error
