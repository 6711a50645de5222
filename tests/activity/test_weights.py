"""Weights, scaler and checkpoint: plain arrays that predict as Keras does, on a small device too."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.activity.model import ActivityModel, build_mlp, save_model
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import ARRAYS, FORMAT, Preprocessor, Weights, load_checkpoint
from pmt_helpers.datasets import FEATURE_NAMES, DataError
from pmt_helpers.datasets.arrays import digest, write_arrays, write_card
from pmt_helpers.datasets.files import shipped


@pytest.mark.parametrize("n_features", [1, 7, 43, 44])
def test_there_and_back_again_nothing_changes(n_features: int) -> None:
    model, other = build_mlp(n_features, 5, seed=1), build_mlp(n_features, 5, seed=2)
    Weights.from_model(model).to_model(other)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_predictions_are_those_of_keras() -> None:
    model = build_mlp(43, 6)
    X = np.random.default_rng(0).normal(size=(50, 43)).astype(np.float32)
    weights = Weights.from_model(model)
    guesses = np.asarray(model(X, training=False)).argmax(1)
    np.testing.assert_array_equal(weights.predict(weights.inputs(X)), guesses)
    assert len(np.unique(guesses)) > 1


@pytest.mark.parametrize(("init", "deviation"), [("he", (2 / 43) ** 0.5), ("literal", (43 / 2) ** 0.5)])
def test_random_weights_are_as_wide_as_those_of_the_keras_network(init: str, deviation: float) -> None:
    ours = Weights.initial(43, 6, init, np.random.default_rng(0))
    keras = Weights.from_model(build_mlp(43, 6, init=init))
    assert ours.hidden[:43].std() == pytest.approx(deviation, rel=0.05)
    assert ours.hidden[:43].std() == pytest.approx(keras.hidden[:43].std(), rel=0.05)
    assert ours.output.std() == pytest.approx(keras.output.std(), rel=0.1)
    assert not ours.hidden[43:].any()
    assert not ours.bias.any()


def test_the_input_of_the_bias_is_one_and_the_padding_zero() -> None:
    weights = Weights.initial(5, 3, "he", np.random.default_rng(0))
    inputs = weights.inputs(np.full((2, 5), 7.0))
    np.testing.assert_array_equal(inputs, [[7, 7, 7, 7, 7, 1, 0, 0]] * 2)


def test_other_widths_and_gaps_are_refused() -> None:
    weights = Weights.initial(5, 3, "he", np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"X must be \(n_windows, 5\) features for this network; got \(2, 4\)"):
        weights.inputs(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="1 of 2 windows hold NaN or infinity"):
        weights.inputs(np.array([[0.0] * 5, [np.nan] * 5]))
    with pytest.raises(ValueError, match="he, literal"):
        Weights.initial(5, 3, "xavier", np.random.default_rng(0))


def test_scaled_features_have_mean_zero_and_deviation_one_and_no_gaps() -> None:
    X = np.random.default_rng(0).normal([1, -5, 100], [1, 3, 50], size=(200, 3)).astype(np.float32)
    X[:20, 1] = np.nan
    scaled = Preprocessor.fit(X).transform(X)
    assert not np.isnan(scaled).any()
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[20:].std(0), 1, atol=0.1)
    assert (scaled[:20, 1] == 0).all()


def test_a_constant_feature_such_as_wisdms_xavg_becomes_zero_not_nan() -> None:
    scaled = Preprocessor.fit(np.zeros((5, 2))).transform(np.zeros((3, 2)))
    np.testing.assert_array_equal(scaled, 0)


def test_what_cannot_be_scaled_is_refused_with_the_reason() -> None:
    fitted = Preprocessor.fit(np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"X must be \(n_windows, 3\)"):
        fitted.transform(np.ones((4, 2)))
    with pytest.raises(ValueError, match="1 of 4 windows hold infinity"):
        fitted.transform(np.array([[1, np.inf, 1], *[[1, 1, 1]] * 3]))
    with pytest.raises(ValueError, match="zero windows"):
        Preprocessor.fit(np.empty((0, 3)))
    with pytest.raises(ValueError, match=r"columns \[1\]"):
        Preprocessor.fit(np.array([[1, np.nan], [2, np.nan]]))


AT_HOME = """
import sys
import numpy as np
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import load_checkpoint

