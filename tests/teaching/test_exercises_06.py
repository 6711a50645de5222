"""The exercises of notebook 06: right however it is written, and wrong for a reason that the learner is told."""

import contextlib
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress, t

from pmt_helpers.datasets.files import shipped
from pmt_helpers.device import read_log
from pmt_helpers.device.cost_model import predict_seconds
from pmt_helpers.device.fits import fit_line as package_line
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.teaching.exercises.nb06 import EXERCISES, QUESTIONS, fit_line, parse_log, predict, throttled
from pmt_helpers.teaching.exercises.symptoms import DAMAGED

EXERCISE = {exercise.id: exercise for exercise in EXERCISES}


def say(exercise_id, answer):
    """The verdict on an answer; what it says is shown when a test fails."""
    verdict = judge(EXERCISE[exercise_id], answer)
    print(verdict.text)
    return verdict


def test_every_choice_of_the_quiz_is_explained():
    assert len(QUESTIONS) == 3
    for question in QUESTIONS:
        assert len(question.choices) == 3
        assert all(len(choice) <= 60 for choice in question.choices)
        assert all(explained.endswith(".") and len(explained) > 80 for explained in question.choices.values())
    places = [list(question.choices).index(question.right) for question in QUESTIONS]
    assert len(set(places)) > 1


# ---- parse-record ----


def by_index(lines, origin):
    assert isinstance(lines, list)
    total, last = 0, len(lines) - 1
    for at in range(len(lines)):
        try:
            record = json.loads(lines[at])
        except json.JSONDecodeError as error:
            if at == last:
                continue
            raise ValueError(f"damaged: {error.msg} (record {at + 1})") from error
        if record["ev"] == "header" and record["origin"] != origin:
            raise ValueError(record["origin"])
        if record["ev"] == "span" and record["phase"] == "train":
            total += record["cpu_s"]
    return total


def header_first(lines, origin):
    first, *others = lines
    if json.loads(first)["origin"] != origin:
        raise ValueError("another origin")
    found = []
    while others:
        line = others.pop(0)
        try:
            found.append(json.loads(line))
        except ValueError:
            if others:
                raise ValueError("line " + str(len(found) + 2)) from None
    return np.float32(sum(record["cpu_s"] for record in found if record.get("phase", "") == "train"))


@pytest.mark.parametrize("answer", [by_index, header_first])
def test_a_log_is_read_right_however_it_is_written(answer):
    assert say("parse-record", answer).state == "right"


def test_text_that_only_looks_like_a_cut_line_is_no_way_to_tell():
    def by_brace(lines, origin):
        return parse_log([line for line in lines if line.endswith("}")], origin)

    assert say("parse-record", by_brace).mistake == "swallows damage"


def test_a_message_that_repeats_the_lines_names_no_line():
    def chatty(lines, origin):
        try:
            return parse_log(lines, origin)
        except ValueError:
            raise ValueError("damaged: " + " ".join(lines)) from None

    assert say("parse-record", chatty).mistake == "no number"
    assert not any(re.search(rf"(?<!\d){number}(?!\d)", " ".join(DAMAGED[number])) for number in (12, 13))


def test_the_error_of_json_itself_names_no_line():
    def plain(lines, origin):
        records = [json.loads(line) for line in lines[:-1]]
        with contextlib.suppress(ValueError):
            records.append(json.loads(lines[-1]))
        if records[0]["origin"] != origin:
            raise ValueError(origin)
        return sum(record["cpu_s"] for record in records if record.get("phase") == "train")

    assert say("parse-record", plain).mistake == "no number"


def test_an_answer_that_stops_on_a_good_log_is_told_where():
    text = say("parse-record", lambda lines, origin: sum(json.loads(line)["cpu_s"] for line in lines)).text
    assert "KeyError: 'cpu_s'" in text


def test_assertions_are_not_the_error_that_was_asked_for():
    def asserting(lines, origin):
        seconds = by_index(lines, json.loads(lines[0])["origin"])
        assert json.loads(lines[0])["origin"] == origin
        return seconds

    assert say("parse-record", asserting).mistake == "other error"


def test_an_origin_that_begins_like_the_one_asked_for_is_another_one():
    def in_the_text(lines, origin):
        if origin in lines[0]:
            with contextlib.suppress(ValueError):
                origin = json.loads(lines[0])["origin"]
        return by_index(lines, origin)

    assert say("parse-record", in_the_text).mistake == "any origin"


def test_real_logs_are_read_as_the_package_reads_them():
    for name in ("measured-host-activity-numpy", "emulated-raspi3b-icount-topics"):
        path = shipped("pi_logs", f"{name}.jsonl")
        log = read_log(path)
        lines = path.read_text().splitlines()
        trained = log.spans.loc[log.spans["phase"] == "train", "cpu_s"].sum()
        assert parse_log(lines, log.origin) == pytest.approx(trained)
        with pytest.raises(ValueError, match=log.origin):
            parse_log(lines, "measured-pi")


