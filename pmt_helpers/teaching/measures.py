"""The measured values of the claims table: a function per value, from stored grids, data cards or code.

A measure gives a number, or a Series of numbers by group (dataset, person, kernel) when the claim is about each of
them. It raises FileNotFoundError or DataError when its source is not there: the claim is then "not measured yet".
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import Any

import pandas as pd

from pmt_helpers.activity.evaluation import ahead_until, crossing, curve_distance, paired_gain
from pmt_helpers.datasets import activity_names
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.files import paper_table, shipped
from pmt_helpers.device.cost_model import predict_seconds
from pmt_helpers.device.energy import raw_bytes, training_energy, upload_energy
from pmt_helpers.device.fits import fit_logs, memory_by_kernel
from pmt_helpers.device.logs import Log, read_logs
from pmt_helpers.device.paper import paper_slope, seconds_per_iteration
from pmt_helpers.experiments import (
    at_chosen_weight,
    privacy_cost,
    stored_base_models,
    stored_curve,
    stored_gradients,
    stored_membership,
    stored_poisoning,
    stored_privacy,
    stored_topics,
    validation_vs_test,
)
from pmt_helpers.topics import over_seeds
from pmt_helpers.topics.single_topic import improvement, local_after, saving

Value = float | pd.Series

MEASURES: dict[str, Callable[[], Value]] = {}  # by the name in data/claims.csv; `measure` fills it

COLLECTIONS = ("nips", "wikipedia", "news")
FLIPS = ("random", "pair", "next_likely", "least_likely")
ORIGINS = ("measured-host", "emulated-raspi3b-icount")
NETWORK_KERNELS = ("numpy", "numba", "jax", "keras_fit", "keras_batch")
BOARD, EPOCHS, WINDOWS = "3b", 1000, 160


def measure(*groups: str, grid: str = "") -> Callable[[Callable[..., Value]], Callable[[], Value]]:
    """Register a measure; with groups, the function gives the value of one, and the measure those of all.

    grid: the groups are the activity datasets whose stored grid of this name is there (see `_datasets_with`).
    """

    def register(function: Callable[..., Value]) -> Callable[[], Value]:
        @wraps(function)
        def measured() -> Value:
            names = _datasets_with(grid) if grid else groups
            return pd.Series({name: function(name) for name in names}) if names else function()

        MEASURES[function.__name__] = measured
        return measured

    return register


def _datasets_with(grid: str) -> list[str]:
    """The activity datasets whose stored grid is there, the one with most people first.

    grid: the grid's name, with {name} for the dataset and {unseen} for its unseen_split. When no dataset has it, all
    are named, so that the error says what is missing.
    """
    names = sorted(activity_names(), key=lambda name: -load_card(name).stated("size")["users"])
    grids = {name: grid.format(name=name, unseen=load_card(name).unseen_split) for name in names}
    return [name for name in names if shipped("results", f"{grids[name]}.csv").is_file()] or names


def _rows(grid: pd.DataFrame, **setting: Any) -> pd.DataFrame:
    """The rows of a stored grid in which these columns have these values."""
    for column, value in setting.items():
        grid = grid[grid[column] == value]
    return grid


# Notebook 01: the data and the shared model


@measure()
def wisdm_users() -> Value:
    """People in the WISDM file."""
    return float(load_card("wisdm").stated("size")["users"])


@measure()
def wisdm_windows_mean() -> Value:
    """Windows per person, on average."""
    return float(load_card("wisdm").stated("per-user")["mean"])


@measure()
def wisdm_windows_sd() -> Value:
    """Standard deviation over people of the number of windows."""
    return float(load_card("wisdm").stated("per-user")["sd"])


@measure()
def mlp_parameters() -> Value:
    """Trainable numbers of the network for 43 features and 6 classes."""
    from pmt_helpers.activity.model import build_mlp

    return float(build_mlp(43, 6).count_params())


@measure()
def shared_accuracy() -> Value:
    """WISDM, the paper's protocol: accuracy for the person left out; everybody counts the same, whatever the seeds."""
    rows = _rows(stored_base_models("wisdm"), recipe="paper", validation="random", init="he")
    return float(rows.groupby("user")["accuracy"].mean().mean())


