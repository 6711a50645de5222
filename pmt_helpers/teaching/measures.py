"""The measured values of the claims table, from stored grids, data cards or code: MEASURES, at the end.

A measure gives a number, or a Series of numbers by group (dataset, person, kernel) when the claim is about each of
them. It raises FileNotFoundError or DataError when its source is not there: the claim is then "not measured yet".
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import pandas as pd

from pmt_helpers import experiments
from pmt_helpers.activity import split_user, train_shared_fast
from pmt_helpers.activity.evaluation import ahead_until, crossing, curve_distance, mean_interval, paired_gain
from pmt_helpers.datasets import activity_names, load_activity
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.files import paper_table, shipped
from pmt_helpers.device.cost_model import predict_seconds
from pmt_helpers.device.energy import compare_energy, raw_bytes
from pmt_helpers.device.fits import fit_logs, memory_by_kernel
from pmt_helpers.device.logs import Log, read_logs
from pmt_helpers.device.paper import seconds_per_iteration
from pmt_helpers.topics import over_seeds
from pmt_helpers.topics.single_topic import improvement, local_after, saving

Value = float | pd.Series
Measure = Callable[[], Value]

ACTIVITIES = ("wisdm", "watch")  # those whose attacks and private models are stored
COLLECTIONS = ("nips", "wikipedia", "news")
HELD_OUT = ("nips", "nips 30", "wikipedia", "news", "news 30")
FLIPS = ["random", "pair", "next_likely", "least_likely"]
ORIGINS = ("measured-host", "emulated-raspi3b-icount")  # what we measured: not the paper's, nor under a memory limit
NETWORK_KERNELS = ("numpy", "numba", "jax", "keras_fit", "keras_batch")
BOARD, EPOCHS, WINDOWS = "3b", 1000, 160


def by_group(groups: Iterable[str], function: Callable[[str], float]) -> Measure:
    """The function's value for each of these groups."""
    return lambda: pd.Series({name: function(name) for name in groups})


def by_dataset(grid: str, function: Callable[[str], float]) -> Measure:
    """The function's value for each activity dataset whose stored grid is there, the one with most people first.

    grid: the grid's name, with {name} for the dataset and {unseen} for its unseen_split. When no dataset has it, all
    are asked, so that the error says what is missing.
    """

    def measured() -> Value:
        names = sorted(activity_names(), key=lambda name: -load_card(name).stated("size")["users"])
        grids = {name: grid.format(name=name, unseen=load_card(name).unseen_split) for name in names}
        there = [name for name in names if shipped("results", f"{grids[name]}.csv").is_file()]
        return by_group(there or names, function)()

    return measured


def _rows(grid: pd.DataFrame, **setting: Any) -> pd.DataFrame:
    """The rows of a stored grid in which these columns have these values."""
    for column, value in setting.items():
        grid = grid[grid[column] == value]
    return grid


# Notebooks 01 and 02: the shared model, and personal models


def mlp_parameters() -> float:
    from pmt_helpers.activity.model import build_mlp

    return float(build_mlp(43, 6).count_params())


def shared_accuracy() -> float:
    """Everybody counts the same, whatever the seeds."""
    rows = _rows(experiments.stored_base_models("wisdm"), recipe="paper", validation="random", init="he")
    return float(rows.groupby("user")["accuracy"].mean().mean())


def random_validation_excess(dataset: str) -> float:
    table = experiments.validation_vs_test(experiments.stored_base_models(dataset)).set_index(["split", "what"])[
        "accuracy"
    ]
    return table["random windows", "validation"] - table["random windows", "unseen person"]


def _paper_curve(init: str = "he") -> pd.DataFrame:
    """WISDM, the paper's protocol."""
    return experiments.stored_curve("wisdm", "random", early_stopping=False, init=init)


def harmed_at_20(dataset: str) -> float:
    gain = paired_gain(experiments.stored_curve(dataset), 20)
    return len(gain.harmed) / len(gain.by_user)


def literal_distance_ratio() -> float:
    paper = paper_table("fig3_accuracy_smooth")
    return curve_distance(_paper_curve("literal"), paper) / curve_distance(_paper_curve(), paper)


# Notebook 03: topics


