"""Every copy of WISDM in circulation reads the same, and no damage goes unnoticed."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError
from pmt_helpers.datasets.wisdm import COLUMNS, WisdmTable, content_digest, parse_arff, parse_table

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
