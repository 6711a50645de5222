"""The exercises of notebook 05: right however it is written, and wrong for a reason that the learner is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import Preprocessor, Weights
from pmt_helpers.attacks.roc import tpr_at_fpr
from pmt_helpers.attacks.vocabulary import recover_word_counts
from pmt_helpers.datasets import load_activity, load_documents
from pmt_helpers.privacy.reference import clip_and_noise
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.teaching.exercises.nb05 import (
    EXERCISES,
    QUESTIONS,
    loss_attack,
    private_mean,
    recover_count,
)
from pmt_helpers.topics import GibbsLDA

EXERCISE = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = st.integers(0, 2**32 - 1)


def say(exercise_id, answer):
    """The verdict on an answer; what it says is shown when a test fails."""
    verdict = judge(EXERCISE[exercise_id], answer)
    print(verdict.text)
    return verdict


def wrong_answer(exercise_id, name):
    """The solution with this mistake in it."""
    exercise = EXERCISE[exercise_id]
    return next(exercise.mutant(mistake) for mistake in exercise.mistakes if mistake.name == name)


def test_every_choice_of_the_quiz_is_explained():
    assert len(QUESTIONS) == 3
    for question in QUESTIONS:
        assert len(question.choices) == 3
        assert all(explained.endswith(".") and len(explained) > 80 for explained in question.choices.values())


# ---- loss-threshold ----


def by_scikit_learn(probabilities, y, member, max_fpr):
    scores = np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]
    fpr, tpr, _ = roc_curve(member, scores, drop_intermediate=False)
    return roc_auc_score(member, scores), tpr[fpr <= max_fpr].max()


def pair_by_pair(probabilities, y, member, max_fpr):
    losses = [-np.log2(row[label] + 1e-9) for row, label in zip(probabilities, y, strict=True)]
    own = [loss for loss, is_member in zip(losses, member, strict=True) if is_member]
    other = [loss for loss, is_member in zip(losses, member, strict=True) if not is_member]
    wins = sum(1.0 if a < b else 0.5 if a == b else 0.0 for a in own for b in other)
    rates = [0.0]
    for threshold in losses:
        if sum(loss <= threshold for loss in other) <= max_fpr * len(other):
            rates.append(sum(loss <= threshold for loss in own) / len(own))
    return wins / len(own) / len(other), max(rates)


def by_ranks(probabilities, y, member, max_fpr):
    from scipy.stats import rankdata

    p = probabilities[range(len(y)), y]
    n = member.sum()
    auc = (rankdata(p)[member].sum() - n * (n + 1) / 2) / (n * (~member).sum())
    allowed = int(max_fpr * (~member).sum() + 1e-9)
    first_alarm_too_many = np.sort(p[~member])[::-1][allowed]
    return [auc, (p[member] > first_alarm_too_many).mean()]


@pytest.mark.parametrize("answer", [by_scikit_learn, pair_by_pair, by_ranks])
def test_an_attack_is_judged_right_however_it_is_written(answer):
    assert say("loss-threshold", answer).state == "right"


@given(SEEDS, st.integers(1, 30), st.integers(1, 30), st.integers(2, 4), st.sampled_from([0.0, 0.01, 0.1, 0.3, 1.0]))
def test_the_solution_agrees_with_scikit_learn(seed, n_members, n_others, n_classes, max_fpr):
    rng = np.random.default_rng(seed)
    n = n_members + n_others
    member = rng.permutation(n) < n_members
    case = rng.multinomial(6, np.full(n_classes, 1 / n_classes), n) / 6, rng.integers(0, n_classes, n), member, max_fpr
    with np.errstate(divide="ignore"):  # log of 0
        found = loss_attack(*case)
    assert found == pytest.approx(by_scikit_learn(*case))


def test_the_solution_agrees_with_the_package():
    for probabilities, y, member, max_fpr in EXERCISE["loss-threshold"].cases.values():
        scores = probabilities[range(len(y)), y]
        with np.errstate(divide="ignore"):  # log of 0
            _, rate = loss_attack(probabilities, y, member, max_fpr)
        assert rate == pytest.approx(tpr_at_fpr(member, scores, max_fpr))


def test_on_a_model_of_one_person_the_loss_tells_better_than_being_right_and_a_coin_tells_nothing():
    """Half of a person's windows trained on from scratch, every other one: the attack sees them all."""
    data = load_activity("watch")
    rng = np.random.default_rng(6)
    found = {"loss": [], "right or wrong": [], "coin": []}
    for user in data.user_ids[:5]:
        own = data.users == user
        X, y = Preprocessor.fit(data.X[own]).transform(data.X[own]), data.y[own]
        member = rng.permutation(len(y)) < len(y) // 2
        start = Weights.initial(X.shape[1], len(data.class_names), "he", rng)
        weights = train_online(Task(start, start.inputs(X[member]), y[member], seed=0), epochs=300).weights
        scores = np.maximum(start.inputs(X) @ weights.hidden, 0) @ weights.output.T + weights.bias
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
        found["loss"].append(loss_attack(p, y, member, 0.01)[0])
        found["right or wrong"].append(wrong_answer("loss-threshold", "right or wrong")(p, y, member, 0.01)[0])
        found["coin"].append(loss_attack(p, y, rng.permutation(member), 0.01)[0])
    mean = {attack: np.mean(values) for attack, values in found.items()}
    assert mean["loss"] > 0.6
    assert 0.5 < mean["right or wrong"] < mean["loss"] - 0.03
    assert mean["coin"] == pytest.approx(0.5, abs=0.07)


