"""check() and the judge behind it: what it says to right, wrong, broken and unfinished answers."""

import inspect
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmt_helpers.teaching import check
from pmt_helpers.teaching.exercises import Exercise, all_exercises, calling, find_exercise
from pmt_helpers.teaching.exercises.checks import Interrupted
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.teaching.workbook_file import current_workbook

EXERCISES = list(all_exercises())


@pytest.fixture(autouse=True)
def own_workbook(tmp_path, monkeypatch):
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(tmp_path / "my_workbook.json"))


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr("pmt_helpers.teaching.exercises.checks.publish", bundles.append)
    return bundles


class NeverAgain(BaseException):
    """An exception that `except Exception` lets through."""


def stop(*args):
    raise NeverAgain("enough")


def leave(*args):
    raise SystemExit(3)


def recurse(*args):
    return recurse(*args)


class Rude:
    """Raises whatever is done with it."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


class CannotBePrinted(Exception):
    def __str__(self):
        raise RuntimeError("no")


def unprintable(*args):
    raise CannotBePrinted


ODD = [
    3, 2.5, "text", b"bytes", True, [], {}, object(), Rude(), int, dict, len, print, np.mean, np, Exercise, NeverAgain,
    stop, leave, recurse, unprintable, lambda: 1, lambda a: a, lambda *args: 1 / 0, lambda *args: "text",
    lambda *args: [[1], [2, 3]], lambda *args: np.nan, lambda *args: {"a": 1}, lambda *args: (part for part in args),
    lambda *args: Rude(), lambda *args: (Rude(), Rude()), lambda *args: args, lambda *args: np.zeros((0, 3)),
    lambda *args: np.array(["a", "b"]), lambda *args: 1j, lambda *args: np.zeros(1000), np.zeros(3), float("nan"),
]  # fmt: skip


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
@pytest.mark.parametrize("answer", ODD, ids=lambda answer: type(answer).__name__)
def test_any_other_answer_gets_one_sentence_and_no_traceback(exercise, answer, shown):
    check(exercise.id, answer)
    assert len(shown) == 1
    assert shown[0]["text/plain"].startswith(("Not yet: ", "To do: "))
    assert set(shown[0]) == {"text/plain", "text/html"}
    assert "could not read" not in shown[0]["text/plain"]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(EXERCISES),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.just(np.zeros(2)),
        lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
        max_leaves=5,
    ),
)
def test_whatever_a_function_returns_the_judge_survives(exercise, value):
    assert judge(exercise, lambda *args: value).state in ("to do", "not yet", "right")


def test_an_unknown_exercise_names_those_there_are(shown):
    check("feature-by-foot", 3)
    assert shown[0]["text/plain"].startswith("Not yet: no exercise is called 'feature-by-foot'")
    assert "feature-by-hand" in shown[0]["text/plain"]


def test_an_exception_is_reported_with_its_type_and_the_learners_line():
    def mean_absolute_deviation(window):
        deviation = window - window.mean(axis=0)
        return deviation @ deviation  # the line to be named

    text = judge(find_exercise("feature-by-hand"), mean_absolute_deviation).text
    assert "ValueError" in text
    assert re.search(r"line \d+: return deviation @ deviation", text)


def test_a_wrong_number_of_arguments_is_reported_with_the_call_that_was_made():
    text = judge(find_exercise("warm-up"), lambda predicted: 0.5).text
    assert "takes 1 positional argument but 2 were given" in text
    assert "called as accuracy(predicted, actual)" in text


def test_a_wrong_shape_is_reported_with_both_shapes():
    text = judge(find_exercise("feature-by-hand"), lambda window: np.zeros((1, 3))).text
    assert "expected (3,), found (1, 3)" in text


def test_nan_is_called_by_name():
    assert "NaN" in judge(find_exercise("feature-by-hand"), lambda window: np.full(3, np.nan)).text


def test_wrong_values_are_reported_with_ours_yours_and_the_case():
    exercise = find_exercise("feature-by-hand")
    text = judge(exercise, lambda window: exercise.solution(window) + np.array([0, 2, 0])).text
    ours, yours = (float(number) for number in re.search(r"ours is ([\d.]+) and yours is ([\d.]+)\.", text).groups())
    assert yours - ours == pytest.approx(2, abs=0.01)
    assert "'a walk'" in text


def test_two_mistakes_at_once_name_the_one_to_fix_first():
    """A naive softmax overflows as well; the missing ReLU is still the news."""

    def forward(X, W1, b1, W2, b2):
        scores = (X @ W1 + b1) @ W2 + b2
        return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)

    assert judge(find_exercise("forward-pass"), forward).mistake == "no ReLU"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_right_answer_in_another_dtype_or_type_is_right(dtype):
    exercise = find_exercise("feature-by-hand")
    assert judge(exercise, lambda window: exercise.solution(window).astype(dtype)).state == "right"
    assert judge(exercise, lambda window: exercise.solution(window).tolist()).state == "right"
    pair = find_exercise("sgd-step")
    assert judge(pair, lambda *args: list(pair.solution(*args))).state == "right"


def test_an_answer_that_changes_its_input_is_told_so_and_cannot_spoil_the_next_check():
    def sgd_step(W, b, x, y, learning_rate):
        scores = x @ W + b
        p = np.exp(scores - scores.max())
        p /= p.sum()
        p[y] -= 1
        W -= learning_rate * np.outer(x, p)
        b -= learning_rate * p
        return W, b

    exercise = find_exercise("sgd-step")
    for _ in range(2):
        assert judge(exercise, sgd_step).text == "Not yet: your function changes its argument `W`: change a copy."


def test_what_an_answer_prints_is_shown_below_the_verdict_and_warnings_are_not(shown, capfd, recwarn):
    def accuracy(predicted, actual):
        print("debugging")
        np.array([1.0]) / np.array([0.0])
        return (predicted == actual).mean()

    check("warm-up", accuracy)
    verdict, headline, *printed = shown[0]["text/plain"].splitlines()
    assert verdict.startswith("Right: ")
    assert headline == "Your function printed:"
    assert printed == [f"{case}: debugging" for case in find_exercise("warm-up").cases]
    assert "<pre>fifty windows: debugging\n" in shown[0]["text/html"]
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_printing_instead_of_returning_is_named(shown):
    def accuracy(predicted, actual):
        print((predicted == actual).mean())

    check("warm-up", accuracy)
    assert shown[0]["text/plain"].startswith(
        "Not yet: your function prints `0.8` but returns nothing: end it with return"
    )


def test_however_much_an_answer_prints_little_is_kept():
    def accuracy(predicted, actual):
        for number in range(10_000):
            print("line", number)
        return (predicted == actual).mean()

    verdict = judge(find_exercise("warm-up"), accuracy)
    assert verdict.state == "right"
    assert len(verdict.printed) < 1.3 * calling.MOST_PRINTED
    assert verdict.printed.endswith("...")


def counts(predicted, actual):
    n = 0
    while True:
        n += 1


def sleeps(predicted, actual):
    time.sleep(1000)


def prints(predicted, actual):
    while True:
        print("still here")


def catches(predicted, actual):
    while True:
        try:
            time.sleep(0.001)
        except Exception:
            time.sleep(0)


def catches_all(predicted, actual):
    while True:
        try:
            time.sleep(0.001)
        except:  # noqa: E722
            time.sleep(0)


def catches_all_twice(predicted, actual):
    while True:
        try:
            try:
                time.sleep(0.001)
            except:  # noqa: E722
                time.sleep(0)
        except:  # noqa: E722
            time.sleep(0)


def stopped_in(answer):
    """Whether an answer is stopped after a tenth of a second, and a line of it is told as it stands there."""
    text = judge(find_exercise("warm-up"), answer).text
    number, code = re.search(r"In the case '.+', after 0\.1 s it was still in line (\d+): `(.+)`\.$", text).groups()
    lines, first = inspect.getsourcelines(answer)
    return lines[int(number) - first].strip() == code


@pytest.mark.parametrize("answer", [counts, sleeps, prints, catches, catches_all, catches_all_twice])
def test_an_answer_that_never_ends_is_stopped_and_its_line_is_told(answer, monkeypatch):
    monkeypatch.setattr(calling, "SECONDS", 0.1)
    assert stopped_in(answer)


def test_so_it_is_on_another_thread_and_the_main_one_stays_as_it_was(monkeypatch):
    monkeypatch.setattr(calling, "SECONDS", 0.1)
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(stopped_in, counts).result(30)
        assert stopped_in(counts)
        monkeypatch.setattr(calling, "SECONDS", 10)
        assert (
            thread.submit(judge, find_exercise("warm-up"), find_exercise("warm-up").solution).result(30).state
            == "right"
        )


def test_a_loop_that_ends_only_for_the_numbers_of_the_cases_is_stopped_in_a_symptom(monkeypatch):
    monkeypatch.setattr(calling, "SECONDS", 1)
    exercise = find_exercise("paired-bootstrap")

    def paired_interval(before, after, n_resamples, seed):
        while n_resamples < 1000:
            pass
        return exercise.solution(before, after, n_resamples, seed)

    text = judge(exercise, paired_interval).text
    assert "still in line" in text
    assert "`while n_resamples < 1000:`" in text


def test_nothing_is_left_behind_of_a_time_limit():
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL), sys.gettrace()
    judge(find_exercise("warm-up"), find_exercise("warm-up").solution)
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL), sys.gettrace()) == before


@pytest.mark.parametrize("way", [sys.exit, leave, exit, quit])
def test_an_answer_that_exits_is_told_so(way, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)  # exit() closes it

    def accuracy(predicted, actual):
        way()

    assert (
        "your function calls exit, which would stop the whole notebook (line"
        in judge(find_exercise("warm-up"), accuracy).text
    )


def test_an_answer_that_asks_the_learner_is_told_so_at_once_and_input_works_again_after():
    before = input
    text = judge(find_exercise("warm-up"), lambda predicted, actual: input("accuracy? ")).text
    assert "RuntimeError: input() cannot be answered in a check: use the arguments instead (line" in text
    assert input is before


def test_a_learner_who_stops_a_slow_answer_is_obeyed_and_sees_none_of_our_frames():
    def for_ever(*args):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        check("warm-up", for_ever)
    assert re.fullmatch(r"You stopped this check in line \d+: raise KeyboardInterrupt", str(stopped.value))
    assert stopped.value._render_traceback_() == [str(stopped.value)]


KERNEL = """
from pmt_helpers.teaching import check
from pmt_helpers.teaching.exercises import calling
calling.SECONDS = 0.5
---
def accuracy(predicted, actual):
    exit()

