"""What claims are judged by."""

import numpy as np
import pandas as pd
import pytest

from pmt_helpers import experiments
from pmt_helpers.teaching.claims import VERDICTS, judge_claim, load_claims
from pmt_helpers.teaching.measures import MEASURES

BY_INTERVALS = [claim for claim in load_claims() if "lower end" in claim.claim]
DEVICE = sorted({claim.measure for claim in load_claims() if "06" in claim.notebooks})


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


def test_only_a_loop_that_starts_quickly_can_take_less_energy_than_wifi():
    ratios = MEASURES["energy_against_upload"]()
    assert ratios["numpy, slow Wi-Fi"] < 1 < ratios["numpy, fast Wi-Fi"]
    assert (ratios.filter(regex="^(numba|keras).*Wi-Fi") > 1).all()
    assert (ratios.filter(like="slow mobile 3G") < 1).all()


def test_interpreted_steps_take_longer_per_sample():
    ms = MEASURES["ms_a_sample"]()
    assert ms["numba"] < ms["numpy"] < ms["keras_batch"]
    assert (MEASURES["training_seconds"]() > ms / 1000 * 100).all()


READERS = ("stored_curve", "stored_federated", "stored_poisoning", "stored_privacy", "stored_similar", "stored_topics",
           "stored_unlearning", "stored_updates")  # fmt: skip


def noisier(grid, seed):
    """The grid as a noisier measurement would give it: the same means over people (or seeds), more spread."""
    column = next((name for name in ("bits", "loss") if name in grid), "accuracy")
    over = "seed" if column == "bits" else "user"
    rng = np.random.default_rng(seed)
    noise = pd.Series(rng.normal(0, 0.15 if column == "accuracy" else 0.5, len(grid)), grid.index)
    settings = [
        "seed",
        "who",
        "kind",
        "fraction",
        "model",
        "n_samples",
        "level",
        "optimizer",
        "scaler",
        "epsilon",
        "release",
    ]
    by = [name for name in [*settings, "trained_with", "more", "iteration"] if name in grid and name != over]
    noise = noise.groupby([grid[name] for name in [over, *by]]).transform("first")  # for all weights of a prior
    return grid.assign(**{column: grid[column] + noise - noise.groupby([grid[name] for name in by]).transform("mean")})


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("claim", BY_INTERVALS, ids=lambda claim: claim.id)
def test_a_noisier_measurement_makes_no_claim_easier(claim, seed, monkeypatch):
    stored = judge_claim(claim)
    for name in READERS:
        read = getattr(experiments, name)
        monkeypatch.setattr(experiments, name, lambda *a, _read=read, **k: noisier(_read(*a, **k), seed))
    noisy = judge_claim(claim)
    assert VERDICTS.index(noisy.verdict) >= VERDICTS.index(stored.verdict)
    assert (pd.Series(noisy.value) < pd.Series(stored.value)).all()


def test_noise_makes_no_message_look_harmless(monkeypatch):
    """The claim asks for an upper end, which noise moves up: for each message on average, as few people are noisy."""
    [claim] = [claim for claim in load_claims() if claim.measure == "traced_messages"]
    stored, read, rng = judge_claim(claim), experiments.stored_similar, np.random.default_rng(0)

    def noisy_messages(*arguments, **options):
        grid = read(*arguments, **options)
        people = pd.Series(rng.normal(0, 0.5, grid["user"].nunique()), grid["user"].unique())
        noise = grid["user"].map(people - people.mean()).where(grid["model"] != "nothing", 0)
        return grid.assign(accuracy=grid["accuracy"] + noise)

    monkeypatch.setattr(experiments, "stored_similar", noisy_messages)
    noisy = [judge_claim(claim) for _ in range(10)]
    assert {judged.verdict for judged in noisy} == {stored.verdict}
    assert (np.mean([judged.value for judged in noisy], axis=0) > stored.value).all()


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