def _lead(dataset: str, iteration: int, percent: int = 100) -> float:
    """Lead of the personal model over the local one in bits per training word."""
    curves = _rows(experiments.stored_topics("likelihood", dataset), iteration=iteration)
    means = curves.groupby("shared_percent")["log2_likelihood"].mean()
    return float(means[percent] - means[0])


def _held_out_lead(dataset: str, model: str) -> float:
    """Lead of a model over the local one on held-out documents after fifty iterations, in bits per word."""
    means = _rows(experiments.stored_topics("held_out", dataset), iteration=50).groupby("model")["bits"].mean()
    return float(means[model] - means["local"])


def one_topic_saving() -> Value:
    people = experiments.stored_topics("one_topic", "nips")
    targets = {f"local@{n}": local_after(people, n) for n in (5, 10, 20, 30, 40)}
    return pd.Series({name: 100 * saving(people, target).median() for name, target in targets.items()})


def prior_lower_end(collection: str, baseline: str = "local") -> float:
    """Lower end of the prior's held-out gain. collection: the dataset, and how many local documents where not all."""
    dataset, _, n_local = collection.partition(" ")
    grid = experiments.stored_topics("held_out", dataset, int(n_local) if n_local else None)
    bits = _rows(experiments.at_chosen_weight(grid), iteration=50).pivot(index="seed", columns="model", values="bits")
    gains = pd.DataFrame({"seed": bits.index, "gain": bits["prior"] - bits[baseline], "model": "prior"})
    return over_seeds(gains, "gain")["lower"].item()


# Notebook 04: adversaries


def _poisoned(fraction: float, model: str, column: str) -> pd.Series:
    """WISDM: a column of the poisoning grid by kind of poison, for the model with the most clean windows."""
    grid = _rows(experiments.stored_poisoning("wisdm"), who="volunteers", model=model, fraction=fraction)
    return _rows(grid, n_samples=grid["n_samples"].max()).set_index("kind")[column]


def recovered(fraction: float) -> pd.Series:
    """Lower end of the interval of the personal model's change at the most clean windows, by kind of label flip."""
    grid = _rows(experiments.stored_poisoning("wisdm", users=True), model="personal")
    accuracy = _rows(grid, n_samples=grid["n_samples"].max()).set_index("user")
    clean = _rows(accuracy, kind="none")["accuracy"]
    poisoned = _rows(accuracy, who="volunteers", fraction=fraction)
    changes = {kind: (_rows(poisoned, kind=kind)["accuracy"] - clean).dropna() for kind in FLIPS}
    return pd.Series({kind: mean_interval(change.to_numpy(float))[0] for kind, change in changes.items()})


# Notebook 05: privacy


def personal_tells_more() -> Value:
    """By dataset and training at home: by LiRA, on windows that share no reading, for either model."""
    leads = {}
    for dataset in ACTIVITIES:
        grid = _rows(experiments.stored_membership(dataset), attack="lira")
        [shared] = _rows(grid, level="window, no overlap")["auc"]
        for training, name in (("stopped", "early stopping"), ("300", "300 passes")):
            [personal] = _rows(grid, target="personal", n_samples=60, training=training)["auc"]
            leads[f"{dataset}, {name}"] = personal - shared
    return pd.Series(leads)


def volunteers_found() -> Value:
    """By dataset and what the attacker holds; the strongest attack of each."""
    found = {}
    for dataset in ACTIVITIES:
        for level, held in (("person", "given windows"), ("person, new recordings", "new recordings")):
            found[f"{dataset}, {held}"] = _rows(experiments.stored_membership(dataset), level=level)["auc"].max()
    return pd.Series(found)


def private_lower_ends(baseline: str) -> Value:
    """Lower end of the lead of the personal model after an epsilon-8 download, by dataset and what is protected."""
    units = {"example": "window", "user": "volunteer"}
    ends = {
        f"{dataset}, each {unit}": experiments.private_lead(
            experiments.stored_privacy(dataset), level, 8.0, baseline
        ).low
        for dataset in ACTIVITIES
        for level, unit in units.items()
    }
    return pd.Series(ends)


# Notebook 06: devices


@lru_cache(maxsize=1)
def _shipped_logs() -> dict[str, tuple[Log, ...]]:
    return read_logs(shipped("pi_logs"))


def _our_logs() -> dict[str, tuple[Log, ...]]:
    return {origin: _shipped_logs()[origin] for origin in ORIGINS if origin in _shipped_logs()}