# ---- clip-and-noise ----


def row_by_row(gradients, clip, noise_multiplier, expected_batch, noise):
    total = noise_multiplier * clip * noise
    for g in gradients:
        total = total + g * (min(1.0, clip / np.linalg.norm(g)) if g.any() else 1.0)
    return total / expected_batch


def by_where(gradients, clip, noise_multiplier, expected_batch, noise):
    norms = np.sqrt(np.einsum("ij,ij->i", gradients, gradients))
    factors = np.where(norms > clip, clip / norms, 1.0)
    return (factors @ gradients) / expected_batch + (noise_multiplier * clip / expected_batch) * noise


def in_single_precision(gradients, clip, noise_multiplier, expected_batch, noise):
    return row_by_row(np.float32(gradients), clip, noise_multiplier, expected_batch, np.float32(noise)).tolist()


@pytest.mark.parametrize("answer", [row_by_row, by_where, in_single_precision])
def test_a_private_step_is_right_however_it_is_written(answer):
    assert say("clip-and-noise", answer).state == "right"


def test_a_row_of_zeros_that_becomes_nan_is_called_by_name():
    def dividing(gradients, clip, noise_multiplier, expected_batch, noise):
        norms = np.linalg.norm(gradients, axis=1, keepdims=True)
        clipped = gradients / norms * np.minimum(norms, clip)
        return (clipped.sum(axis=0) + noise_multiplier * clip * noise) / expected_batch

    text = say("clip-and-noise", dividing).text
    assert "NaN" in text
    assert "one gradient is zero" in text


def test_the_package_draws_the_same_noise_on_the_same_sum():
    for gradients, clip, noise_multiplier, expected_batch, noise in EXERCISE["clip-and-noise"].cases.values():
        draws, rng = np.random.default_rng(3).standard_normal(len(noise)), np.random.default_rng(3)
        ours = private_mean(gradients, clip, noise_multiplier, expected_batch, draws)
        np.testing.assert_allclose(ours * expected_batch, clip_and_noise(gradients, clip, noise_multiplier, rng))


ROWS = arrays(np.float64, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(-1e3, 1e3))


@given(ROWS, arrays(np.float64, (1, 3), elements=st.floats(-1e6, 1e6)), st.floats(0.1, 10))
def test_whoever_joins_moves_the_step_by_at_most_clip_over_the_expected_batch(gradients, newcomer, clip):
    noise = np.array([0.3, -1.0, 2.0])
    before, after = (
        private_mean(rows, clip, 1.1, 8.0, noise) for rows in (gradients, np.concatenate([gradients, newcomer]))
    )
    assert np.linalg.norm(after - before) <= clip / 8.0 * (1 + 1e-9) + 1e-9


def most_moved(answer, clip, expected_batch):
    """By how much one gradient that joins moves the noiseless sum, at most: of some batches, with huge newcomers."""
    rng = np.random.default_rng(7)
    moved = []
    for n in (1, 2, 7):
        rows = rng.normal(size=(n, 4)) * 3 * clip
        for newcomer in (100 * rows[:1], -1000 * rows.sum(axis=0, keepdims=True), np.full((1, 4), 50 * clip)):
            pair = [
                answer(each, clip, 1.0, expected_batch, np.zeros(4)) for each in (rows, np.vstack([rows, newcomer]))
            ]
            moved.append(np.linalg.norm(pair[1] - pair[0]) * expected_batch)
    return max(moved)


def noise_of(answer, clip, noise_multiplier, expected_batch):
    """Standard deviation of the sum's noise in one direction: the answer is linear in the draws that it is given."""
    rows = np.zeros((3, 4))
    one, none = (answer(rows, clip, noise_multiplier, expected_batch, draws) for draws in (np.eye(4)[0], np.zeros(4)))
    return float((one - none)[0]) * expected_batch


