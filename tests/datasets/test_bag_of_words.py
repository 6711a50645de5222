"""UCI's bag of words reads back as it was written, and no damage goes unnoticed."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pmt_helpers.datasets import DataError
from pmt_helpers.datasets.bag_of_words import read_docword, read_vocabulary

ENTRIES = ["1 1 2", "1 3 1", "2 2 5", "3 1 1", "3 2 1", "3 4 7"]
COUNTS = [[2, 0, 1, 0], [0, 5, 0, 0], [1, 1, 0, 7]]
TABLES = arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 3)).filter(
    lambda table: table.any(axis=1).all()
)
FIXTURES_ARE_FOLDERS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def docword(entries: list[str] | None = None, sizes: str = "3 4 6", end: str = "\n") -> str:
    return end.join([*sizes.split(), *(ENTRIES if entries is None else entries)]) + end


def write(path: Path, text: str, packed: bool = True) -> Path:
    content = text.encode("utf-8", "surrogateescape")
    path.write_bytes(gzip.compress(content, compresslevel=1) if packed else content)
    return path


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_table_holds_what_the_file_says(tmp_path: Path, packed: bool, end: str) -> None:
    counts = read_docword(write(tmp_path / "docword.txt.gz", docword(end=end), packed), "")
    assert counts.toarray().tolist() == COUNTS
    assert counts.dtype == np.int32


@given(table=TABLES, random=st.randoms(use_true_random=False), packed=st.booleans())
@FIXTURES_ARE_FOLDERS
def test_every_table_reads_back_in_any_order(tmp_path: Path, table: np.ndarray, random: object, packed: bool) -> None:
    entries = [f"{d + 1} {w + 1} {table[d, w]}" for d, w in np.argwhere(table)]
    random.shuffle(entries)  # type: ignore[attr-defined]
    sizes = f"{table.shape[0]} {table.shape[1]} {len(entries)}"
    path = write(tmp_path / "docword.txt", docword(entries, sizes), packed)
    assert read_docword(path, "").toarray().tolist() == table.tolist()


@given(data=st.data())
@FIXTURES_ARE_FOLDERS
def test_damage_is_an_error_or_fits_the_header(tmp_path: Path, data: st.DataObject) -> None:
    """A stretch of the text is overwritten, cut out or cut off."""
    whole = docword()
    start = data.draw(st.integers(0, len(whole)), label="start")
    stop = data.draw(st.one_of(st.integers(start, min(start + 8, len(whole))), st.just(len(whole))), label="stop")
    put = data.draw(st.text(st.one_of(st.sampled_from(whole + "-.e"), st.characters(codec="utf-8")), max_size=6))
    path = write(tmp_path / "docword.txt", whole[:start] + put + whole[stop:])
    try:
        counts = read_docword(path, "")
    except DataError:
        return
    header = [int(line) for line in (whole[:start] + put + whole[stop:]).splitlines()[:3]]
    assert [*counts.shape, counts.nnz] == header
    assert (counts.data > 0).all()
    assert counts.sum(axis=1).all()


@given(share=st.floats(0, 0.999))
@FIXTURES_ARE_FOLDERS
def test_a_truncated_gzip_file_is_an_error(tmp_path: Path, share: float) -> None:
    whole = gzip.compress(docword().encode())
    path = tmp_path / "docword.txt.gz"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError):
        read_docword(path, "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "an empty file"),
        ("3\n4\n", r"a file that begins '3\n4\n'"),
        ("three\n4\n6\n", "a file that begins 'three"),
        ("-3\n4\n6\n", "a file that begins '-3"),
        ("3 4 6\n1 1 2\n", "a file that begins '3 4 6"),
        ("9" * 30 + "\n4\n6\n", "a file that begins '999"),
        ("  <!DOCTYPE html><html>", "a web page saved under this name"),
        (docword(sizes="3 4 7"), "6; the file was cut short"),
        (docword(sizes="3 4 5"), "6; the file was cut short"),
        (docword([]), "0; the file was cut short"),
        (docword(sizes="4 4 6"), "an empty document, number 4 of 4"),
        (docword(["1 1 2", "3 1 1"], sizes="3 4 2"), "an empty document, number 2 of 3"),
        (docword(["2 1 2", "3 1 1"], sizes="3 4 2"), "an empty document, number 1 of 3"),
        (docword(sizes="999999999999 4 6"), "an empty document, number 4 of 999,999,999,999"),
        (docword(sizes="2 4 6"), "document 3 on line 7"),
        (docword(sizes="3 3 6"), "word 4 on line 9"),
        (docword([*ENTRIES[:5], "0 4 7"]), "document 0 on line 9"),
        (docword([*ENTRIES[:5], "3 0 7"]), "word 0 on line 9"),
        (docword([*ENTRIES[:5], "3 4 0"]), "count 0 on line 9"),
        (docword([*ENTRIES[:5], "3 4 -7"]), "count -7 on line 9"),
        (docword([*ENTRIES[:5], "3 4 3000000000"]), "count 3000000000 on line 9"),
        (docword([*ENTRIES[:5], "3 4 7.5"]), "could not convert string '7.5'"),
        (docword([*ENTRIES[:5], "3 4 seven"]), "could not convert string 'seven'"),
        (docword([*ENTRIES[:5], "3 4 nan"]), "could not convert string 'nan'"),
        (docword([*ENTRIES[:5], "3 4 ٧"]), "bytes that are not text"),
        (docword([*ENTRIES[:5], "3 4 \U0001f4a5"]), "bytes that are not text"),  # crashed np.loadtxt
        (docword([*ENTRIES[:5], "3 4 99999999999999999999"]), "could not convert string"),
        (docword([*ENTRIES[:5], "3 4"]), "number of columns changed from 3 to 2"),
        (docword([*ENTRIES[:5], "3 4 7 1"]), "number of columns changed from 3 to 4"),
        (docword([entry + " 1" for entry in ENTRIES]), "4 numbers on every line"),
        (docword([*ENTRIES[:5], "3 1 7"]), "document 3 with word 1 more than once"),
        (docword([*ENTRIES[:5], "3 4 \udcff"]), "bytes that are not text"),
    ],
)
def test_each_kind_of_bad_table_has_its_own_message(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path / "docword.txt", text, packed=False)
    with pytest.raises(DataError) as caught:
        read_docword(path, "Get it again.")
    assert says in caught.value.found
    assert (caught.value.file, caught.value.remedy) == (str(path), "Get it again.")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(docword().encode(), mtime=0)[:-9], "damaged or truncated"),
        (gzip.compress(docword().encode(), mtime=0)[:20], "damaged or truncated"),
        (gzip.compress(docword().encode(), mtime=0) + b"and more", "damaged or truncated"),
        (
            gzip.compress(docword().encode(), mtime=0)[:30]
            + b"\0\0\0\0"
            + gzip.compress(docword().encode(), mtime=0)[34:],
            "damaged",
        ),
        (b"PK\x03\x04\x14\x00", "a file that begins 'PK"),
    ],
)
def test_a_damaged_package_says_so(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "docword.txt.gz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_docword(path, "")
    assert says in caught.value.found


def test_what_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_docword(tmp_path / "nowhere.txt", "")
    with pytest.raises(DataError, match="a readable file"):
        read_vocabulary(tmp_path, 3, "")


@pytest.mark.parametrize("text", ["tea\ncup\njug\n", "tea\ncup\njug", "tea\r\ncup\r\njug\r\n"])
def test_a_vocabulary_is_one_word_a_line(tmp_path: Path, text: str) -> None:
    assert read_vocabulary(write(tmp_path / "vocab.txt", text, packed=False), 3, "") == ("tea", "cup", "jug")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tea\ncup\n", "2"),
        ("tea\ncup\njug\npot\n", "4"),
        ("", "0"),
        ("tea\n\njug\n", "an empty line, number 2 of 3"),
        ("tea\ncup\ntea\n", "'tea' more than once"),
        ("tea\ncup\n\udcffjug\n", "bytes that are not text"),
        ("<html>sign in</html>", "a web page saved under this name"),
    ],
)
def test_each_kind_of_bad_vocabulary_has_its_own_message(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path / "vocab.txt", text, packed=False)
    with pytest.raises(DataError) as caught:
        read_vocabulary(path, 3, "Get it again.")
    assert says in caught.value.found
    assert (caught.value.file, caught.value.remedy) == (str(path), "Get it again.")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: b"3\n4\n6\n" + b"1 1 2\n" * 12_000_000, "unpacks to more than the 64 MB"),
        (lambda: b"3" * 70_000_000, "unpacks to more than the 64 MB"),
        (lambda: b"3\n4\n6\n" + b"1 " * 1000, "a line of more than 200 letters"),
        (lambda: b"3\n4\n999999999999\n1 1 2\n", "999,999,999,999 entries"),
        (lambda: b"3\n999999999999999\n1\n1 1 2\n", "999,999,999,999,999 words"),
        (lambda: b"99999999999\n4\n1\n1 1 2\n", "an empty document, number 2"),
        (lambda: b"9" * 10_000 + b"\n4\n1\n", "a line of more than 200 letters"),
    ],
)
def test_a_few_packed_bytes_do_not_fill_the_memory(tmp_path: Path, content: Callable[[], bytes], says: str) -> None:
    path = tmp_path / "docword.txt.gz"
    path.write_bytes(gzip.compress(content(), compresslevel=1))
    with pytest.raises(DataError) as caught:
        read_docword(path, "Get it again.")
    assert says in caught.value.found