def _r_squared(by: str) -> Measure:
    """R2 by kernel and origin of the line of CPU seconds against this size."""

    def measured() -> Value:
        fits = {origin: fit_logs(logs, by) for origin, logs in _our_logs().items()}
        return pd.Series({f"{kernel}, {origin}": fits[origin][kernel].r2 for origin in fits for kernel in fits[origin]})

    return measured


def inference_ms() -> Value:
    medians: dict[str, float] = {}
    for origin, logs in _our_logs().items():
        for log in logs:
            if "latency_ms_median" in log.spans:
                rows = log.spans.dropna(subset=["latency_ms_median"])
                medians |= dict(zip(rows["kernel"].astype(str) + f", {origin}", rows["latency_ms_median"], strict=True))
    return pd.Series(medians, dtype=float)


def energy_against_upload() -> Value:
    """By kernel and radio; each radio at its fastest and at its slowest."""
    joules = compare_energy(BOARD, WINDOWS)
    training, uploads = _rows(joules, kind="training").set_index("kernel")["above_idle"], joules.set_index("what")
    return pd.Series(
        {
            f"{kernel}, {speed} {radio}": above_idle / uploads.loc[f"upload by {radio}", end]
            for kernel, above_idle in training.items()
            for radio in ("Wi-Fi", "mobile 3G")
            for speed, end in (("fast", "low"), ("slow", "high"))
        }
    )


def keras_peak_mb() -> Value:
    rows = memory_by_kernel(log for logs in _shipped_logs().values() for log in logs)
    rows = rows[rows["kernel"].str.startswith("keras")]
    return rows.set_index(rows["kernel"] + ", " + rows["origin"])["peak_mb"]


# Notebook 07: the whole system


@lru_cache(maxsize=1)
def false_models_taken() -> float:
    """Of bad servers, how many gave a device their model or kept it from the cloud's own afterwards."""
    from pmt_helpers.system.servers import try_servers

    data = load_activity("watch")
    bad = try_servers(train_shared_fast(data, 1), data).iloc[1:]
    return float(((bad["result"] == "taken") | ~bad["honest_after"]).sum())


@lru_cache(maxsize=1)
def channels_that_tell() -> float:
    """Of number, lengths and bytes that a device sends, how many differ between two people with unlike data."""
    from pmt_helpers.system.audit import audit_processes
    from pmt_helpers.system.device import windows_of

    data = load_activity("watch")
    people = [windows_of(data, split_user(data, user).first(n_samples)) for user, n_samples in ((1, 4), (2, 40))]
    audited = audit_processes(people, encrypted=False)
    return float((audited.loc[audited["channel"] != "times", "verdict"] != "same").sum())


# similar people, and releases


def similar_lower_ends() -> Value:
    """By dataset and number of windows: lower end of the gain of donors chosen at home over personal training alone."""
    grids = {dataset: experiments.stored_similar(dataset) for dataset in ACTIVITIES}
    return pd.Series(
        {
            f"{dataset}, {size} windows": paired_gain(grid, size, "chosen at home", "personal").low
            for dataset, grid in grids.items()
            for size in sorted(grid["n_samples"].unique())
        }
    )


def traced_messages() -> Value:
    """By dataset and message: upper end of how much more often its sender is found than when nothing is sent."""
    grids = {dataset: experiments.stored_similar(dataset, "messages") for dataset in ACTIVITIES}
    return pd.Series(
        {
            f"{dataset}, {message}": paired_gain(grid, 20, message, "nothing").high
            for dataset, grid in grids.items()
            for message in grid["model"].unique()
            if message != "nothing"
        }
    )


def after_poison(of_gain: Callable[[Any], float]) -> Measure:
    """Of the gain of the better of a poisoned release and what people had over what they had: releases 2 to 4."""
    names = {f"{dataset}, {size} windows": (dataset, size) for dataset in ACTIVITIES for size in (10, 20, 40)}

    def measured(name: str) -> float:
        dataset, size = names[name]
        releases = experiments.stored_updates(dataset)
        return of_gain(paired_gain(releases[releases["release"] > 1], size, "poisoned, better", "before"))

    return by_group(names, measured)