@measure(grid="base_model_{name}")
def random_validation_excess(dataset: str) -> Value:
    """How much higher accuracy is on random validation windows than for the person left out."""
    table = validation_vs_test(stored_base_models(dataset)).set_index(["split", "what"])["accuracy"]
    return table["random windows", "validation"] - table["random windows", "unseen person"]


# Notebook 02: personal models


@measure()
def personal_over_shared() -> Value:
    """WISDM, the paper's protocol: from how many samples on personal models stay ahead of the shared one."""
    return crossing(stored_curve("wisdm", "random", early_stopping=False), "personal", "shared")


@measure()
def personal_ahead_of_local() -> Value:
    """WISDM, the paper's protocol: the most samples with which personal models are still ahead of local ones."""
    return ahead_until(stored_curve("wisdm", "random", early_stopping=False), "personal", "local")


@measure(grid="curve_{name}_blocked_stopped")
def gain_at_20_lower_end(dataset: str) -> Value:
    """Tested on another stretch of time: lower end of the interval of the mean gain at 20 samples."""
    return paired_gain(stored_curve(dataset), 20).low


@measure(grid="curve_{name}_blocked_stopped")
def harmed_at_20(dataset: str) -> Value:
    """Share of people whom a personal model of 20 samples serves worse than the shared one."""
    gain = paired_gain(stored_curve(dataset), 20)
    return len(gain.harmed) / len(gain.by_user)


@measure(grid="curve_{name}_{unseen}_stopped")
def gain_on_new_bouts(dataset: str) -> Value:
    """Mean gain at 40 samples, tested on bouts (WISDM) or on the arm (watch) that were not trained on."""
    return paired_gain(stored_curve(dataset, load_card(dataset).unseen_split), 40).mean


@measure()
def literal_distance_ratio() -> Value:
    """Distance of the curve with literal initial weights from the paper's, over the distance with He's."""
    paper = paper_table("fig3_accuracy_smooth")
    literal, he = (
        curve_distance(stored_curve("wisdm", "random", early_stopping=False, init=init), paper)
        for init in ("literal", "he")
    )
    return literal / he


# Notebook 03: topics


@measure()
def nips_words() -> Value:
    """Tokens in the papers of NIPS, in millions."""
    return float(load_card("nips").stated("size")["tokens"]) / 1e6


def _lead(dataset: str, iteration: int, percent: int = 100) -> float:
    """Lead of the personal model over the local one in bits per training word."""
    curves = _rows(stored_topics("likelihood", dataset), iteration=iteration)
    means = curves.groupby("shared_percent")["log2_likelihood"].mean()
    return float(means[percent] - means[0])


@measure(*COLLECTIONS)
def head_start(dataset: str) -> Value:
    """Lead of the personal model over the local one after the first iteration, in bits per training word."""
    return _lead(dataset, 1)


@measure(*COLLECTIONS)
def lead_at_the_end(dataset: str) -> Value:
    """The same after the last of fifty iterations."""
    return _lead(dataset, 50)


@measure(*COLLECTIONS)
def tenth_of_the_head_start(dataset: str) -> Value:
    """Share of the first iteration's lead that a tenth of the public documents gives."""
    return _lead(dataset, 1, 10) / _lead(dataset, 1)


@measure("nips", "wikipedia")
def one_topic_improvement(dataset: str) -> Value:
    """One-topic people: mean improvement of the likelihood over iterations 1 to 10, in percent."""
    return 100 * improvement(stored_topics("one_topic", dataset)).mean()


