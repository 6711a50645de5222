"""Federated averaging: what a round is, what FedProx and FedPer change, and what is sent."""

import numpy as np
import pytest

from pmt_helpers.activity.federated import federated_rounds, train_federated, weighted_mean
from pmt_helpers.activity.masking import secure_sum
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.shared import initial_weights, training_rows
from pmt_helpers.activity.weights import Preprocessor, Weights
from pmt_helpers.datasets import ActivityData

LAYERS = ("hidden", "output", "bias")


def assert_same(one: Weights, other: Weights, **tolerance: float) -> None:
    for layer in LAYERS:
        np.testing.assert_allclose(getattr(one, layer), getattr(other, layer), **(tolerance or {"rtol": 0, "atol": 0}))


def test_one_round_of_one_volunteer_and_one_epoch_is_plain_training(four_people: ActivityData) -> None:
    alone = four_people.select(four_people.users == 2)
    model = train_federated(alone, rounds=1, local_epochs=1, seed=3).model
    rows = training_rows(alone, None, 3)
    start, scaler = initial_weights(alone, 3), Preprocessor.fit(alone.X[rows])
    task = Task(start, start.inputs(scaler.transform(alone.X[rows])), alone.y[rows], seed=(3, 0, 2))
    assert_same(model.weights, train_online(task, epochs=1, learning_rate=0.01).weights)
    np.testing.assert_array_equal(model.scaler.mean, scaler.mean)


def test_each_round_begins_with_the_average_of_the_last_one(four_people: ActivityData) -> None:
    first, second = federated_rounds(four_people, rounds=2, local_epochs=1)
    rows = training_rows(four_people, None, 0)
    sizes = [(four_people.users[rows] == user).sum() for user in first.uploads]
    for number, layer in enumerate(LAYERS):
        mean = np.average([arrays[number] for arrays in first.uploads.values()], axis=0, weights=sizes)
        np.testing.assert_allclose(getattr(first.model.weights, layer), mean, atol=1e-6)
    own = rows[four_people.users[rows] == 4]
    task = Task(first.model.weights, first.model.windows(four_people.X[own]), four_people.y[own], seed=(0, 1, 4))
    assert_same(second.at_home[4], train_online(task, epochs=1, learning_rate=0.01).weights)


def test_the_person_left_out_sends_nothing_and_changes_nothing(four_people: ActivityData) -> None:
    without = four_people.select(four_people.users != 2)
    federation = train_federated(four_people, 2, rounds=2)
    assert set(federation.uploads) == {1, 3, 4}
    assert_same(federation.model.weights, train_federated(without, rounds=2).model.weights)


def test_volunteers_count_by_their_windows() -> None:
    values = np.array([[0.0, 8.0], [4.0, 0.0]])
    np.testing.assert_array_equal(weighted_mean(values, np.array([3, 1])), [1.0, 6.0])


def test_a_pull_of_zero_is_federated_averaging_and_a_huge_one_stays_where_it_was(four_people: ActivityData) -> None:
    start = initial_weights(four_people, 0)
    moved = {pull: train_federated(four_people, rounds=2, proximal=pull).model.weights for pull in (0.0, 0.1, 1.0)}
    assert_same(moved[0.0], train_federated(four_people, rounds=2).model.weights)
    far = [np.abs(weights.hidden - start.hidden).mean() for weights in moved.values()]
    assert far[0] > far[1] > far[2] > 0
    assert_same(train_federated(four_people, rounds=2, proximal=1e6).model.weights, start, atol=1e-6)


def test_with_a_personal_output_layer_none_leaves_home(four_people: ActivityData) -> None:
    rounds = list(federated_rounds(four_people, rounds=3, personal_output=True))
    start = initial_weights(four_people, 0)
    for federation in rounds:
        for user, arrays in federation.uploads.items():
            [hidden] = arrays
            np.testing.assert_array_equal(hidden, federation.at_home[user].hidden)
        np.testing.assert_array_equal(federation.model.weights.output, start.output)  # nobody's
        np.testing.assert_array_equal(federation.model.weights.bias, start.bias)
    outputs = [weights.output for weights in rounds[-1].at_home.values()]
    assert all(np.abs(one - outputs[0]).max() > 0.01 for one in outputs[1:])
    assert np.abs(outputs[0] - rounds[0].at_home[1].output).max() > 0.01  # it learns on, and is not set back


def test_bytes_are_those_of_what_would_be_sent(four_people: ActivityData) -> None:
    for personal_output, layers in ((False, LAYERS), (True, ("hidden",))):
        federation = train_federated(four_people, rounds=3, local_epochs=1, personal_output=personal_output)
        weights = federation.model.weights
        message = b"".join(np.ascontiguousarray(getattr(weights, layer)).tobytes() for layer in layers)
        assert federation.bytes_up == 3 * len(message)
        for arrays in federation.uploads.values():
            assert len(b"".join(array.tobytes() for array in arrays)) == len(message)


def test_more_data_are_no_more_bytes(watch: ActivityData, four_people: ActivityData) -> None:
    sent = [train_federated(data, rounds=1, local_epochs=1).bytes_up for data in (four_people, watch)]
    assert sent[0] == sent[1]


def secure_mean(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return secure_sum(values * (sizes / sizes.sum()).reshape(-1, *[1] * (values.ndim - 1))).total


def test_averaging_masked_uploads_gives_the_same_model(four_people: ActivityData) -> None:
    plain, masked = (
        train_federated(four_people, rounds=2, local_epochs=1, aggregate=aggregate).model.weights
        for aggregate in (weighted_mean, secure_mean)
    )
    assert_same(masked, plain, atol=1e-5)


def test_a_seed_gives_the_same_model_again_and_another_another(four_people: ActivityData) -> None:
    one, again, other = (train_federated(four_people, seed=seed, rounds=1).model.weights for seed in (0, 0, 1))
    assert_same(one, again)
    assert np.abs(one.hidden - other.hidden).max() > 0.01


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rounds": 0}, "rounds"),
        ({"local_epochs": 0}, "epochs"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"proximal": -1.0}, "l2_sp"),
        ({"exclude_user": 77}, "77"),
    ],
)
def test_settings_that_nothing_can_be_learnt_with_are_refused(
    wrong: dict[str, float], message: str, four_people: ActivityData
) -> None:
    with pytest.raises(ValueError, match=message):
        train_federated(four_people, **wrong)  # type: ignore[arg-type]


def test_training_that_diverges_is_no_model(four_people: ActivityData) -> None:
    with pytest.raises(FloatingPointError, match="learning rate"):
        train_federated(four_people, rounds=2, learning_rate=1e4)
