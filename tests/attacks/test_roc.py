"""ROC, AUC, hits at few false alarms: what is known of easy cases, and the quick bootstrap against a plain one."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from pmt_helpers.attacks.roc import attack_metrics, auc_per_user, compare_attacks, log_roc_curve, tpr_at_fpr


def guesses(n_people: int = 12, each: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members are a little surer; people differ in how much."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_people), each)
    member = rng.random(len(who)) < 0.4
    return member, rng.normal(size=len(who)) + member * rng.uniform(0, 2, n_people)[who], who


def test_a_perfect_attack_a_coin_and_one_that_is_always_wrong() -> None:
    member = np.arange(400) % 2 == 0
    who = np.arange(400) // 20
    for scores, auc in ((member * 1.0, 1.0), (np.zeros(400), 0.5), (member * -1.0, 0.0)):
        found = attack_metrics(member, scores, who)
        assert [found[name] for name in ("auc", "auc_low", "auc_high")] == pytest.approx([auc, auc, auc])
    assert attack_metrics(member, member * 1.0, who)["tpr"] == 1
    assert (
        attack_metrics(member, np.zeros(400), who)["tpr"] == 0
    )  # all alike: nobody can be named without naming everybody


def test_few_others_allow_no_false_alarm_at_all() -> None:
    member = np.array([True] * 10 + [False] * 10)
    scores = np.r_[np.arange(10, 20), np.arange(0, 9), 15]  # one of the others is surer than half of the members
    assert tpr_at_fpr(member, scores) == 0.4
    assert tpr_at_fpr(member, scores, 0.1) == 1.0


def test_the_interval_is_that_of_a_bootstrap_over_people() -> None:
    member, scores, who = guesses()
    found = attack_metrics(member, scores, who)
    rng, plain = np.random.default_rng(1), []
    for _ in range(200):
        rows = np.concatenate([np.flatnonzero(who == one) for one in rng.choice(12, 12)])
        plain.append((roc_auc_score(member[rows], scores[rows]), tpr_at_fpr(member[rows], scores[rows])))
    low, high = np.quantile(plain, [0.025, 0.975], axis=0)
    for place, name in enumerate(("auc", "tpr")):
        assert found[f"{name}_low"] == pytest.approx(low[place], abs=0.03)
        assert found[f"{name}_high"] == pytest.approx(high[place], abs=0.03)
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]
    windows = attack_metrics(member, scores, np.arange(len(member)))
    narrower = windows["auc_high"] - windows["auc_low"]
    assert narrower < found["auc_high"] - found["auc_low"]  # windows of one person are not so many witnesses


def test_the_thinned_curve_lies_on_the_full_one() -> None:
    member, scores, _ = guesses()
    drawn = log_roc_curve(member, scores)
    fpr, tpr, _ = roc_curve(member, scores, drop_intermediate=False)
    assert len(drawn) < len(fpr)
    assert drawn["fpr"].iloc[0] == pytest.approx(1 / (~member).sum())
    assert tuple(drawn.iloc[-1]) == (1, 1)
    for at, found in drawn.itertuples(index=False):
        assert found == tpr[fpr <= at + 1e-9].max()


def test_attacks_stand_side_by_side_and_people_one_by_one() -> None:
    member, scores, who = guesses()
    table, roc = compare_attacks(member, {"good": scores, "reversed": -scores}, who)
    assert table["attack"].tolist() == ["good", "reversed"]
    assert table["auc"].sum() == pytest.approx(1)
    assert set(roc["attack"]) == {"good", "reversed"}
    each = auc_per_user(member, scores, who)
    assert each[3] == roc_auc_score(member[who == 3], scores[who == 3])
    assert 5 not in auc_per_user(member | (who == 5), scores, who)  # all of person 5 are members: nothing to tell apart


def test_rows_of_one_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="all rows are of one kind"):
        attack_metrics(np.ones(5, bool), np.arange(5), np.arange(5))