# ---- fit-line ----


def by_linregress(x, seconds):
    found = linregress(x, seconds)
    half = t(len(x) - 2).ppf(0.975) * found.stderr
    return [found.slope, found.slope - half, found.slope + half]


def by_matrix(x, seconds):
    A = np.column_stack([np.ones(len(x)), x])
    (_, b), (squares,), *_ = np.linalg.lstsq(A, seconds, rcond=None)
    variance = squares / (len(x) - 2) * np.linalg.inv(A.T @ A)[1, 1]
    low, high = t.interval(0.95, len(x) - 2, loc=b, scale=variance**0.5)
    return b, low, high


def by_polyfit(x, seconds):
    (slope, _), cov = np.polyfit(x, seconds, 1, cov="unscaled")
    residuals = seconds - np.polyval(np.polyfit(x, seconds, 1), x)
    error = np.sqrt(residuals @ residuals / (len(x) - 2) * cov[0, 0])
    return slope, slope + t.ppf(0.025, len(x) - 2) * error, slope - t.ppf(0.025, len(x) - 2) * error


@pytest.mark.parametrize("answer", [by_linregress, by_matrix, by_polyfit])
def test_a_line_is_right_however_it_is_fitted(answer):
    assert say("fit-line", answer).state == "right"


@given(st.integers(0, 2**32 - 1), st.integers(3, 50))
def test_the_solution_agrees_with_the_package(seed, n):
    rng = np.random.default_rng(seed)
    x, seconds = rng.permutation(np.arange(1.0, n + 1)), rng.normal(5, 2, n)
    line = package_line(x, seconds)
    assert fit_line(x, seconds) == pytest.approx((line.slope, line.slope_low, line.slope_high), rel=1e-6, abs=1e-9)


def test_a_slope_alone_is_not_enough():
    assert "should return 3 arrays" in say("fit-line", lambda x, seconds: np.polyfit(x, seconds, 1)[0]).text


# ---- throttle-bits ----

TROUBLES = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")


def by_names(value):
    now = {name for bit, name in enumerate(TROUBLES) if value & (1 << bit)}
    since = {name for bit, name in enumerate(TROUBLES) if value & (1 << (bit + 16))}
    return np.array([name in now for name in TROUBLES]), np.array([name in since for name in TROUBLES])


def by_text(value):
    digits = f"{value:020b}"[::-1]
    return [digit == "1" for digit in digits[:4]], [digit == "1" for digit in digits[16:]]


def by_halves(value):
    return tuple([half // 2**n % 2 for n in range(4)] for half in (value & 0xFFFF, value >> 16))


@pytest.mark.parametrize("answer", [by_names, by_text, by_halves])
def test_bits_are_right_however_they_are_read(answer):
    assert say("throttle-bits", answer).state == "right"


def test_truths_have_no_largest_difference():
    def from_the_left(value):
        bits = [bit == "1" for bit in f"{value:032b}"]
        return bits[:4], bits[16:20]

    text = say("throttle-bits", from_the_left).text
    assert "at one place ours is True and yours is False" in text
    assert "difference" not in text


def test_names_are_not_what_was_asked_for():
    assert "should return 2 arrays" in say("throttle-bits", lambda value: ({"throttled"}, set())).text


@given(
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.integers(0, 4095),
)
def test_a_number_made_of_truths_gives_them_back_whatever_lies_between(now, since, between):
    value = sum(truth << bit for bit, truth in enumerate(now)) + (between << 4)
    value += sum(truth << bit for bit, truth in enumerate(since, start=16))
    assert throttled(value) == (now, since)


# ---- predict-zero ----


def in_parts(instructions, updates, setup, rate, band):
    setting_up = setup * 1e-9 / rate
    training = updates * instructions * 1e-9 / rate
    return np.array([1, 1 / band, band]) * (setting_up + training)


def in_logarithms(instructions, updates, setup, rate, band):
    middle = np.log(setup + updates * instructions) - np.log(rate) - 9 * np.log(10)
    return [np.exp(middle + step * np.log(band)) for step in (0, -1, 1)]


@pytest.mark.parametrize("answer", [lambda *given: tuple(in_parts(*given)), in_logarithms])
def test_a_prediction_is_right_however_it_is_worked_out(answer):
    assert say("predict-zero", answer).state == "right"


def test_the_package_predicts_the_same():
    counts = pd.DataFrame(
        [("activity", "numpy", 2.5e5, 1.7e9)], columns=["task", "kernel", "per_update", "setup_instructions"]
    )
    found = predict_seconds("zero-2w", "numpy", 50_000, setup=False, table=counts)
    assert predict(2.5e5, 50_000, 0.0, 0.83, 1.3) == pytest.approx((found.seconds, found.low, found.high))
    ready = predict_seconds("zero-2w", "numpy", 50_000, table=counts)
    assert predict(2.5e5, 50_000, 1.7e9, 0.83, 1.3)[0] == pytest.approx(ready.seconds)
