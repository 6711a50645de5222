"""WISDM in all the places and wrappings that people keep it in; no damage goes unnoticed."""

import gzip
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError, load_activity, wisdm
from pmt_helpers.datasets.features import FEATURE_NAMES
from pmt_helpers.datasets.wisdm import (
    ARCHIVE,
    ARFF,
    COLUMNS,
    WisdmTable,
    content_digest,
    find_wisdm,
    parse_arff,
    parse_table,
    read_text,
)

MakeArff = Callable[..., str]
FIXTURES_ARE_FUNCTIONS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(a: WisdmTable, b: WisdmTable) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in vars(a))


def test_the_table_holds_what_the_text_says(make_arff: MakeArff, rows: list[str]) -> None:
    table = parse_table(make_arff(), "small.arff")
    assert table.X.shape == (24, 43)
    assert table.X.dtype == np.float32
    assert table.unique_ids.tolist() == list(range(1, 25))
    assert table.users.tolist() == [1] * 12 + [2] * 12
    assert table.y.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5] * 2
    cells = rows[1].split(",")
    assert table.X[1] == pytest.approx(np.array(cells[2:-1], dtype=np.float32))


def test_a_question_mark_is_nan_and_nothing_else_is(make_arff: MakeArff) -> None:
    X = parse_table(make_arff(), "small.arff").X
    assert np.argwhere(np.isnan(X)).tolist() == [[row, 33] for row in range(0, 24, 3)]


@given(
    quote=st.sampled_from(['"', "'", ""]), space=st.sampled_from(["", " ", "  ", "\t"]),
    line_end=st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n"]), row_end=st.sampled_from(["", ";", " ;", " "]),
    data_word=st.sampled_from(["@data", "@DATA", "@Data ", "% the rows\n@data"]), padding=st.sampled_from(["", " "]),
)  # fmt: skip
@FIXTURES_ARE_FUNCTIONS
def test_all_header_styles_give_the_same_data(
    make_arff: MakeArff, rows: list[str], quote: str, space: str, line_end: str, row_end: str, data_word: str,
    padding: str,
) -> None:  # fmt: skip
    styled = make_arff(
        [row.replace(",", f"{padding},{padding}") for row in rows],
        quote=quote, space=space, line_end=line_end, row_end=row_end, data_word=data_word,
    )  # fmt: skip
    assert parse_arff(styled, "styled").names == COLUMNS
    assert content_digest(styled) == content_digest(make_arff())
    assert same(parse_table(styled, "styled"), parse_table(make_arff(), "plain"))


