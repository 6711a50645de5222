"""Words and counts are compared exactly, measured numbers within the tolerance, for all texts and figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmt_helpers.teaching.display import in_words
from pmt_helpers.workbook.compare import ABSOLUTE, RELATIVE, compare_texts, compare_values, is_close

SAME = [
    ("accuracy 0.73", "accuracy 0.75"),
    ("Compiled 2.8 times", "Compiled 2.9 times"),
    ("gain -0.00", "gain 0.00"),
    ("+0.1 points", "+0.2 points"),
    ("noise 2.28e-14", "noise 2.41e-14"),
    ("98%, 2% fewer", "99%, 3% fewer"),
    ("loss\n 1.2   0.9", "loss\n  1.21 0.9"),
    ("took 1.2 s", "took about 840 ms"),
    ("at 0x7f00aa11", "at 0x7f00bb22"),
    ("Ready: Python 3.11.7, 2.0 GB free, watch", "Ready: Python 3.11.9, 8.1 GB free, watch"),
    ("Right. 0.5.", "Right. 0.51."),
]
OTHER = [
    ("accuracy 0.73", "accuracy 0.68"),
    ("accuracy 0.73", "accuracy .73"),
    ("accuracy 0.73", "accuracy nan"),
    ("1,737 windows", "1,738 windows"),
    ("7 of 34", "8 of 34"),
    ("person 3", "person 3.0"),
    ("98%", "95%"),
    ("98%", "98"),
    ("+5.7 points", "-5.7 points"),
    ("2.8 times 3.0", "2.8 times"),
    ("personal wins by 0.1", "local wins by 0.1"),
    ("[1,2,3]", "[1,2,4]"),
    ("v1.2x", "v1.3x"),
    ("took 1.2 s", "in 1.2 s"),
    ("data_1.csv", "data_2.csv"),
    ("", "0.5"),
]


@pytest.mark.parametrize(("stored", "fresh"), SAME)
def test_texts_that_agree(stored: str, fresh: str) -> None:
    assert compare_texts(stored, fresh) == compare_texts(fresh, stored) == ""


@pytest.mark.parametrize(("stored", "fresh"), OTHER)
def test_texts_that_differ_say_how(stored: str, fresh: str) -> None:
    assert compare_texts(stored, fresh)
    assert compare_texts(fresh, stored)


@pytest.mark.parametrize(("stored", "fresh"), SAME + OTHER)
def test_a_sentence_is_compared_in_each_of_its_formats(stored: str, fresh: str) -> None:
    found = list(compare_values(in_words(stored), in_words(fresh), ""))
    assert len(found) == (2 if compare_texts(stored, fresh) else 0), found


@given(st.text())
def test_a_text_agrees_with_itself_and_with_no_longer_one(text: str) -> None:
    assert compare_texts(text, text) == ""
    assert compare_texts(text, text + " word")
    assert compare_texts(text, text + " 7")


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_counts_agree_only_when_equal(one: int, other: int) -> None:
    assert (compare_texts(f"{one:,} windows", f"{other:,} windows") == "") == (one == other)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_measures_agree_within_the_tolerance_and_not_beyond(one: float, other: float) -> None:
    one, other = round(one, 3), round(other, 3)
    size = max(abs(one), abs(other))
    allowed = RELATIVE * size if size > 1 else ABSOLUTE
    if abs(abs(one - other) - allowed) > 1e-6:  # not on the edge itself
        assert (compare_texts(f"at {one:.3f}.", f"at {other:.3f}.") == "") == (abs(one - other) < allowed)
    assert is_close(one, other) == is_close(other, one)


@pytest.mark.parametrize(
    ("stored", "fresh", "same"),
    [
        ({"y": [0.7, 0.83]}, {"y": [0.71, 0.83]}, True),
        ({"y": [0.7, 0.83]}, {"y": [0.7, 0.93]}, False),
        ({"y": [70.0, 0.0]}, {"y": [70.0, 1.0]}, True),  # an axis of percents: 2% of its largest value
        ({"y": [70.0, 0.0]}, {"y": [70.0, 2.0]}, False),
        ({"y": [1, 2]}, {"y": [1, 3]}, False),
        ({"y": [1.0, 2]}, {"y": [1, 2.0]}, True),
        ({"y": [0.5]}, {"y": [0.5, 0.5]}, False),
        ({"y": [None]}, {"y": [0.0]}, False),
        ({"visible": True}, {"visible": 1}, False),
        ({"name": "shared, 0.71"}, {"name": "shared, 0.72"}, True),
        ({"name": "shared"}, {"name": "local"}, False),
        ({"x": []}, {"y": []}, False),
    ],
)
def test_figures(stored: object, fresh: object, same: bool) -> None:
    differences = list(compare_values(stored, fresh, "figure"))
    assert (differences == []) == same, differences
    assert all(difference.startswith("figure") for difference in differences)
