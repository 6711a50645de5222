"""The network is the paper's, the best epoch the first best, and a stored model is the same or refused."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity import load_model, save_model, train_shared
from pmt_helpers.activity.model import L2_STRENGTH, ActivityModel, best_epoch, build_mlp
from pmt_helpers.datasets import ActivityData, DataError


def test_it_has_the_papers_6406_parameters() -> None:
    assert build_mlp(43, 6).count_params() == 43 * 128 + 128 + 128 * 6 + 6 == 6406


@pytest.mark.parametrize(
    ("init", "deviation"), [("he", lambda n: (2 / n) ** 0.5), ("literal", lambda n: (n / 2) ** 0.5)]
)
def test_weights_start_as_wide_as_the_formula_says(init: str, deviation) -> None:
    hidden, bias, output, _ = build_mlp(43, 6, init=init).get_weights()
    assert hidden.std() == pytest.approx(deviation(43), rel=0.05)
    assert output.std() == pytest.approx(deviation(128), rel=0.1)
    assert (bias == 0).all()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    first, again, other = (build_mlp(seed=seed).get_weights()[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_the_penalty_is_half_of_keras_l2_as_in_the_paper() -> None:
    model = build_mlp()
    squares = sum(float((w**2).sum()) for w in (model.get_weights()[0], model.get_weights()[2]))
    assert float(sum(model.losses)) == pytest.approx(L2_STRENGTH / 2 * squares, rel=1e-5)


def test_predictions_are_probabilities() -> None:
    p = np.asarray(build_mlp(43, 7, dropout=0.4)(np.random.default_rng(0).normal(size=(5, 43)), training=False))
    assert p.shape == (5, 7)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(ValueError, match="he, literal"):
        build_mlp(init="glorot")


def test_keras_runs_on_jax() -> None:
    assert keras.backend.backend() == "jax"


@pytest.mark.parametrize(("monitor", "epoch"), [("val_loss", 2), ("val_accuracy", 3)])
def test_the_best_epoch_is_the_first_best_of_the_monitor(monitor: str, epoch: int) -> None:
    history = pd.DataFrame(
        {"epoch": [1, 2, 3, 4], "val_loss": [0.5, 0.3, 0.4, 0.3], "val_accuracy": [0.1, 0.6, 0.8, 0.8]}
    )
    assert best_epoch(history, monitor)["epoch"] == epoch


def test_without_validation_the_last_epoch_is_best() -> None:
    assert best_epoch(pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 2.0]}))["epoch"] == 2


@pytest.fixture(scope="module")
def trained(four_people: ActivityData) -> ActivityModel:
    return train_shared(four_people, exclude_user=1, epochs=5, progress=False)


@pytest.fixture
def saved(trained: ActivityModel, tmp_path: Path) -> Path:
    return save_model(trained, tmp_path / "shared")


def test_a_model_comes_back_with_the_same_predictions(
    trained: ActivityModel, saved: Path, four_people: ActivityData
) -> None:
    back = load_model(saved)
    np.testing.assert_array_equal(back.predict_proba(four_people.X), trained.predict_proba(four_people.X))
    assert back.class_names == trained.class_names
    assert back.card["exclude_user"] == 1


def test_it_is_small_enough_to_send_and_holds_nobodys_data(saved: Path) -> None:
    assert saved.stat().st_size < 60_000
    with np.load(saved) as archive:
        assert sum(a.size for a in map(archive.get, archive.files)) == 43 * 128 + 128 + 128 * 7 + 7 + 2 * 43


def test_a_cut_off_file_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"shared\.npz[\s\S]*damaged"):
        load_model(saved)


def test_weights_changed_on_the_way_are_noticed(saved: Path) -> None:
    with np.load(saved) as archive:
        arrays = dict(archive)
    arrays["activity_bias"] = arrays["activity_bias"] + 1
    np.savez(saved, **arrays)
    with pytest.raises(DataError, match="digest"):
        load_model(saved)


def test_a_card_of_another_model_is_noticed(trained: ActivityModel, saved: Path, four_people: ActivityData) -> None:
    other = save_model(train_shared(four_people, exclude_user=2, epochs=1, progress=False), saved.parent / "other")
    saved.with_suffix(".json").write_text(other.with_suffix(".json").read_text())
    with pytest.raises(DataError, match="together"):
        load_model(saved)


def test_weights_of_another_network_are_refused(trained: ActivityModel, saved: Path) -> None:
    card = json.loads(saved.with_suffix(".json").read_text())
    card["class_names"].append("FLYING")
    saved.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(DataError, match="8 classes"):
        load_model(saved)


@pytest.mark.parametrize("content", ["", "not json", "[1, 2]", '{"format": "something else"}'])
def test_an_invalid_card_is_refused(saved: Path, content: str) -> None:
    saved.with_suffix(".json").write_text(content)
    with pytest.raises(DataError, match=r"shared\.json"):
        load_model(saved)


def test_a_pickle_in_disguise_is_not_opened(saved: Path) -> None:
    np.savez(saved, hidden_kernel=np.array([print], dtype=object))
    with pytest.raises(DataError, match="plain arrays"):
        load_model(saved)


def test_a_missing_file_says_to_keep_both_together(saved: Path) -> None:
    saved.unlink()
    with pytest.raises(DataError, match="together"):
        load_model(saved)
