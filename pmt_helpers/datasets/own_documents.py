"""Your own documents as a private corpus: a folder of texts becomes what load_documents returns. Notebooks 03 and 04.

Nothing is written and nothing leaves this machine.
"""

import codecs
import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.datasets.cards import DataCard, Statement
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.logs import quiet
from pmt_helpers.datasets.measures import Measure
from pmt_helpers.datasets.text import count_documents, named_chunks, tokenise

NAME = "own"
SUFFIXES = (".txt", ".md", ".pdf")
MB = 1e6
_REASONS_SHOWN = 3  # in an error
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")  # "exam-" at a line's end, "ple" on the next


class UnreadableError(Exception):
    """A file that cannot be used; the message is the reason, one phrase for its owner."""


def read_own_file(path: Path, largest_mb: float) -> str:
    """The text of a file. Raises UnreadableError for one that is empty, larger than largest_mb, damaged or locked."""
    if path.suffix.lower() not in SUFFIXES:
        raise UnreadableError(f"only {', '.join(SUFFIXES)} files are read")
    try:
        size = path.stat().st_size
        if size == 0:
            raise UnreadableError("an empty file")
        if size > largest_mb * MB:
            raise UnreadableError(f"{size / MB:.1f} MB, more than largest_mb = {largest_mb:g}")
        return _pdf_text(path) if path.suffix.lower() == ".pdf" else _plain_text(path)
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error


def _plain_text(path: Path) -> str:
    raw = path.read_bytes()
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # what Windows calls "Unicode"
    try:
        text = raw.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"no UTF-8 text (byte {error.start:,}); save it in that encoding") from error
    if "\0" in text:
        raise UnreadableError("no text: it holds null bytes")
    return text


def _pdf_text(path: Path) -> str:
    with quiet("pypdf", logging.CRITICAL + 1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pypdf logs and warns about every oddity; what matters becomes a reason
        from pypdf import PdfReader  # here, not above: only a PDF needs it

        try:
            with path.open("rb") as file:
                reader = PdfReader(file)
                if reader.is_encrypted and not reader.decrypt(""):  # many are locked with an empty password
                    raise UnreadableError("a PDF that needs a password")
                pages = [page.extract_text() for page in reader.pages]
        except (UnreadableError, OSError):
            raise
        except Exception as error:  # inside a damaged PDF anything can go wrong, and does
            what = "an encrypted PDF" if "cryptography" in str(error) else "a damaged PDF"
            raise UnreadableError(f"{what} ({type(error).__name__})") from error
    text = "\n".join(pages)
    if not text.strip():
        raise UnreadableError("a PDF without text; are its pages pictures?")
    return _BROKEN_WORD.sub("", text)


def load_own_documents(
    folder: str | Path, vocabulary: Sequence[str] | None = None,
    *, grow: bool = False, min_documents: int = 1, max_share: float = 1.0, largest_mb: float = 20.0,
) -> DocumentData:  # fmt: skip
    """The .txt, .md and .pdf files of a folder, cut into documents of about 200 words; the files are the groups.

    Files that hold the same words share a group. What cannot be used is in `.skipped` with its reason: files of another
    kind, empty, damaged, locked or without text, documents without a word of the vocabulary, and subfolders, which are
    never entered. Hidden files (.name) and Office's lock files (~$name) are ignored.

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

    documents, first = [], dict[tuple[str, ...], str]()
    for file in tqdm(files, desc="Reading your files", unit=" files", leave=False):
        if file.is_dir():
            skipped.append((file.name, "a folder; only files beside it are read"))
            continue
        try:
            tokens = tokenise(read_own_file(file, largest_mb))
            if not tokens:
                raise UnreadableError("no words in it")
        except UnreadableError as error:
            skipped.append((file.name, str(error)))
            continue
        group = first.setdefault(tuple(tokens), file.name)
        documents += [(name, group, part) for name, part in named_chunks(file.name, tokens)]
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