check("warm-up", accuracy)
---
def accuracy(predicted, actual):
    print("before")
    quit()

check("warm-up", accuracy)
---
def accuracy(predicted, actual):
    while True:
        pass

check("warm-up", accuracy)
---
def accuracy(predicted, actual):
    raise KeyboardInterrupt

check("warm-up", accuracy)
---
def accuracy(predicted, actual):
    print((predicted == actual).mean())

check("warm-up", accuracy)
---
def accuracy(predicted, actual):
    print(len(actual))
    return (predicted == actual).mean()

check("warm-up", accuracy)
---
def accuracy(predicted, actual):
    return float(input())

check("warm-up", accuracy)
"""


def test_in_a_notebook_every_cell_says_what_happened_and_the_kernel_lives_on():
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in KERNEL.split("---\n")])
    NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    said = [
        output.get("data", {}).get("text/plain", "\n".join(output.get("traceback", [])))
        for cell in notebook.cells[1:]
        for output in cell.outputs
    ]
    assert len(said) == 7
    assert "line 2: `exit()`" in said[0]
    assert "line 3: `quit()`" in said[1]
    assert said[1].endswith(
        "Your function printed:\nfifty windows: before\nfour windows, three right: before\nall wrong: before\n"
        "one right of three thousand: before"
    )
    assert re.search("after 0.5 s it was still in line [23]: `(while True:|pass)`", said[2])
    assert said[3] == "You stopped this check in line 2: raise KeyboardInterrupt"
    assert "prints `0.8` but returns nothing" in said[4]
    assert said[5].startswith("Right: ")
    assert "fifty windows: 50\nfour windows, three right: 4" in said[5]
    assert "input() cannot be answered in a check: use the arguments instead (line 2: return float(input()))" in said[6]


# ---- wrong answers that look right ----


def with_replacement(users, fraction, seed):
    people = np.unique(users)
    return np.isin(users, np.random.default_rng(seed).choice(people, max(1, round(fraction * len(people)))))


def bootstrap(n_resamples_of=lambda n: n, n_people_of=lambda n: n, statistic=np.mean):
    """A paired interval from another number of resamples, another number of people, or another statistic."""

    def paired_interval(before, after, n_resamples, seed):
        gains, size = after - before, (n_resamples_of(n_resamples), n_people_of(len(before)))
        drawn = np.random.default_rng(seed).integers(0, len(gains), size)
        return tuple(np.quantile(statistic(gains[drawn], axis=1), [0.025, 0.975]))

    return paired_interval


def overwriting(W, b, *others):
    W[:], b[:] = SGD_STEP(W, b, *others)
    return W, b


def leaked(*arguments):
    return find_exercise("find-the-leak").solution(*arguments)


def parse_log(refuse):
    """A reader that does something else than raise where a log should be refused."""

    def answer(lines, origin):
        try:
            return find_exercise("parse-record").solution(lines, origin)
        except ValueError as error:
            return refuse(error)

    return answer


SGD_STEP = find_exercise("sgd-step").solution


@pytest.mark.parametrize(
    ("exercise_id", "answer", "mistake"),
    [
        ("grouped-validation", with_replacement, "with replacement"),
        ("find-the-leak", lambda *given: leaked(*given).astype(int), "numbers"),
        ("find-the-leak", lambda *given: leaked(*given).astype(float), "numbers"),
        ("sgd-step", overwriting, "arguments changed"),
        ("paired-bootstrap", bootstrap(), None),
        ("paired-bootstrap", bootstrap(lambda n: 4000), "other resamples"),
        ("paired-bootstrap", bootstrap(lambda n: n // 2), "other resamples"),
        ("paired-bootstrap", bootstrap(lambda n: n + 1), "other resamples"),
        ("paired-bootstrap", bootstrap(n_people_of=lambda n: n - 1), "other people"),
        ("paired-bootstrap", bootstrap(n_people_of=lambda n: n + 1), "other people"),
        ("paired-bootstrap", bootstrap(statistic=np.median), "another interval"),
        ("parse-record", parse_log(str), "returned, not raised"),
        ("parse-record", parse_log(lambda error: error), "returned, not raised"),
        ("parse-record", parse_log(print), "returned, not raised"),
        ("parse-record", parse_log(lambda error: 0.0), "swallows damage"),
        ("warm-up", lambda p, a: round(float((p == a).mean()), 3), "rounded"),
    ],
)
def test_an_answer_that_is_wrong_in_a_way_easily_missed_is_named(exercise_id, answer, mistake):
    verdict = judge(find_exercise(exercise_id), answer)
    assert (verdict.mistake, verdict.state) == (mistake, "not yet" if mistake else "right")


# ---- what is returned, in words ----


def test_a_path_without_return_is_told_with_its_case():
    def early_stopping(val_losses, patience):
        best = 0
        for epoch, loss in enumerate(val_losses):
            if loss < val_losses[best]:
                best = epoch
            elif epoch - best >= patience:
                return best + 1, epoch + 1

    text = judge(find_exercise("early-stopping"), early_stopping).text
    assert "in the case 'still improving at the end' it returned nothing (None)" in text
    assert "Does every path through it end with return?" in text


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda *args: (SGD_STEP(*args)[0], None), "a tuple of 2 (an array of shape (4, 3), nothing (None))"),
        (lambda *args: ("a", "b"), "a tuple of 2 (the text 'a', the text 'b')"),
        (lambda *args: "ab", "it returned the text 'ab'"),
        (lambda *args: SGD_STEP(*args)[0], "it returned an array of shape (4, 3)"),
        (lambda W, *args: (W.sum, 1), "the function sum itself (add () to call it)"),
        (
            lambda *args: (SGD_STEP(*args)[0], SGD_STEP(*args)[1] + 1),
            "the second value is wrong, the first value is right. In the case",
        ),
        (
            lambda *args: (SGD_STEP(*args)[0] + 1, SGD_STEP(*args)[1]),
            "the first value is wrong, the second value is right. In the case",
        ),
        (lambda *args: (args[0] * 9, args[1] * 9), "both values are wrong. In the case"),
    ],
)
def test_what_is_returned_is_described_and_which_value_is_wrong(answer, says):
    assert says in judge(find_exercise("sgd-step"), answer).text


def test_values_that_differ_late_are_shown_with_more_digits():
    exercise = find_exercise("choose-weight")
    text = judge(exercise, lambda *args: (1.0002 * exercise.solution(*args)[0], exercise.solution(*args)[1])).text
    assert "ours is 1 and yours is 1.0002." in text


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_the_third_hint_names_something_that_opens(exercise):
    """The path from the project's folder, which is where JupyterLab starts, and two lines that show the source."""
    path, module, name = re.search(
        r"(pmt_helpers/[\w/]+\.py).*To read it, run these two lines in a new cell: "
        r"`import ([\w.]+) as ours` and `ours\.(\w+)\?\?`\.$",
        exercise.hints[2],
    ).groups()
    source = inspect.getsourcefile(getattr(import_module(module), name))
    assert Path(source) == Path(calling.__file__).parents[3] / path
    assert exercise.hints[2].startswith(f"{name} in {path} ")
    for each, path in re.findall(r"(\w+) in (pmt_helpers/[\w/]+)\.py", exercise.hints[2]):
        assert hasattr(import_module(path.replace("/", ".")), each)