def federated_lower_end(dataset: str, at_home: str = "") -> float:
    """Lower end of the lead of 40 rounds of federated averaging over the central model, 20 samples at home."""
    table = experiments.compare_federated(experiments.stored_federated(dataset))
    return _rows(table, model=f"FedAvg 40{at_home}")["low"].item()


def federated_bytes() -> Value:
    """Bytes that 40 rounds send over those of the features, by dataset, and (WISDM) of the readings behind them."""
    grids = {dataset: experiments.stored_federated(dataset) for dataset in ACTIVITIES}
    sent = {dataset: grid.groupby("model")["bytes_up"].mean() for dataset, grid in grids.items()}
    ratios = {f"{dataset}, features": bytes_up["FedAvg 40"] / bytes_up["central"] for dataset, bytes_up in sent.items()}
    readings = raw_bytes(round(load_card("wisdm").stated("per-user")["mean"]))
    return pd.Series({**ratios, "wisdm, readings": sent["wisdm"]["FedAvg 40"] / readings})


MEASURES: dict[str, Measure] = {  # by the name in data/claims.csv
    # people in the WISDM file, and windows per person
    "wisdm_users": lambda: float(load_card("wisdm").stated("size")["users"]),
    "wisdm_windows_mean": lambda: float(load_card("wisdm").stated("per-user")["mean"]),
    "wisdm_windows_sd": lambda: float(load_card("wisdm").stated("per-user")["sd"]),
    # trainable numbers of the network for 43 features and 6 classes
    "mlp_parameters": mlp_parameters,
    # WISDM, the paper's protocol: accuracy for the person left out
    "shared_accuracy": shared_accuracy,
    # how much higher accuracy is on random validation windows than for the person left out
    "random_validation_excess": by_dataset("base_model_{name}", random_validation_excess),
    # WISDM, the paper's protocol: from how many samples on personal models stay ahead of the shared one,
    # and the most samples with which they are still ahead of local ones
    "personal_over_shared": lambda: crossing(_paper_curve(), "personal", "shared"),
    "personal_ahead_of_local": lambda: ahead_until(_paper_curve(), "personal", "local"),
    # tested on another stretch of time, 20 samples: the lower end of the interval of the mean gain,
    # and the share of people whom the personal model serves worse than the shared one
    "gain_at_20_lower_end": by_dataset(
        "curve_{name}_blocked_stopped", lambda dataset: paired_gain(experiments.stored_curve(dataset), 20).low
    ),
    "harmed_at_20": by_dataset("curve_{name}_blocked_stopped", harmed_at_20),
    # mean gain at 40 samples, tested on bouts (WISDM) or on the arm (watch) that were not trained on
    "gain_on_new_bouts": by_dataset(
        "curve_{name}_{unseen}_stopped",
        lambda dataset: paired_gain(experiments.stored_curve(dataset, load_card(dataset).unseen_split), 40).mean,
    ),
    # distance of the curve with literal initial weights from the paper's, over the distance with He's
    "literal_distance_ratio": literal_distance_ratio,
    # tokens in the papers of NIPS, in millions
    "nips_words": lambda: float(load_card("nips").stated("size")["tokens"]) / 1e6,
    # lead of the personal model over the local one in bits per training word: after the first iteration and the last,
    # and the share of the first that a tenth of the public documents gives
    "head_start": by_group(COLLECTIONS, lambda dataset: _lead(dataset, 1)),
    "lead_at_the_end": by_group(COLLECTIONS, lambda dataset: _lead(dataset, 50)),
    "tenth_of_the_head_start": by_group(COLLECTIONS, lambda dataset: _lead(dataset, 1, 10) / _lead(dataset, 1)),
    # one-topic people: mean improvement of the likelihood over iterations 1 to 10, in percent,
    # and (NIPS) the median percent of iterations saved towards what local reaches after 5 to 40
    "one_topic_improvement": by_group(
        COLLECTIONS[:2], lambda dataset: 100 * improvement(experiments.stored_topics("one_topic", dataset)).mean()
    ),
    "one_topic_saving": one_topic_saving,
    # held-out documents after fifty iterations, in bits per word: lead of the personal model over the local one,
    # and (news) of Wikipedia's topics as they are
    "held_out_lead": by_group(COLLECTIONS, lambda dataset: _held_out_lead(dataset, "personal")),
    "shared_topics_unchanged": lambda: _held_out_lead("news", "shared"),
    # lower end of the interval of the prior's held-out gain, its weight chosen by validation: over the local model,
    # and over the shared topics as they are
    "prior_lower_end": by_group(HELD_OUT, prior_lower_end),
    "prior_over_shared": by_group(HELD_OUT, lambda collection: prior_lower_end(collection, "shared")),
    # change of accuracy by kind of label flip, half of the volunteers poisoned: of the shared model;
    # of the personal one at 60 clean windows (lower end of its interval), 30% of them poisoned and half of them
    "shared_after_poisoning": lambda: _poisoned(0.5, "shared", "change")[FLIPS],
    "recovered_at_30": lambda: recovered(0.3),
    "recovered_at_50": lambda: recovered(0.5),
    # share of marked windows that the personal model takes for the backdoor's class; half the volunteers poisoned
    "backdoor_after_retraining": lambda: float(_poisoned(0.5, "personal", "attack_success")["backdoor"]),
    # AUC of membership inference on the personal model, minus that on the shared one
    "personal_tells_more": personal_tells_more,
    # AUC of telling from the shared model whether a person is among its volunteers
    "volunteers_found": volunteers_found,
    # share of windows read exactly from the gradient of one window
    "window_in_a_gradient": by_dataset(
        "gradients_{name}",
        lambda dataset: _rows(experiments.stored_gradients(dataset), upload="gradient", windows=1)["found"].item(),
    ),
    # the personal model at 60 windows after an epsilon-8 download, against the same training without noise,
    # and against the local model, trained alone: lower ends of the leads
    "private_against_no_noise": lambda: private_lower_ends("no noise"),
    "private_against_local": lambda: private_lower_ends("local"),
    # share of the loss gap that as many further steps without a volunteer close: lower end of its interval over people
    "forgotten_lower_end": by_dataset(
        "unlearning_{name}", lambda dataset: experiments.share_forgotten(experiments.stored_unlearning(dataset)).low
    ),
    # R2 of the lines of training seconds against samples, and of an iteration's against documents and vocabulary
    "linear_in_samples": _r_squared("n_samples"),
    "linear_in_documents": _r_squared("n_documents"),
    "linear_in_words": _r_squared("n_words"),
    # median milliseconds of a prediction for one window, by kernel and origin
    "inference_ms": inference_ms,
    # predicted for a Pi 3B: milliseconds that one more window adds to a training of 1000 epochs,
    # and seconds to set up and to train on 100 windows
    "ms_a_sample": by_group(
        NETWORK_KERNELS, lambda kernel: 1000 * predict_seconds(BOARD, kernel, EPOCHS, setup=False).seconds
    ),
    "training_seconds": by_group(NETWORK_KERNELS, lambda kernel: predict_seconds(BOARD, kernel, 100 * EPOCHS).seconds),
    # seconds of an iteration by the paper's Figure 8a, over those by its Figures 8c and 8d
    "iteration_by_two_figures": lambda: seconds_per_iteration().ratio,
    # joules above idle of a predicted training on 160 windows, set-up included, over those of uploading them
    "energy_against_upload": energy_against_upload,
    # peak resident memory of a process that trains with Keras, in MB, by kernel and origin
    "keras_peak_mb": keras_peak_mb,
    # of bad servers, those whose model was taken; of what a device sends, what differs between people
    "false_models_taken": false_models_taken,
    "channels_that_tell": channels_that_tell,
    # donors chosen at home over personal training: lower end of the gain's interval
    "similar_lower_ends": similar_lower_ends,
    # how much more often than by guessing a message about similarity gives away who sent it: upper end of the interval
    "traced_messages": traced_messages,
    # a poisoned release, and the better of it and what people had: lower end of the change against what they had,
    # and the share of people made worse
    "poisoned_release": after_poison(lambda gain: gain.low),
    "harmed_by_a_release": after_poison(lambda gain: len(gain.harmed) / len(gain.by_user)),
    # lower end of the lead of 40 rounds of federated averaging over the central model, 20 samples at home:
    # as it comes, and both retrained there; and how many times the bytes of the data those rounds send
    "federated_as_it_comes": by_dataset("federated_{name}", federated_lower_end),
    "federated_at_home": by_dataset("federated_{name}", lambda dataset: federated_lower_end(dataset, " at home")),
    "federated_bytes": federated_bytes,
}