checkpoint, card = load_checkpoint(sys.argv[1])
rng = np.random.default_rng(0)
X, y = checkpoint.windows(rng.normal(size=(30, 43))), rng.integers(0, 6, 30)
trained = train_online(Task(checkpoint.weights, X[:20], y[:20], (X[20:], y[20:])), epochs=50)
print(len(card["class_names"]), trained.epochs > 0)
print(sorted({"keras", "jax", "pandas", "sklearn"} & set(sys.modules)))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) / 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_a_process_that_only_retrains_needs_no_keras_and_about_200_mb_at_most(tmp_path: Path) -> None:
    scaler = Preprocessor(np.zeros(43, np.float32), np.ones(43, np.float32))
    classes = tuple("abcdef")
    stored = save_model(ActivityModel(build_mlp(43, 6), scaler, FEATURE_NAMES, classes), tmp_path / "shared")
    start = Weights.initial(43, 6, "he", np.random.default_rng(0))
    train_online(Task(start, start.inputs(np.zeros((1, 43))), np.zeros(1, int)), epochs=1)  # compiled, in Numba's cache
    environment = {**os.environ, "PYTHONPATH": str(shipped().parent)}
    command = [sys.executable, "-c", AT_HOME, str(stored)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    read, heavy, megabytes = done.stdout.splitlines()
    assert read == "6 True"
    assert heavy == "[]"
    # importing Numba alone takes 35 MB more on Python 3.13, which leaves a process there at 200 to 206
    assert float(megabytes) < (200 if sys.version_info < (3, 13) else 215)


def stored(path: Path, names: tuple[list, list] = (["a", "b"], ["sit", "walk", "run"]), **changes: np.ndarray) -> Path:
    """A small model's two files; the digest fits whatever was changed."""
    shapes = [(2, 128), (128,), (128, 3), (3,), (2,), (2,)]
    arrays = {name: np.ones(shape, np.float32) for name, shape in zip(ARRAYS, shapes, strict=True)} | changes
    write_arrays(path.with_suffix(".npz"), arrays)
    card = {"format": FORMAT, "feature_names": names[0], "class_names": names[1], "training": {}}
    write_card(path.with_suffix(".json"), {**card, "digest": digest(arrays)})
    return path


def test_a_stored_model_is_loaded(tmp_path: Path) -> None:
    checkpoint, card = load_checkpoint(stored(tmp_path / "m"))
    assert checkpoint.weights.output.shape == (3, 128)
    assert card["class_names"] == ["sit", "walk", "run"]


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, "one"])
def test_a_model_with_a_number_that_is_none_is_refused(tmp_path: Path, name: str, value: float | str) -> None:
    shape = load_checkpoint(stored(tmp_path / "m"))[0].scaler.mean.shape
    shapes = dict(zip(ARRAYS, [(2, 128), (128,), (128, 3), (3,), shape, shape], strict=True))
    array = np.full(shapes[name], 1.0).astype(type(value) if isinstance(value, float) else str)
    array.flat[0] = value
    with pytest.raises(DataError, match=f"{name} of finite decimal numbers"):
        load_checkpoint(stored(tmp_path / "m", **{name: array}))


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_that_is_not_above_zero_is_refused(tmp_path: Path, scale: float) -> None:
    with pytest.raises(DataError, match="scaler_scale of finite decimal numbers above 0"):
        load_checkpoint(stored(tmp_path / "m", scaler_scale=np.array([1.0, scale], np.float32)))


@pytest.mark.parametrize(
    ("features", "classes", "says"),
    [
        (["a", "b"], ["sit", "sit", "run"], "1 repeated"),
        (["a", "a"], ["sit", "walk", "run"], "1 repeated"),
        (["a", "b"], "abc", "str"),
        (["a", "b"], 3, "int"),
        (None, ["sit", "walk", "run"], "NoneType"),
        (["a", "b"], [], "0 entries"),
        (["a", "b"], [["sit"], "walk", "run"], "3 entries"),
        (["a", "b"], [f"class {number}" for number in range(200_000)], "200,000 entries"),
    ],
)
def test_names_that_are_none_are_refused_before_a_network_is_built(
    tmp_path: Path, features: list, classes: list, says: str
) -> None:
    with pytest.raises(DataError) as caught:
        load_checkpoint(stored(tmp_path / "m", (features, classes)))
    assert caught.value.found == says
