"""WISDM in all the places and wrappings that people keep it in; its numbers where the real file is at hand."""

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.datasets import DataError, activity_names, load_activity, load_documents, load_recordings, wisdm
from pmt_helpers.datasets.features import FEATURE_NAMES
from pmt_helpers.datasets.wisdm import ARCHIVE, ARFF, find_wisdm, read_text

MakeArff = Callable[..., str]
MakeArchive = Callable[..., bytes]


@pytest.mark.parametrize("folder", ["", "WISDM_ar_v1.1/", "some/where/else/"])
def test_the_archive_and_the_bare_arff_give_the_same(
    small_wisdm: Path, make_arff: MakeArff, make_archive: MakeArchive, folder: str
) -> None:
    (small_wisdm / ARCHIVE).write_bytes(make_archive(make_arff(), folder))
    packed = load_activity("wisdm")
    unpacked = small_wisdm / folder / ARFF
    unpacked.parent.mkdir(parents=True, exist_ok=True)
    unpacked.write_text(make_arff(quote="", line_end="\r\n"), newline="")
    assert find_wisdm() == unpacked
    bare = load_activity("wisdm")
    assert np.array_equal(packed.X, bare.X, equal_nan=True)
    assert packed.y.tolist() == bare.y.tolist()


def test_recordings_are_bouts_in_file_order(small_wisdm: Path, make_arff: MakeArff) -> None:
    (small_wisdm / ARFF).write_text(make_arff())
    data = load_activity("wisdm")
    assert data.recordings.tolist() == [bout for bout in range(12) for _ in range(2)]
    assert data.starts.tolist() == list(range(24))
    assert data.window_readings == 0


def test_a_missing_dataset_says_how_to_get_it(small_wisdm: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_activity("wisdm")
    assert "python -m pmt_helpers data fetch wisdm" in str(caught.value)
    assert str(small_wisdm) in str(caught.value)
    assert ARCHIVE in str(caught.value)


def test_a_changed_digit_is_found(small_wisdm: Path, make_arff: MakeArff) -> None:
    (small_wisdm / ARFF).write_text(make_arff().replace("512.5", "512.6", 1))
    with pytest.raises(DataError, match="other rows, digest"):
        load_activity("wisdm")


def test_a_file_cut_between_rows_is_found(small_wisdm: Path, make_arff: MakeArff, rows: list[str]) -> None:
    (small_wisdm / ARFF).write_text(make_arff(rows[:20]))
    with pytest.raises(DataError, match="cut short"):
        load_activity("wisdm")


def test_a_mended_file_is_read_again(small_wisdm: Path, make_arff: MakeArff) -> None:
    path = small_wisdm / ARFF
    path.write_text(make_arff()[:-30])
    with pytest.raises(DataError, match="in the last row"):
        load_activity("wisdm")
    path.write_text(make_arff())
    assert len(load_activity("wisdm")) == 24


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda whole: b"", "an empty file"),
        (lambda whole: b"<html><title>404 Not Found</title></html>", "a web page saved under this name"),
        (lambda whole: b"PK\x03\x04 something else", "a file that begins 'PK"),
        (lambda whole: whole[: len(whole) // 2], "a damaged or truncated one"),
        (lambda whole: whole[:12], "a damaged or truncated one"),
        (lambda whole: whole[:200] + bytes(100) + whole[300:], "nothing of that name, or damage"),
    ],
)
def test_a_bad_archive_says_what_it_is(
    small_wisdm: Path, make_arff: MakeArff, make_archive: MakeArchive, spoil: Callable[[bytes], bytes], says: str
) -> None:
    (small_wisdm / ARCHIVE).write_bytes(spoil(make_archive(make_arff())))
    with pytest.raises(DataError) as caught:
        load_activity("wisdm")
    assert says in caught.value.found
    assert "Delete it" in caught.value.remedy


