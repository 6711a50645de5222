"""What claims are judged by."""

import pandas as pd
import pytest

from pmt_helpers import experiments
from pmt_helpers.teaching.claims import load_claims
from pmt_helpers.teaching.measures import MEASURES

DEVICE = sorted({claim.measure for claim in load_claims() if "05" in claim.notebooks})


@pytest.mark.parametrize("name", DEVICE)
def test_every_measure_has_numbers_and_each_has_a_name(name):
    value = MEASURES[name]()
    values = value if isinstance(value, pd.Series) else pd.Series({name: value})
    assert len(values)
    assert values.notna().all()
    assert values.index.is_unique
    assert (values > 0).all()


def test_measured_and_emulated_kernels_have_different_names():
    names = MEASURES["linear_in_samples"]().index
    assert {"numpy, measured-host", "numpy, emulated-raspi3b-icount"} <= set(names)
    assert not any("paper" in name for name in names)


def test_an_upload_over_wifi_is_cheaper_than_training():
    ratios = MEASURES["energy_against_upload"]()
    assert (ratios.filter(like="Wi-Fi") > 1).all()
    assert ratios["mobile 3G, slow"] < 1


def test_interpreted_steps_take_longer_per_sample():
    ms = MEASURES["ms_a_sample"]()
    assert ms["numba"] < ms["numpy"] < ms["keras_batch"]
    assert (MEASURES["training_seconds"]() > ms / 1000 * 100).all()


def test_every_measure_is_used_and_its_source_named():
    used = {claim.measure for claim in load_claims()}
    assert used == set(MEASURES)
    assert all(claim.source for claim in load_claims())


def test_a_measure_takes_each_persons_mean_first(monkeypatch):
    """A person with many seeds or windows counts no more than another."""
    grid = pd.DataFrame(
        {
            "recipe": "paper",
            "validation": ["random", "random", "random", "grouped"],
            "init": "he",
            "user": [1, 1, 2, 2],
            "accuracy": [0.9, 0.7, 0.4, 0.0],
            "val_accuracy": [0.9, 0.9, 0.8, 0.0],
        }
    )
    monkeypatch.setattr(experiments, "stored_base_models", lambda name: grid)
    assert MEASURES["shared_accuracy"]() == pytest.approx(0.6)
    assert MEASURES["random_validation_excess"]()["watch"] == pytest.approx(0.25)
