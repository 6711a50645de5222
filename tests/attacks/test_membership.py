"""Membership inference on one personal model: it finds what was trained on, and nothing where nothing was."""

import numpy as np
import pytest

from pmt_helpers.activity import Person, personalise
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.membership import membership_inference
from pmt_helpers.datasets import ActivityData

PERSON, SIZE = 3, 30


def test_a_personal_model_leaks_and_the_shared_one_does_not(apart: ActivityData, keras_shared: ActivityModel) -> None:
    members, others = (apart.X[:SIZE], apart.y[:SIZE]), (apart.X[SIZE:], apart.y[SIZE:])
    personal = personalise(keras_shared, *members, epochs=300)
    found = membership_inference(personal, members, others, reference=keras_shared, shadows=32)
    auc = found.table.set_index("attack")["auc"]
    assert auc.index.tolist() == ["loss", "calibrated", "lira"]
    assert auc["lira"] > 0.75
    assert auc["lira"] > auc["loss"]
    assert len(found.scores) == len(apart)
    assert found.scores["member"].sum() == SIZE
    assert (found.table["auc_low"] < found.table["auc"]).all()

    nothing = membership_inference(keras_shared, members, others, reference=keras_shared, shadows=32, epochs=300)
    scores = nothing.scores.set_index("member")
    assert (scores["calibrated"] == 0).all()  # it began with itself
    assert abs(nothing.table.set_index("attack")["auc"]["lira"] - 0.5) < 0.2


def test_train_against_test_of_another_recording_is_told_apart_without_any_model(
    watch: ActivityData, shared: Checkpoint
) -> None:
    person = Person.of(watch, PERSON, "recording")
    with pytest.warns(UserWarning, match="draw both at random from the same windows"):
        found = membership_inference(shared, person.train(30), person.test)
    assert found.blind_auc > 0.9
    own = watch.select(np.random.default_rng(0).permutation(np.flatnonzero(watch.users == PERSON))[:80])
    mixed = membership_inference(shared, (own.X[:40], own.y[:40]), (own.X[40:], own.y[40:]))  # no warning
    assert mixed.blind_auc < 0.7


def test_shadows_train_as_long_as_the_model_did(apart: ActivityData, keras_shared: ActivityModel) -> None:
    members, others = (apart.X[:SIZE], apart.y[:SIZE]), (apart.X[SIZE:], apart.y[SIZE:])
    personal = personalise(keras_shared, *members, epochs=7)
    by_itself, told, wrong = (
        membership_inference(personal, members, others, reference=keras_shared, shadows=4, epochs=epochs).scores["lira"]
        for epochs in (None, 7, 300)
    )
    assert (by_itself == told).all()
    assert not (by_itself == wrong).all()


def test_what_an_attack_cannot_do_without_is_named(apart: ActivityData, keras_shared: ActivityModel) -> None:
    windows = apart.X[:5], apart.y[:5]
    with pytest.raises(ValueError, match="give it as reference="):
        membership_inference(keras_shared, windows, windows, shadows=2)
    with pytest.raises(ValueError, match="got 5 and 0"):
        membership_inference(keras_shared, windows, (apart.X[:0], apart.y[:0]))
    with pytest.raises(TypeError, match="got str"):
        membership_inference("a model", windows, windows)
