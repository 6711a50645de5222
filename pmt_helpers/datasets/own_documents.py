"""Your own documents as a private corpus: a folder of texts becomes what load_documents returns. Notebooks 03 and 04.

Nothing is written and nothing leaves this machine.
"""

import codecs
import ctypes
import io
import itertools
import logging
import os
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.cards import DataCard, Statement
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import MB, open_plain, printable
from pmt_helpers.datasets.logs import quiet
from pmt_helpers.datasets.measures import Measure
from pmt_helpers.datasets.text import UNSPACED, count_documents, named_chunks, words_of

NAME = "own"
SUFFIXES = (".txt", ".md", ".pdf")
PDF_SECONDS, PDF_PAGES = 30, 5000  # of a file: a PDF of a few kilobytes may have any number of pages
MOST_LETTERS, MOST_WORDS = 20_000_000, 5_000_000  # of a file
UNSPACED_SHARE, UNSPACED_NOTED = 0.5, 0.01  # of a text, above which it is left out, or the loss is noted
_NO_SPACES = "a script without spaces between words (such as Chinese, Japanese, Thai or Khmer)"
_REASONS_SHOWN = 3  # in an error
# "exam-" at the end of a line or page, "ple" on the next, with any kind of hyphen; not "pre-" before "and post-".
_BROKEN_WORD = re.compile(
    r"([^\W\d_])([-\xad\u2010\u2011])[ \t]*[\r\n\v\f\x85\u2028\u2029]\s{0,200}(?!(?:and|or|und|oder|et|ou)\b)([^\W\d_])"
)


class UnreadableError(Exception):
    """A file that cannot be used; the message is the reason, one phrase for its owner."""


def read_own_file(path: Path, largest_mb: float) -> str:
    """The text of a file. Raises UnreadableError for one that is empty, larger than largest_mb, damaged or locked."""
    if path.suffix.lower() not in SUFFIXES:
        raise UnreadableError(f"only {', '.join(SUFFIXES)} files are read")
    try:
        size = path.stat().st_size
        if size > largest_mb * MB:
            raise UnreadableError(f"{size / MB:.1f} MB, more than largest_mb = {largest_mb:g}")
        with open_plain(path, largest_mb) as file:
            raw = file.read()
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error
    if not raw:
        raise UnreadableError("an empty file")
    text = _pdf_text(raw) if path.suffix.lower() == ".pdf" else _plain_text(raw)
    if len(text) > MOST_LETTERS:
        raise UnreadableError(f"{len(text):,} letters; at most {MOST_LETTERS:,} are read")
    return _BROKEN_WORD.sub(_joined, text)


def _joined(broken: re.Match[str]) -> str:
    """One word, unless a capital after a small letter says that the hyphen is the word's own (Anglo-Saxon)."""
    before, hyphen, after = broken.groups()
    own = after.isupper() and before.islower() and hyphen != "\xad"
    return f"{before}-{after}" if own else before + after


def _plain_text(raw: bytes) -> str:
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # what Windows calls "Unicode"
    try:
        text = raw.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"no UTF-8 text (byte {error.start:,}); save it in that encoding") from error
    if "\0" in text:
        raise UnreadableError("no text: it holds null bytes")
    return text