def test_the_split_of_scikit_learn_passes_the_property_check():
    from sklearn.model_selection import GroupShuffleSplit

    def grouped_split(users, fraction, seed):
        splitter = GroupShuffleSplit(1, test_size=max(1, round(fraction * len(np.unique(users)))), random_state=seed)
        mask = np.zeros(len(users), bool)
        mask[next(splitter.split(users, groups=users))[1]] = True
        return mask

    assert judge(find_exercise("grouped-validation"), grouped_split).state == "right"


def test_the_solutions_step_is_the_step_that_keras_takes():
    import keras

    W, b, x, y, learning_rate = find_exercise("sgd-step").cases["a random layer"]
    layer = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    layer.set_weights([W, b])
    layer.compile(keras.optimizers.SGD(learning_rate), "sparse_categorical_crossentropy")
    layer.train_on_batch(x[None], np.array([y]))
    for ours, theirs in zip(
        find_exercise("sgd-step").solution(W, b, x, y, learning_rate), layer.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_solutions_forward_pass_is_what_the_network_of_the_workbook_does():
    from pmt_helpers.activity.model import build_mlp

    model = build_mlp(43, 6)
    X = np.random.default_rng(0).normal(size=(5, 43)).astype(np.float32)
    W1, b1, W2, b2 = model.get_weights()
    ours = find_exercise("forward-pass").solution(X, W1, b1, W2, b2)
    np.testing.assert_allclose(ours, model.predict(X, verbose=0), atol=1e-5)


def test_the_solutions_feature_is_the_one_the_package_computes():
    from pmt_helpers.datasets.features import FEATURE_NAMES, extract_features

    window = np.random.default_rng(0).normal(size=(100, 3))
    features = dict(zip(FEATURE_NAMES, extract_features(window[None], 20.0)[0], strict=True))
    ours = find_exercise("feature-by-hand").solution(window)
    np.testing.assert_allclose(ours, [features[f"{axis}ABSOLDEV"] for axis in "XYZ"], rtol=1e-5)


class Nesting(HTMLParser):
    """How deep <details> are nested, and whether every tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.deepest = [], 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.deepest = max(self.deepest, self.open.count("details"))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_hints_open_one_inside_of_the_other_and_only_until_the_answer_is_right(shown):
    exercise = find_exercise("warm-up")
    check("warm-up", lambda predicted, actual: 0.5)
    check("warm-up", ...)
    check("warm-up", exercise.solution)
    wrong, blank, right = (Nesting(bundle["text/html"]) for bundle in shown)
    assert (wrong.deepest, blank.deepest, right.deepest) == (3, 3, 0)
    assert not [tag for html in (wrong, blank, right) for tag in html.open]


def test_the_plain_text_has_the_nudge_when_wrong_and_never_more(shown):
    exercise = find_exercise("warm-up")
    check("warm-up", lambda predicted, actual: 0.5)
    check("warm-up", ...)
    wrong, blank = (bundle["text/plain"] for bundle in shown)
    assert exercise.hints[0] in wrong
    assert exercise.hints[1] not in wrong
    assert exercise.hints[0] not in blank


def test_the_verdict_does_not_depend_on_colour_and_is_escaped(shown):
    check("warm-up", lambda predicted, actual: [[1], "<script>alert(1)</script>"])
    check("warm-up", "<b>bold</b>")
    for bundle in shown:
        assert "<b>Not yet:</b>" in re.sub(r"<span.*?</span> ", "", bundle["text/html"])
        assert "<script>" not in bundle["text/html"]
        assert "<b>bold</b>" not in bundle["text/html"]


def test_progress_is_kept_in_the_workbook_file(shown):
    check("warm-up", find_exercise("warm-up").solution)
    check("sgd-step", ...)
    assert current_workbook().section("checks") == {"warm-up": "right", "sgd-step": "to do"}


def test_attempts_and_the_last_named_mistake_are_kept_and_blank_answers_are_no_attempt(shown):
    warm_up = find_exercise("warm-up")
    for answer in (..., warm_up.mutant(warm_up.mistakes[1]), warm_up.mutant(warm_up.mistakes[0]), warm_up.solution):
        check("warm-up", answer)
    assert current_workbook().get("attempts", "warm-up") == 3
    assert current_workbook().get("mistakes", "warm-up") == "count"
    current_workbook().put("attempts", "warm-up", "many")
    check("warm-up", warm_up.solution)
    assert current_workbook().get("attempts", "warm-up") == 1


def doubled(answer):
    """what your function makes of one right prediction."""
    return f"{answer(np.array([1]), np.array([1])):.0%}"


def test_a_right_answer_is_put_to_work_and_what_comes_out_is_displayed(shown, monkeypatch):
    displayed = []
    monkeypatch.setattr("pmt_helpers.teaching.exercises.checks.display", displayed.append)
    check("warm-up", find_exercise("warm-up").solution, use=doubled)
    assert displayed == ["100%"]
    assert len(shown) == 1


@pytest.mark.parametrize("answer", [None, lambda predicted, actual: (predicted == actual).sum()])
def test_until_then_the_cell_says_in_grey_what_it_will_show(shown, answer):
    check("warm-up", answer, use=doubled)
    assert shown[1]["text/plain"] == (
        "Once your answer is right, this cell also shows what your function makes of one right prediction."
    )
    assert "color: var(--jp-ui-font-color2, #767676)" in shown[1]["text/html"]


def test_a_right_answer_that_stops_on_the_learners_data_shows_no_traceback(shown, capsys):
    def broken(answer):
        """something."""
        raise ZeroDivisionError("no data")

    check("warm-up", find_exercise("warm-up").solution, use=broken)
    assert len(shown) == 1
    assert "it stopped with these data: ZeroDivisionError: no data" in capsys.readouterr().out