@given(data=st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_an_error_or_changes_nothing(make_arff: MakeArff, data: st.DataObject) -> None:
    """A stretch of the file is overwritten, cut out or cut off: either DataError, or exactly the same table."""
    whole = make_arff()
    start = data.draw(st.integers(0, len(whole)), label="start")
    end = data.draw(st.one_of(st.integers(start, min(start + 60, len(whole))), st.just(len(whole))), label="end")
    put = data.draw(st.text(alphabet=st.one_of(st.sampled_from(whole), st.characters()), max_size=8), label="put")
    damaged = whole[:start] + put + whole[end:]
    try:
        table = parse_table(damaged, "damaged.arff")
    except DataError:
        return
    assert table.X.shape == (len(table.y), 43)
    assert len(table.users) == len(table.unique_ids) == len(table.y)
    if content_digest(damaged) == content_digest(whole):  # what load_activity demands before it hands anything out
        assert same(table, parse_table(whole, "whole.arff"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: "", "an empty file"),
        (lambda text: " \r\n ", "an empty file"),
        (lambda text: "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "a web page, beginning '<!DOCTYPE"),
        (lambda text: text.partition("@data\n")[2], "no @data line"),
        (lambda text: "@data\n" + text.partition("@data\n")[2], "no @attribute lines"),
        (lambda text: text.replace('@attribute "X3" numeric', "@attribute"), "without name or type"),
        (lambda text: text.partition("@data\n")[0] + "@data\n", "none"),
        (lambda text: text[:-40], "cells in the last row"),
        (lambda text: text.replace("\n7,1,", "\n7,"), "45 cells in row 7 of 24"),
        (lambda text: text.replace('@attribute "ZPEAK" numeric\n', ""), "46 cells in row 1 of 24"),
        (lambda text: text.replace('"ZPEAK"', '"PEAKZ"'), "46 columns, without ZPEAK"),
        (lambda text: text.replace('"X1" numeric\n@attribute "X2"', '"X2" numeric\n@attribute "X1"'), "another order"),
        (lambda text: text.replace("Jogging\n", "Swimming\n", 1), "class 'Swimming' in row 3"),
        (lambda text: text.replace("Standing\n", "Stan\n"), "class 'Stan' in row 11"),
        (lambda text: text.replace(",512.5,", ",five,", 1), "'five' under XPEAK in row 2"),
        (lambda text: text.replace(",512.5,", ",,", 1), "'' under XPEAK in row 2"),
        (lambda text: text.replace(",512.5,", ",nan,", 1), "'nan' under XPEAK in row 2"),
        (lambda text: text.replace(",512.5,", ",1e99,", 1), "'1e99' under XPEAK in row 2"),
        (lambda text: text.replace("\n5,1,", "\n5,?,"), "'?' under user in row 5"),
        (lambda text: text.replace("\n5,1,", "\n5,1.5,"), "'1.5' under user in row 5"),
    ],
)  # fmt: skip
def test_each_kind_of_bad_input_has_its_own_message(
    make_arff: MakeArff, spoil: Callable[[str], str], says: str
) -> None:
    with pytest.raises(DataError) as caught:
        parse_table(spoil(make_arff()), "somewhere/bad.arff")
    assert says in caught.value.found
    assert str(caught.value).startswith("cannot use somewhere/bad.arff\n  expected: ")
    assert "data fetch" in caught.value.remedy


def test_scipy_still_refuses_the_published_form(make_arff: MakeArff) -> None:
    """Why there is an own parser. Should this ever fail, scipy has learnt it and the parser can go."""
    import io

    arff = pytest.importorskip("scipy.io.arff")
    for space in ("", " "):
        with pytest.raises((arff.ArffError, ValueError)):
            arff.loadarff(io.StringIO(make_arff(space=space)))


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


def test_a_repaired_file_is_read_again(small_wisdm: Path, make_arff: MakeArff) -> None:
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


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.partition("@data\n")[2],
        lambda text: "@data\n" + text.partition("@data\n")[2],
        lambda text: text.replace('@attribute "X3" numeric', "@attribute"),
        lambda text: text.replace('@attribute "ZPEAK" numeric\n', ""),
        lambda text: text.replace('"ZPEAK"', '"PEAKZ"').replace('"user"', '"person"'),
        lambda text: text.replace('"X1" numeric\n@attribute "X2"', '"X2" numeric\n@attribute "X1"'),
        lambda text: ",".join(("UNIQUE_ID", "user", *FEATURE_NAMES, "class")) + "\n" + text.partition("@data\n")[2],
        lambda text: text.replace("\n", "\r"),
        lambda text: text + "\0" * 500,
        lambda text: text.replace("@relation", "% caf\xe9\n@relation"),
    ],
)
@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-16"])
def test_the_published_rows_are_accepted_under_any_header(
    small_wisdm: Path, make_arff: MakeArff, change: Callable[[str], str], encoding: str
) -> None:
    (small_wisdm / ARFF).write_bytes(change(make_arff()).encode(encoding))
    found = load_activity("wisdm")
    (small_wisdm / ARFF).write_text(make_arff())
    assert np.array_equal(found.X, load_activity("wisdm").X, equal_nan=True)


@pytest.mark.parametrize(
    "name",
    ["WISDM_ar_v1.1_transformed (1).arff", "wisdm_ar_latest.zip", "WISDM_ar_latest.tar", f"{ARFF}.txt", "wisdm.arff"],
)
def test_a_file_of_a_near_name_is_said_to_lie_there(small_wisdm: Path, make_arff: MakeArff, name: str) -> None:
    (small_wisdm / name).write_text(make_arff())
    (small_wisdm / "._hidden.arff").write_text("")
    with pytest.raises(DataError) as caught:
        load_activity("wisdm")
    assert caught.value.found == f"none of its files; there lies {name}"
    assert "unpack it and call the table" in caught.value.remedy


def test_an_archive_that_a_browser_has_unpacked_is_read(
    small_wisdm: Path, make_arff: MakeArff, make_archive: MakeArchive
) -> None:
    (small_wisdm / ARCHIVE).write_bytes(gzip.decompress(make_archive(make_arff())))
    assert len(load_activity("wisdm")) == 24


def test_a_folder_under_the_tables_name_does_not_hide_the_archive(
    small_wisdm: Path, make_arff: MakeArff, make_archive: MakeArchive
) -> None:
    (small_wisdm / ARFF).mkdir()
    (small_wisdm / ARCHIVE).write_bytes(make_archive(make_arff()))
    assert len(load_activity("wisdm")) == 24


def test_an_archive_that_unpacks_to_gigabytes_is_refused(
    small_wisdm: Path, make_arff: MakeArff, make_archive: MakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wisdm, "LARGEST_MB", 32)
    (small_wisdm / ARCHIVE).write_bytes(make_archive("1," * 20_000_000))
    with pytest.raises(DataError, match="unpacks to more than the 32 MB"):
        load_activity("wisdm")
    monkeypatch.setattr(wisdm, "LARGEST_ARCHIVE_MB", 1)
    with pytest.raises(DataError, match="unpacks to more than 1 MB"):
        load_activity("wisdm")