@pytest.mark.parametrize(("clip", "noise_multiplier", "expected_batch"), [(0.5, 1.1, 64.0), (4.0, 0.7, 5.0)])
def test_the_solutions_noise_is_as_large_as_the_accountant_takes_it_to_be(clip, noise_multiplier, expected_batch):
    """Epsilon from dp-accounting, by the noise multiplier alone; delta worked out from what the function really does.

    The exact delta of a Gaussian mechanism is Balle and Wang's (2018, theorem 8), for noise over sensitivity.
    """
    dp = pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    from dp_accounting.pld import PLDAccountant

    sensitivity = most_moved(private_mean, clip, expected_batch)
    assert sensitivity == pytest.approx(clip)
    ratio = sensitivity / noise_of(private_mean, clip, noise_multiplier, expected_batch)
    accountant = PLDAccountant().compose(dp.GaussianDpEvent(noise_multiplier))
    for delta in (1e-5, 1e-2):
        epsilon = accountant.get_epsilon(delta)
        ours = norm.cdf(ratio / 2 - epsilon / ratio) - np.exp(epsilon) * norm.cdf(-ratio / 2 - epsilon / ratio)
        assert ours == pytest.approx(delta, rel=0.02)


@pytest.mark.parametrize(
    "name",
    [
        "clipped by batch",
        "mean clipped",
        "mean clipped, noise on top",
        "not clipped",
        "values clipped",
        "columns",
        "noise left out",
        "noise without clip",
        "actual number",
    ],
)
def test_a_leaky_step_has_less_noise_than_the_accountant_takes_it_to_have(name):
    leaky = wrong_answer("clip-and-noise", name)
    clip, noise_multiplier, batch = 2.0, 0.9, 2.0
    with np.errstate(divide="ignore"):  # some divide by the length of a gradient that is zero
        noise = noise_of(leaky, clip, noise_multiplier, batch)
    assert noise < 0.99 * noise_multiplier * most_moved(leaky, clip, batch)


# ---- recover-word ----


def topic_by_topic(phi, beta, column):
    tokens = 0
    for topic in phi:
        total = beta / min(topic)
        tokens += round(topic[column] * total - beta)
    return tokens


def by_ratios(phi, beta, column):
    return beta * (phi[:, column] / phi.min(axis=1) - 1).sum()


def all_words_at_once(phi, beta, column):
    counts = np.rint(phi / phi.min(1, keepdims=True) * beta - beta).astype(int)
    return counts.sum(axis=0)[column]


@pytest.mark.parametrize("answer", [topic_by_topic, by_ratios, all_words_at_once])
def test_a_word_is_read_back_right_however_it_is_written(answer):
    assert say("recover-word", answer).state == "right"


@pytest.mark.parametrize("whole", [round, np.rint])
@pytest.mark.parametrize("name", ["beta left in", "smallest of the column", "largest value", "n_words beta subtracted"])
def test_a_mistake_is_known_in_round_numbers_too(name, whole):
    wrong = wrong_answer("recover-word", name)
    assert say("recover-word", lambda *arguments: whole(wrong(*arguments))).mistake == name


def by_tokens(phi, beta, column):
    return (phi[:, column] * beta / phi.min(axis=1)).sum() - len(phi) * beta


def one_by_one(phi, beta, column):
    return sum(float(topic[column]) * (beta / min(topic)) - beta for topic in phi)


@pytest.mark.parametrize("answer", [by_ratios, by_tokens, one_by_one])
def test_a_count_that_int_cuts_off_is_known_however_it_is_computed(answer):
    assert say("recover-word", lambda *arguments: int(answer(*arguments))).mistake == "cut off"


def test_the_counts_topic_by_topic_are_told_apart_from_their_sum():
    text = say("recover-word", lambda phi, beta, column: phi[:, column] * beta / phi.min(axis=1) - beta).text
    assert "expected (), found (3,)" in text


@pytest.fixture(scope="module")
def published():
    """Word counts of some news texts, and the topics that were made from them."""
    counts = load_documents("news").counts[:60]
    counts = counts[:, np.unique(counts.indices)]
    return np.asarray(counts.sum(axis=0)).ravel(), GibbsLDA(8, alpha=1.0, beta=0.1, seed=1).fit(counts, 10).phi_


def test_every_word_of_real_news_texts_is_read_back_from_their_topics(published):
    tokens, phi = published
    assert len(tokens) > 1000
    assert [recover_count(phi, 0.1, column) for column in range(len(tokens))] == tokens.tolist()


def test_the_package_reads_the_same_counts(published):
    tokens, phi = published
    np.testing.assert_array_equal(recover_word_counts(phi, 0.1).by_word, tokens)


def test_with_another_beta_the_counts_are_wrong(published):
    tokens, phi = published
    assert [recover_count(phi, 0.2, column) for column in range(len(tokens))] != tokens.tolist()
