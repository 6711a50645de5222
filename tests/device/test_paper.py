"""What the paper's seconds do not tell, worked out from its own figures."""

import pandas as pd
import pytest

from pmt_helpers.datasets.files import paper_table
from pmt_helpers.device import implied_epochs, paper_slope, predict_seconds, seconds_per_iteration

COUNTS = pd.DataFrame(
    [("activity", "numpy", 261_000, 1.7e9), ("activity", "jax", 44_700, 1.1e10)],
    columns=["task", "kernel", "per_update", "setup_instructions"],
)


def test_two_figures_of_the_paper_disagree_by_a_factor_of_two():
    found = seconds_per_iteration()
    assert found.low < found.figure_8cd < found.high < found.figure_8a / 2
    assert found.ratio > 2


def test_no_single_point_of_8c_and_8d_comes_near_8a():
    both = paper_table("fig8c_seconds_to_likelihood").merge(paper_table("fig8d_iterations_to_likelihood"))
    smallest = paper_table("fig8a_seconds_per_iteration_by_documents")["seconds"].min()
    assert len(both) == 11
    assert (both["seconds"] / both["iterations"] < smallest / 2).all()


def test_local_and_personal_models_cost_the_same_a_sample():
    local, personal = paper_slope("local"), paper_slope("personal")
    assert local.slope == pytest.approx(personal.slope, rel=0.1)
    assert 0.07 < personal.slope_low < personal.slope_high < 0.08


def test_any_cost_of_an_update_agrees_with_some_number_of_epochs():
    rows = implied_epochs(kernels=("numpy", "jax"), table=COUNTS).set_index("kernel")
    assert rows.loc["jax", "epochs"] > 4 * rows.loc["numpy", "epochs"]
    for kernel, row in rows.iterrows():
        seconds = predict_seconds("3b", str(kernel), round(row["epochs"]), setup=False, table=COUNTS).seconds
        assert seconds == pytest.approx(paper_slope().slope, rel=0.01)
        assert row["low"] < row["epochs"] < row["high"]


def test_a_thousand_numpy_epochs_take_longer_than_the_paper():
    row = implied_epochs(kernels=("numpy",), table=COUNTS).iloc[0]
    assert row["high"] < 1000