@measure()
def one_topic_saving() -> Value:
    """One-topic people of NIPS: median percent of iterations saved towards what local reaches after 5 to 40."""
    people = stored_topics("one_topic", "nips")
    targets = {f"local@{n}": local_after(people, n) for n in (5, 10, 20, 30, 40)}
    return pd.Series({name: 100 * saving(people, target).median() for name, target in targets.items()})


def _held_out_lead(dataset: str, model: str) -> float:
    """Lead of a model over the local one on held-out documents after fifty iterations, in bits per word."""
    means = _rows(stored_topics("held_out", dataset), iteration=50).groupby("model")["bits"].mean()
    return float(means[model] - means["local"])


@measure(*COLLECTIONS)
def held_out_lead(dataset: str) -> Value:
    """Lead of the personal model over the local one on held-out documents after fifty iterations, in bits per word."""
    return _held_out_lead(dataset, "personal")


@measure()
def shared_topics_unchanged() -> Value:
    """Held-out news: topics of Wikipedia as they are, minus the local model, in bits per word."""
    return _held_out_lead("news", "shared")


@measure("nips", "nips 30", "wikipedia", "news", "news 30")
def prior_upper_end(collection: str) -> Value:
    """Upper end of the interval of the prior's held-out gain over local, its weight chosen by validation.

    collection: the dataset, and how many local documents where not all. Below zero, the prior would harm by more than
    chance explains.
    """
    dataset, _, n_local = collection.partition(" ")
    grid = stored_topics("held_out", dataset, int(n_local) if n_local else None)
    bits = _rows(at_chosen_weight(grid), iteration=50).pivot(index="seed", columns="model", values="bits")
    gains = pd.DataFrame({"seed": bits.index, "gain": bits["prior"] - bits["local"], "model": "prior"})
    return over_seeds(gains, "gain")["upper"].item()


# Notebook 04: adversaries


def _poisoned(fraction: float, model: str, column: str) -> pd.Series:
    """WISDM: a column of the poisoning grid by kind of poison, for the model with the most clean windows."""
    grid = _rows(stored_poisoning("wisdm"), who="volunteers", model=model, fraction=fraction)
    return _rows(grid, n_samples=grid["n_samples"].max()).set_index("kind")[column]


@measure()
def shared_after_poisoning() -> Value:
    """Change of the shared model's accuracy when half of the volunteers are poisoned, by kind of label flip."""
    return _poisoned(0.5, "shared", "change")[list(FLIPS)]


@measure()
def recovered_at_30() -> Value:
    """Change of personal accuracy at 60 clean windows, 30% of the volunteers poisoned, by kind of label flip."""
    return _poisoned(0.3, "personal", "change")[list(FLIPS)]


@measure()
def recovered_at_50() -> Value:
    """The same when half of them are."""
    return _poisoned(0.5, "personal", "change")[list(FLIPS)]


@measure()
def backdoor_after_retraining() -> Value:
    """Share of marked windows that the personal model takes for the backdoor's class; half the volunteers poisoned."""
    return float(_poisoned(0.5, "personal", "attack_success")["backdoor"])


def _membership_auc(dataset: str, **setting: Any) -> float:
    return float(_rows(stored_membership(dataset), attack="calibrated", **setting)["auc"].iloc[0])


@measure(grid="membership_{name}")
def personal_tells_more(dataset: str) -> Value:
    """AUC of membership inference on the personal model, minus that on the shared one."""
    personal = _membership_auc(dataset, target="personal", n_samples=60, training="300")
    return personal - _membership_auc(dataset, target="shared", level="window")


@measure(grid="membership_{name}")
def volunteers_found(dataset: str) -> Value:
    """AUC of telling from the shared model whether a person is among its volunteers, by windows they gave."""
    return _membership_auc(dataset, target="shared", level="person")


@measure(grid="gradients_{name}")
def window_in_a_gradient(dataset: str) -> Value:
    """Share of windows read exactly from the gradient of one window."""
    return _rows(stored_gradients(dataset), upload="gradient", windows=1)["found"].item()


