"""The stored price of privacy is what was measured before this workbook."""

import math

import pytest

from pmt_helpers.experiments import stored_privacy
from pmt_helpers.experiments.privacy import privacy_cost

BEFORE = {8.0: 0.750, 3.0: 0.728, 1.0: 0.636}  # findings.md, each window protected


def test_shared_accuracy_by_epsilon_on_everybody_of_wisdm() -> None:
    rows = privacy_cost(stored_privacy("wisdm"), "example").query("model == 'shared' and n_samples == 0")
    assert set(rows["users"]) == {36}
    accuracy = rows.set_index("epsilon")["accuracy"]
    for epsilon, before in BEFORE.items():
        assert accuracy[epsilon] == pytest.approx(before, abs=0.03)
    assert accuracy.sort_index().is_monotonic_increasing


@pytest.mark.parametrize("dataset", ["wisdm", "watch"])
def test_hiding_a_volunteer_costs_more_than_hiding_a_window(dataset: str) -> None:
    cost = {
        level: privacy_cost(stored_privacy(dataset), level).query("model == 'shared' and n_samples == 0")
        for level in ("example", "user")
    }
    window, volunteer = (cost[level].set_index("epsilon")["accuracy"] for level in ("example", "user"))
    assert (volunteer[[8.0, 3.0, 1.0]] < window[[8.0, 3.0, 1.0]]).all()
    assert volunteer[math.inf] == pytest.approx(window[math.inf], abs=0.05)


def test_personal_models_win_most_of_the_cost_back() -> None:
    rows = privacy_cost(stored_privacy("wisdm"), "user").query("n_samples == 60")
    lost = {
        model: group.set_index("epsilon")["accuracy"][math.inf] - group.set_index("epsilon")["accuracy"][1.0]
        for model, group in rows.groupby("model")
    }
    assert lost["personal"] < lost["shared"] / 2