def _pdf_text(raw: bytes) -> str:
    with quiet("pypdf", logging.CRITICAL + 1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pypdf logs and warns about every oddity; what matters becomes a reason
        from pypdf import PdfReader  # here, not above: only a PDF needs it

        try:
            with _time_limit(PDF_SECONDS):
                reader = PdfReader(io.BytesIO(raw))
                if reader.is_encrypted and not reader.decrypt(""):  # many are locked with an empty password
                    raise UnreadableError("a PDF that needs a password")
                if len(reader.pages) > PDF_PAGES:
                    raise UnreadableError(f"{len(reader.pages):,} pages; at most {PDF_PAGES:,} are read: split it")
                pages, n_letters = [], 0
                for page in reader.pages:
                    pages.append(page.extract_text())
                    n_letters += len(pages[-1])
                    if n_letters > MOST_LETTERS:
                        raise UnreadableError(f"more than {MOST_LETTERS:,} letters: split it")
        except UnreadableError:
            raise
        except _TooSlow:
            raise UnreadableError(f"a PDF that takes more than {PDF_SECONDS} s to read: split it") from None
        except Exception as error:  # inside a damaged PDF anything can go wrong, and does
            if "cryptography" in str(error):
                raise UnreadableError("an encrypted PDF; print it into a new PDF, which has no lock") from error
            raise UnreadableError(f"a damaged PDF ({type(error).__name__})") from error
    text = "\n".join(pages)
    if not text.strip():
        raise UnreadableError("a PDF without text; are its pages pictures?")
    return text


class _TooSlow(BaseException):
    """Not an Exception: pypdf catches those."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises _TooSlow in this thread when the block takes longer; on every system, in every thread."""
    thread, ended, raise_in = (
        ctypes.c_ulong(threading.get_ident()),
        threading.Event(),
        ctypes.pythonapi.PyThreadState_SetAsyncExc,
    )

    def watch() -> None:
        left = seconds
        while not ended.wait(left):
            raise_in(thread, ctypes.py_object(_TooSlow))
            left = 1.0  # again, where something caught it

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with suppress(_TooSlow):
            ended.set()
            watcher.join()
        raise_in(thread, None)  # one that is on its way


def load_own_documents(
    folder: str | Path, vocabulary: Sequence[str] | None = None,
    *, grow: bool = False, min_documents: int = 1, max_share: float = 1.0, largest_mb: float = 20.0,
) -> DocumentData:  # fmt: skip
    """The .txt, .md and .pdf files of a folder, cut into documents of about 200 words; the files are the groups.

    Files that hold the same words share a group. What cannot be used is in `.skipped` with its reason: files of another
    kind, empty, damaged, locked, without text, too long to read in time, or in a script without spaces between words;
    documents without a word of the vocabulary; and subfolders and links to files elsewhere, which are never followed.
    Hidden files (.name) and Office's lock files (~$name) are ignored.

    Parameters
    ----------
    vocabulary, grow, min_documents, max_share: as in keep_words.
    largest_mb: larger files are skipped, too.

    Raises DataError when no document is left.
    """
    path = Path(folder).expanduser()
    try:
        files = [file for file in sorted(path.iterdir()) if not file.name.startswith((".", "~$"))]
    except OSError as error:
        found = error.strerror or str(error)
        remedy = f"Make a folder, put some {', '.join(SUFFIXES)} files into it, and name it here."
        raise DataError(file=path, expected="a folder with your texts", found=found, remedy=remedy) from error
    skipped: list[tuple[str, str]] = []
    documents = _read_files(files, largest_mb, skipped)
    counted = count_documents(
        [tokens for _, _, tokens in documents], vocabulary, grow=grow, min_documents=min_documents, max_share=max_share
    )
    has_words = np.asarray(counted.counts.sum(axis=1)) > 0
    skipped += [(documents[i][0], "no word of the vocabulary in it") for i in np.flatnonzero(~has_words)]
    if not has_words.any():
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped[:_REASONS_SHOWN])
        more = f"; and {len(skipped) - _REASONS_SHOWN} more" if len(skipped) > _REASONS_SHOWN else ""
        found, remedy = f"none ({reasons}{more})", "Put plain texts, notes or PDFs with text into it."
        if documents:
            found, remedy = f"{len(documents)} documents without any", "Pass grow=True, or keep rarer words."
        expected = f"{', '.join(SUFFIXES)} files with words that count"
        raise DataError(file=path, expected=expected, found=found if files else "an empty folder", remedy=remedy)
    names, groups = (np.array([row[part] for row in documents])[has_words] for part in (0, 1))
    counts = counted.counts[has_words]
    return DocumentData(
        counts=counts, vocabulary=counted.vocabulary, groups=groups, names=names, dropped=counted.dropped[has_words],
        card=_card(counts, groups, skipped), source=f"your folder {path}", skipped=tuple(skipped),
    )  # fmt: skip


def _read_files(
    files: Sequence[Path], largest_mb: float, skipped: list[tuple[str, str]]
) -> list[tuple[str, str, list[str]]]:
    """(name, group, tokens) of each document, file after file; adds to skipped what is left out."""
    from tqdm.auto import tqdm

    documents, first, known = [], dict[tuple[str, ...], str](), dict[str, str]()
    for file in tqdm(files, desc="Reading your files", unit=" files", leave=False):
        name = printable(file.name)
        try:
            if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(file.parent)):
                raise UnreadableError("a link to what lies outside this folder, and only the folder is read")
            if file.is_dir():
                raise UnreadableError("a folder; only files beside it are read")
            text = read_own_file(file, largest_mb)
            unspaced = sum(map(len, UNSPACED.findall(text))) / (len(text) - sum(map(str.isspace, text)) or 1)
            if unspaced > UNSPACED_SHARE:
                raise UnreadableError(f"{_NO_SPACES}; it cannot be split into words here")
            # Each word is kept once, not once for each time it is said.
            tokens = [known.setdefault(word, word) for word in itertools.islice(words_of(text), MOST_WORDS + 1)]
            if not tokens:
                raise UnreadableError("no words in it")
            if len(tokens) > MOST_WORDS:
                raise UnreadableError(f"more than {MOST_WORDS:,} words: split it")
        except (UnreadableError, OSError) as error:
            skipped.append((name, str(error)))
            continue
        if unspaced > UNSPACED_NOTED:
            skipped.append((name, f"{unspaced:.0%} of it, which is in {_NO_SPACES}; the rest is read"))
        group = first.setdefault(tuple(tokens), name)
        documents += [(part_name, group, part) for part_name, part in named_chunks(name, tokens)]
    return documents


def _card(counts: Any, groups: np.ndarray, skipped: list[tuple[str, str]]) -> DataCard:
    """A card as every dataset has one; it names no file, so that it can be shown."""
    text = "{documents:,} documents from {texts:,} different texts; {words:,} words, {tokens:,} tokens."
    left_out = "{left_out:,} files or parts of files could not be used; .skipped says why."
    return DataCard(
        name=NAME, title="Your own documents", task="Which topics your own texts hold", who="You",
        licence="Yours. They stay on this machine.", url="", citations=(),
        facts=(Statement("size", text, MappingProxyType(size(counts, groups))),),
        defects=(Statement("skipped", left_out, MappingProxyType({"left_out": len(skipped)})),),
        details=MappingProxyType({"document": "About 200 words of a file; a shorter file is one document"}),
    )  # fmt: skip


def size(counts: Any, groups: np.ndarray) -> dict[str, Any]:
    n_docs, n_words = counts.shape
    return {"documents": n_docs, "texts": len(np.unique(groups)), "words": n_words, "tokens": int(counts.sum())}


STATEMENTS: dict[str, Measure] = {
    "size": lambda data: size(data.counts, data.groups),
    "skipped": lambda data: {"left_out": len(data.skipped)},
}
