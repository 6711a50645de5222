"""Training at home: the compiled loop, the plain one and Keras take the same steps, and stop at the same time."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pmt_helpers.activity.keras_reference import keras_trainer
from pmt_helpers.activity.online import EPOCHS, Task, train_many, train_online
from pmt_helpers.activity.weights import Weights
from pmt_helpers.datasets import ActivityData
from pmt_helpers.datasets.files import shipped


def made_up(n: int, n_val: int = 0, n_features: int = 43, n_classes: int = 6, seed: int = 0) -> Task:
    """Random windows whose class can be learnt a little."""
    rng = np.random.default_rng(seed)
    start = Weights.initial(n_features, n_classes, "he", rng)
    y = rng.integers(0, n_classes, n + n_val)
    X = start.inputs(rng.normal(size=(n + n_val, n_features)) + 0.5 * np.eye(n_classes, n_features)[y])
    return Task(start, X[:n], y[:n], (X[n:], y[n:]) if n_val else None, seed)


def largest_difference(a: Weights, b: Weights) -> float:
    return max(np.abs(x - y).max() for x, y in ((a.hidden, b.hidden), (a.output, b.output), (a.bias, b.bias)))


def test_both_loops_take_the_steps_of_keras(watch: ActivityData) -> None:
    rows = np.flatnonzero(watch.users == 3)[::6]
    X = np.nan_to_num((watch.X[rows] - np.nanmean(watch.X, 0)) / (np.nanstd(watch.X, 0) + 1e-6))
    start = Weights.initial(43, len(watch.class_names), "he", np.random.default_rng(0))
    task = Task(start, start.inputs(X), watch.y[rows])
    keras = keras_trainer(start, X, watch.y[rows])(100)
    compiled = train_online(task, epochs=100, shuffle=False).weights
    reference = train_online(task, epochs=100, shuffle=False, reference=True).weights
    assert largest_difference(start, keras) > 0.01  # it has learnt something that could differ
    assert largest_difference(compiled, keras) < 1e-4
    assert largest_difference(reference, keras) < 1e-4


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(0, 5),
    st.integers(1, 9),
    st.integers(2, 9),
    st.booleans(),
    st.sampled_from(["all", "output"]),
    st.sampled_from([0.0, 2.0, 20.0]),
    st.integers(0, 99),
)
def test_the_compiled_loop_equals_the_reference(n, n_val, n_features, n_classes, shuffle, layers, l2_sp, seed) -> None:
    task = made_up(n, n_val, n_features, n_classes, seed)
    options = {"epochs": 12, "patience": 3, "shuffle": shuffle, "layers": layers, "l2_sp": l2_sp, "learning_rate": 0.01}
    fast, slow = train_online(task, **options), train_online(task, reference=True, **options)
    if n_val:  # where two epochs are equally good, rounding decides which is the best
        assume(np.diff(np.sort(slow.history[:, 2])).min(initial=1) > 1e-5)
    assert (fast.best_epoch, fast.epochs) == (slow.best_epoch, slow.epochs)
    assert largest_difference(fast.weights, slow.weights) < 1e-4
    np.testing.assert_allclose(fast.history, slow.history, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n_hidden", [1, 64, 130])
def test_any_number_of_hidden_units_is_trained_as_the_reference_trains_it(n_hidden: int) -> None:
    task, rng = made_up(12, 6), np.random.default_rng(0)
    narrow = replace(task, start=Weights.initial(43, 6, "he", rng, n_hidden))
    compiled, plain = (train_online(narrow, epochs=20, reference=reference) for reference in (False, True))
    assert compiled.weights.hidden.shape == (44, n_hidden)
    assert compiled.epochs == plain.epochs
    assert largest_difference(narrow.start, plain.weights) > 1e-3
    assert largest_difference(compiled.weights, plain.weights) < 1e-5


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**63))
def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(seed: int) -> None:
    tasks = [made_up(6, n_val, seed=seed % 1000 + n_val) for n_val in range(5)]
    tasks = [Task(task.start, task.X, task.y, task.validation, seed) for task in tasks]
    alone, together = (list(train_many(tasks, epochs=20, threads=threads)) for threads in (1, 3))
    for one, other in zip(alone, together, strict=True):
        for name in ("hidden", "output", "bias"):
            np.testing.assert_array_equal(getattr(one.weights, name), getattr(other.weights, name))
        np.testing.assert_array_equal(one.history, other.history)


FRESH = """
import hashlib
import numpy as np
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import Weights
rng = np.random.default_rng(0)
start = Weights.initial(43, 6, "he", rng)
trained = train_online(Task(start, start.inputs(rng.normal(size=(30, 43))), rng.integers(0, 6, 30)), epochs=100)
from pmt_helpers.activity.online_kernel import train
print(hashlib.sha256(trained.weights.hidden.tobytes()).hexdigest(), sum(train.stats.cache_hits.values()))
"""


def test_compiled_or_read_from_a_file_the_loop_gives_the_same_bits(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(shipped().parent)}
    runs = [
        subprocess.run([sys.executable, "-c", FRESH], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    (first, compiled), (second, read) = (run.stdout.split() for run in runs)
    assert (compiled, read) == ("0", "1")
    assert first == second


def test_another_seed_gives_another_order_and_other_weights() -> None:
    task = made_up(9)
    first, other = (train_online(Task(task.start, task.X, task.y, seed=seed), epochs=3).weights for seed in (0, 1))
    assert largest_difference(first, other) > 0


def test_the_start_is_left_as_it_was() -> None:
    task = made_up(5, 3)
    before = task.start.with_units(task.start.hidden.shape[1])
    train_online(task, epochs=5)
    assert largest_difference(before, task.start) == 0


def test_training_stops_after_ten_epochs_and_goes_back_to_the_best() -> None:
    task = made_up(8, 8, seed=3)
    trained = train_online(task, learning_rate=0.05)
    losses = trained.history[:, 2]
    assert trained.epochs < EPOCHS
    assert trained.epochs == trained.best_epoch + 10
    assert losses.argmin() == trained.best_epoch - 1
    as_long = train_online(Task(task.start, task.X, task.y, seed=3), epochs=EPOCHS, learning_rate=0.05)
    # the draws are made for all epochs at once, so a training cut at the best epoch takes the same steps
    assert largest_difference(trained.weights, as_long.weights) > 0
    again = train_online(task, epochs=trained.best_epoch, learning_rate=0.05)
    assert largest_difference(again.weights, trained.weights) == 0


@pytest.mark.parametrize(
    "change", [{"output": np.zeros((6, 64), np.float32)}, {"hidden": np.zeros((43, 128), np.float32)}]
)
def test_weights_of_no_network_do_not_reach_the_compiled_loop(change: dict) -> None:
    task = made_up(3)
    start = replace(task.start, **change)
    X = np.zeros((3, len(start.hidden)), np.float32)
    with pytest.raises(ValueError, match="no weights of one network"):
        train_online(Task(start, X, task.y))


def test_the_history_has_validation_only_where_validated() -> None:
    assert list(train_online(made_up(4), epochs=2).history_frame()) == ["epoch", "loss", "accuracy"]
    frame = train_online(made_up(4, 2), epochs=2).history_frame()
    assert list(frame) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert frame["epoch"].tolist() == [1, 2]


def test_only_the_output_layer_learns_when_asked() -> None:
    task = made_up(6)
    trained = train_online(task, epochs=5, layers="output").weights
    np.testing.assert_array_equal(trained.hidden, task.start.hidden)
    assert np.abs(trained.output - task.start.output).max() > 0


def test_a_stronger_l2_sp_ends_nearer_to_the_start() -> None:
    task = made_up(10)
    far = [
        largest_difference(train_online(task, epochs=50, l2_sp=strength).weights, task.start)
        for strength in (0, 1, 10, 1e6)
    ]
    assert far[0] > far[1] > far[2] > 1e-6 > far[3]


@pytest.mark.parametrize("reference", [False, True])
def test_a_loss_that_is_no_longer_finite_is_reported(reference: bool) -> None:
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="smaller learning rate"):
        train_online(made_up(6), epochs=60, learning_rate=1e30, reference=reference)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.full((6, 44), np.nan, np.float32)}, "6 of 6 training windows hold NaN or infinity"),
        ({"X": np.full((6, 44), np.inf, np.float32)}, "6 of 6 training windows hold NaN or infinity"),
        ({"y": np.full(6, 6)}, r"labels y \[6\] are not among the 6 classes"),
        ({"y": np.full(6, -1)}, r"labels y \[-1\] are not among the 6 classes"),
        ({"X": np.empty((0, 44), np.float32), "y": np.empty(0, int)}, "at least one training window"),
        ({"y": np.zeros(5, int)}, "got 6 windows, 5 labels"),
        ({"X": np.zeros((6, 43), np.float32)}, r"44 wide; got \(6, 43\)"),
        ({"validation": (np.zeros((2, 44), np.float32), np.array([0, 7]))}, r"validation labels y \[7\]"),
    ],
)
def test_what_cannot_be_learnt_from_is_named(change: dict, message: str) -> None:
    task = made_up(6)
    parts = {"X": task.X, "y": task.y, "validation": task.validation} | change
    with pytest.raises(ValueError, match=message):
        train_online(Task(task.start, **parts), epochs=1)


@pytest.mark.parametrize("options", [{"epochs": 0}, {"patience": 0}, {"learning_rate": 0.0}, {"l2_sp": -1.0}])
def test_impossible_settings_are_named(options: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        train_online(made_up(3), **{"epochs": 1, **options})
    with pytest.raises(ValueError, match="all"):
        train_online(made_up(3), epochs=1, layers="hidden")