@measure()
def private_personal_cost() -> Value:
    """What epsilon 8 costs the personal model at 60 windows, against the same training without noise, by level."""
    costs = {}
    for level, unit in (("example", "window"), ("user", "volunteer")):
        rows = _rows(privacy_cost(stored_privacy("wisdm"), level), model="personal").set_index("epsilon")
        costs[f"each {unit}"] = rows["accuracy"][8.0] - rows["accuracy"][float("inf")]
    return pd.Series(costs)


# Notebook 05: devices


@lru_cache(maxsize=1)
def _shipped_logs() -> dict[str, tuple[Log, ...]]:
    return read_logs(shipped("pi_logs"))


def _our_logs() -> Iterator[tuple[str, tuple[Log, ...]]]:
    """Origin and logs of what we measured: not the paper's, and not those of a memory limit."""
    return ((origin, _shipped_logs()[origin]) for origin in ORIGINS if origin in _shipped_logs())


def _r_squared(by: str) -> pd.Series:
    """R2 by kernel and origin of the line of CPU seconds against this size."""
    return pd.Series(
        {f"{kernel}, {origin}": line.r2 for origin, logs in _our_logs() for kernel, line in fit_logs(logs, by).items()},
        dtype=float,
    )


@measure()
def linear_in_samples() -> Value:
    """R2 of the line of training seconds against samples."""
    return _r_squared("n_samples")


@measure()
def linear_in_documents() -> Value:
    """R2 of the line of an iteration's seconds against documents."""
    return _r_squared("n_documents")


@measure()
def linear_in_words() -> Value:
    """R2 of the line of an iteration's seconds against words of the vocabulary."""
    return _r_squared("n_words")


@measure()
def inference_ms() -> Value:
    """Median milliseconds of a prediction for one window, by kernel and origin."""
    medians: dict[str, float] = {}
    for origin, logs in _our_logs():
        for log in logs:
            if "latency_ms_median" in log.spans:
                rows = log.spans.dropna(subset=["latency_ms_median"])
                medians |= dict(zip(rows["kernel"].astype(str) + f", {origin}", rows["latency_ms_median"], strict=True))
    return pd.Series(medians, dtype=float)


@measure(*NETWORK_KERNELS)
def ms_a_sample(kernel: str) -> Value:
    """Predicted for a Pi 3B: milliseconds that one more window adds to a training of 1000 epochs."""
    return 1000 * predict_seconds(BOARD, kernel, EPOCHS, setup=False).seconds


@measure(*NETWORK_KERNELS)
def training_seconds(kernel: str) -> Value:
    """Predicted for a Pi 3B: seconds to set up and to train on 100 windows for 1000 epochs."""
    return predict_seconds(BOARD, kernel, 100 * EPOCHS).seconds


@measure()
def iteration_by_two_figures() -> Value:
    """Seconds of an iteration by the paper's Figure 8a, over those by its Figures 8c and 8d."""
    return seconds_per_iteration().ratio


@measure()
def energy_against_upload() -> Value:
    """Joules above idle of the paper's training on 160 windows, over those of uploading them, by radio.

    Seconds are the paper's slope, the power is a Pi 3B's; each radio at its fastest and at its slowest.
    """
    local = training_energy(BOARD, WINDOWS * paper_slope().slope).above_idle
    uploads = upload_energy(raw_bytes(WINDOWS)).set_index("radio").loc[["Wi-Fi", "Bluetooth", "mobile 3G"]]
    ends = {"fast": uploads["low"], "slow": uploads["high"]}
    return pd.concat([(local / joules).add_suffix(f", {speed}") for speed, joules in ends.items()])


@measure()
def keras_peak_mb() -> Value:
    """Peak resident memory of a process that trains with Keras, in MB, by kernel and origin."""
    rows = memory_by_kernel(log for logs in _shipped_logs().values() for log in logs)
    rows = rows[rows["kernel"].str.startswith("keras")]
    return rows.set_index(rows["kernel"] + ", " + rows["origin"])["peak_mb"]