def test_an_archive_without_the_table_says_so(small_wisdm: Path, make_archive: MakeArchive) -> None:
    (small_wisdm / ARCHIVE).write_bytes(make_archive(""))
    with pytest.raises(DataError, match=r"WISDM_ar_v1\.1_raw\.txt somewhere in the archive"):
        read_text(small_wisdm / ARCHIVE, "WISDM_ar_v1.1_raw.txt")
    with pytest.raises(DataError, match="an empty file"):
        load_activity("wisdm")


def test_a_binary_file_under_the_name_is_refused(small_wisdm: Path) -> None:
    (small_wisdm / ARFF).write_bytes(b"@relation \xff\xfe\x00 binary")
    with pytest.raises(DataError, match="not text at position 10"):
        load_activity("wisdm")


def test_a_folder_under_the_name_is_refused(small_wisdm: Path) -> None:
    (small_wisdm / ARFF).mkdir()
    with pytest.raises(DataError, match="a readable"):
        load_activity("wisdm")


def test_an_unknown_dataset_names_the_known_ones() -> None:
    with pytest.raises(DataError, match=f"one of {', '.join(activity_names())}"):
        load_activity("wisdmm")
    with pytest.raises(DataError, match="one of wikipedia, news, nips"):
        load_documents("wisdmm")


def test_the_wrong_door_names_the_right_one() -> None:
    with pytest.raises(DataError, match=re.escape('load_documents("news") loads it')):
        load_activity("news")
    with pytest.raises(DataError, match=re.escape('load_activity("watch") loads it')):
        load_documents("watch")


def test_wisdm_has_no_raw_recordings() -> None:
    with pytest.raises(DataError, match=re.escape('load_recordings("watch")')):
        load_recordings("wisdm")


def test_both_datasets_name_the_same_features(small_wisdm: Path, make_arff: MakeArff) -> None:
    (small_wisdm / ARFF).write_text(make_arff())
    assert load_activity("wisdm").feature_names == load_activity("watch").feature_names == FEATURE_NAMES


@pytest.mark.usefixtures("real_wisdm")
class TestRealFile:
    """The published numbers, from the real file."""

    def test_the_numbers_are_the_published_ones(self) -> None:
        data = load_activity("wisdm")
        counts = np.unique(data.users, return_counts=True)[1]
        assert data.X.shape == (5418, 43)
        assert (len(counts), counts.mean(), round(counts.std(ddof=1), 2)) == (36, 150.5, 44.73)
        missing = dict(zip(data.feature_names, np.isnan(data.X).sum(axis=0).tolist(), strict=True))
        assert {name: n for name, n in missing.items() if n} == {"XPEAK": 381, "YPEAK": 131, "ZPEAK": 103}
        assert len(np.unique(data.recordings)) == 394
        assert np.bincount(data.y).tolist() == [2081, 1625, 632, 528, 306, 246]

    @pytest.mark.parametrize("quoted", [True, False])
    @pytest.mark.parametrize("line_end", ["\n", "\r\n"])
    @pytest.mark.parametrize("brace", ["class{", "class {"])
    def test_every_header_form_passes_the_digest(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_archive: MakeArchive, quoted: bool, line_end: str,
        brace: str,
    ) -> None:  # fmt: skip
        source = find_wisdm()
        assert source is not None
        expected = load_activity("wisdm")
        text = read_text(source).replace("\r\n", "\n").replace("class{", brace)
        styled = (text if quoted else text.replace('"', "")).replace("\n", line_end)
        monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))
        (tmp_path / "wisdm").mkdir()
        (tmp_path / "wisdm" / ARCHIVE).write_bytes(make_archive(styled))
        data = load_activity("wisdm")
        assert np.array_equal(data.X, expected.X, equal_nan=True)
        assert np.array_equal(data.users, expected.users)

    def test_reading_it_takes_less_than_a_second(self, tmp_path: Path) -> None:
        source = find_wisdm()
        assert source is not None
        copy = shutil.copy(source, tmp_path / source.name)
        start = time.process_time()
        wisdm.read_table(Path(copy))
        assert time.process_time() - start < 1
