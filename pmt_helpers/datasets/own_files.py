"""The text of one of your own files: .txt, .md or .pdf. Notebook 03.

Each thing that can be wrong with a file is an UnreadableError with its reason, so that the others can still be used.
"""

import codecs
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUFFIXES = (".txt", ".md", ".pdf")
MB = 1e6
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
    with _quiet():
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence pypdf: it logs and warns about every oddity of a file, and what matters becomes a reason."""
    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
