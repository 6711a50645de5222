"""A model travels as two plain files, and a file that does not match is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.activity import load_model, save_model, train_shared
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.datasets import ActivityData, DataError


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
def test_a_card_that_is_none_is_refused(saved: Path, content: str) -> None:
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
