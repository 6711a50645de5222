"""The NIPS papers in both tables and all states that people keep them in; their numbers where the files are at hand."""

import gzip
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.datasets import DataError, load_documents, nips
from pmt_helpers.datasets.nips import content_digest, fetch_nips
from pmt_helpers.datasets.text import count_documents, keep_words

# "jug" occurs 20 times, "pot" 3 times: only the full table has them
FULL_WORDS, FULL_ENTRIES = "tea\ncup\njug\npot\n", ["1 1 30", "1 3 10", "2 2 25", "2 4 3", "3 1 1", "3 3 10"]
REDUCED_WORDS, REDUCED_ENTRIES = "tea\ncup\n", ["1 1 30", "2 2 25", "3 1 1"]


def docword(entries: list[str], n_words: int) -> bytes:
    return "\n".join(["3", str(n_words), str(len(entries)), *entries, ""]).encode()


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty nips folder in an own PMT_DATA_HOME; two small tables pass for the published ones."""
    reduced_texts = [["tea"] * 30, ["cup"] * 25, ["tea"]]
    digest = content_digest(count_documents(reduced_texts, ["tea", "cup"]))
    full = replace(nips.FULL, sizes=(3, 4, 6), tokens=(79, 79))
    reduced = replace(nips.REDUCED, sizes=(3, 2, 3), tokens=(56, 56), digest=digest)
    monkeypatch.setattr(nips, "FULL", full)
    monkeypatch.setattr(nips, "TABLES", (full, reduced))
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "nips"
    folder.mkdir(parents=True)
    return folder


def put_full(folder: Path) -> None:
    (folder / "docword.nips.txt.gz").write_bytes(gzip.compress(docword(FULL_ENTRIES, 4)))
    (folder / "vocab.nips.txt").write_text(FULL_WORDS)


def put_reduced(folder: Path) -> None:
    (folder / "docword.nips-f20.txt.gz").write_bytes(gzip.compress(docword(REDUCED_ENTRIES, 2)))
    (folder / "vocab.nips-f20.txt").write_text(REDUCED_WORDS)


def test_both_tables_give_the_same(folder: Path) -> None:
    put_reduced(folder)
    reduced = load_documents("nips")
    put_full(folder)
    full = load_documents("nips")
    assert reduced.source == "docword.nips-f20.txt.gz, the reduced table; words that occur more than 20 times"
    assert full.source == "docword.nips.txt.gz, the full UCI table; words that occur more than 20 times"
    assert full.vocabulary == reduced.vocabulary == ("tea", "cup")
    assert full.counts.toarray().tolist() == reduced.counts.toarray().tolist() == [[30, 0], [0, 25], [1, 0]]
    assert (full.dropped.tolist(), reduced.dropped.tolist()) == ([10, 3, 10], [0, 0, 0])
    assert full.names.tolist() == ["paper 1", "paper 2", "paper 3"]


@pytest.mark.parametrize(("more_than", "words"), [(0, 4), (3, 3), (20, 2), (25, 1)])
def test_the_full_table_gives_as_many_words_as_asked_for(folder: Path, more_than: int, words: int) -> None:
    put_full(folder)
    if more_than == 25:
        with pytest.raises(DataError, match="none of them known in document 2 of 3"):
            load_documents("nips", more_than=more_than)
    else:
        assert len(load_documents("nips", more_than=more_than).vocabulary) == words


def test_the_reduced_table_cannot_give_rarer_words(folder: Path) -> None:
    put_reduced(folder)
    with pytest.raises(DataError, match="lacks words that occur 20 times or less") as caught:
        load_documents("nips", more_than=10)
    assert "docword.nips.txt.gz" in caught.value.remedy


def test_only_nips_takes_more_than() -> None:
    with pytest.raises(DataError, match='more_than for "nips" only'):
        load_documents("news", more_than=5)


def test_rare_words_go_before_a_vocabulary_is_grown(folder: Path) -> None:
    """Otherwise the two tables would grow it differently."""
    put_full(folder)
    grown = load_documents("nips", ["pot", "tea"], grow=True)
    assert grown.vocabulary == ("pot", "tea", "cup")
    assert grown.counts.toarray().tolist() == [[0, 30, 0], [0, 0, 25], [0, 1, 0]]
    with pytest.raises(DataError, match="none of them known in document 2 of 3"):
        load_documents("nips", ["pot", "tea"])


def test_an_unpacked_table_is_as_good(folder: Path) -> None:
    (folder / "docword.nips.txt").write_bytes(docword(FULL_ENTRIES, 4))
    (folder / "vocab.nips.txt").write_text(FULL_WORDS)
    assert load_documents("nips").source.startswith("docword.nips.txt, the full UCI table")


def test_papers_with_the_same_counts_share_a_group(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "docword.nips.txt.gz").write_bytes(docword([*FULL_ENTRIES[:4], "3 1 30", "3 3 10"], 4))
    (folder / "vocab.nips.txt").write_text(FULL_WORDS)
    table = replace(nips.FULL, tokens=(108, 108))
    monkeypatch.setattr(nips, "TABLES", (table,))
    assert load_documents("nips").groups.tolist() == [0, 1, 0]


def test_a_missing_dataset_says_how_to_get_it(folder: Path) -> None:
    with pytest.raises(DataError, match="none of its files") as caught:
        load_documents("nips")
    assert "python -m pmt_helpers data fetch nips" in caught.value.remedy
    assert str(folder) in caught.value.remedy


@pytest.mark.parametrize("missing", ["docword.nips.txt.gz", "vocab.nips.txt"])
def test_a_missing_half_is_named(folder: Path, missing: str) -> None:
    put_full(folder)
    (folder / missing).unlink()
    assert nips.find_nips() is None
    with pytest.raises(DataError, match="no such file") as caught:
        load_documents("nips")
    assert caught.value.file == str(folder / missing)
    put_reduced(folder)  # a whole pair is better than half of one
    assert "the reduced table" in load_documents("nips").source


@pytest.mark.parametrize(
    ("entries", "words", "n_words", "says"),
    [
        (REDUCED_ENTRIES, FULL_WORDS, 2, "3 documents, 2 words, 3 entries"),
        (FULL_ENTRIES, REDUCED_WORDS, 4, "2"),
        ([*FULL_ENTRIES[:5], "3 3 11"], FULL_WORDS, 4, "80"),
        (FULL_ENTRIES[:5], FULL_WORDS, 4, "3 documents, 4 words, 5 entries"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(
    folder: Path, entries: list[str], words: str, n_words: int, says: str
) -> None:
    (folder / "docword.nips.txt.gz").write_bytes(docword(entries, n_words))
    (folder / "vocab.nips.txt").write_text(words)
    with pytest.raises(DataError) as caught:
        load_documents("nips")
    assert caught.value.found == says
    assert "Delete it" in caught.value.remedy


@pytest.mark.parametrize("change", ["counts", "words"])
def test_a_change_that_keeps_all_totals_is_found(folder: Path, change: str) -> None:
    put_reduced(folder)
    if change == "counts":
        (folder / "docword.nips-f20.txt.gz").write_bytes(docword(["1 1 29", "2 2 25", "3 1 2"], 2))
    else:
        (folder / "vocab.nips-f20.txt").write_text("cup\ntea\n")
    with pytest.raises(DataError, match="other counts or words, digest"):
        load_documents("nips")


def test_a_repaired_file_is_read_again(folder: Path) -> None:
    put_full(folder)
    whole = (folder / "docword.nips.txt.gz").read_bytes()
    (folder / "docword.nips.txt.gz").write_bytes(whole[:-9])
    with pytest.raises(DataError, match="damaged or truncated"):
        load_documents("nips")
    (folder / "docword.nips.txt.gz").write_bytes(whole)
    assert len(load_documents("nips")) == 3


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word on the screen."""

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder with the full table, and the address under which it is served."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "served"
    folder.mkdir()
    put_full(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def test_both_files_are_fetched_and_verified(folder: Path, served: tuple[Path, str]) -> None:
    folder.rmdir()  # it is made when needed
    assert fetch_nips(served[1]) == folder / "docword.nips.txt.gz"
    assert sorted(path.name for path in folder.iterdir()) == ["docword.nips.txt.gz", "vocab.nips.txt"]
    assert len(load_documents("nips", more_than=0).vocabulary) == 4


def test_what_is_there_is_not_fetched_again(folder: Path) -> None:
    put_reduced(folder)
    assert fetch_nips("http://127.0.0.1:1/never-asked/") == folder / "docword.nips-f20.txt.gz"


def test_only_the_missing_half_is_fetched(folder: Path, served: tuple[Path, str]) -> None:
    put_full(folder)
    (folder / "vocab.nips.txt").unlink()
    (served[0] / "docword.nips.txt.gz").unlink()
    assert fetch_nips(served[1]) == folder / "docword.nips.txt.gz"


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("docword.nips.txt.gz", b"<html>Please sign in to the wireless network</html>", "a web page"),
        ("docword.nips.txt.gz", gzip.compress(docword(FULL_ENTRIES, 4), mtime=0)[:-9], "damaged or truncated"),
        ("docword.nips.txt.gz", gzip.compress(docword(REDUCED_ENTRIES, 2), mtime=0), "3 documents, 2 words, 3 entries"),
        ("vocab.nips.txt", b"<html>Please sign in to the wireless network</html>", "a web page"),
        ("vocab.nips.txt", b"tea\ncup\n", "2"),
        ("vocab.nips.txt", None, "404"),
    ],
)
def test_a_bad_download_is_not_kept(
    folder: Path, served: tuple[Path, str], name: str, content: bytes | None, found: str
) -> None:
    if content is None:
        (served[0] / name).unlink()
    else:
        (served[0] / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        fetch_nips(served[1])
    assert found in caught.value.found
    assert str(folder / name) in caught.value.remedy
    assert not (folder / name).exists()


@pytest.mark.usefixtures("real_nips")
class TestRealFile:
    """The published numbers, from the real files."""

    def test_the_numbers_are_the_published_ones(self) -> None:
        data = load_documents("nips")
        assert data.summary == "1,500 documents, 7,605 words, 1,870,706 tokens"
        assert data.counts.nnz == 709_477
        assert np.asarray(data.counts.sum(axis=0)).min() == 21
        assert len(np.unique(data.groups)) == 1500
        assert data.vocabulary[:3] == ("aaai", "abbott", "abeles")

    def test_the_copy_is_the_one_its_checksums_speak_of(self) -> None:
        checksums = nips.nips_folder() / "SHA256SUMS"
        if not checksums.is_file():
            pytest.skip("no SHA256SUMS beside the data")
        for line in checksums.read_text().splitlines():
            digest, name = line.split()
            assert hashlib.sha256((checksums.parent / name).read_bytes()).hexdigest() == digest

    def test_keeping_the_words_it_has_changes_nothing(self) -> None:
        files = nips.find_files()
        assert files is not None
        words = nips.read_nips(files).words
        again = keep_words(words, more_than=20)
        assert content_digest(keep_words(again, more_than=20)) == nips.REDUCED.digest

    def test_reading_it_takes_less_than_three_seconds(self) -> None:
        nips._read_nips.cache_clear()
        start = time.process_time()
        load_documents("nips")
        assert time.process_time() - start < 3
