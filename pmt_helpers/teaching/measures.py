"""Where the measured values of the claims table come from: stored grids, data cards, code. One function a value.

A function returns a number, or a Series of numbers by group (dataset, person) when the claim is about each of them.
It raises FileNotFoundError or DataError when its source is not there: the claim is then "not measured yet".
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import pandas as pd

from pmt_helpers.activity.evaluation import ahead_until, crossing, distance, paired_gain
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.files import paper_table, shipped
from pmt_helpers.device.cost_model import predict_seconds
from pmt_helpers.device.energy import raw_bytes, training_energy, upload_energy
from pmt_helpers.device.fits import fit_logs, memory_by_kernel
from pmt_helpers.device.logs import Log, read_logs
from pmt_helpers.device.paper import paper_slope, seconds_an_iteration
from pmt_helpers.experiments import stored_privacy, stored_topics
from pmt_helpers.experiments.activity import stored_curve
from pmt_helpers.experiments.poisoning import stored_poisoning
from pmt_helpers.experiments.privacy import privacy_cost
from pmt_helpers.experiments.results import read_grid
from pmt_helpers.experiments.topics import at_chosen_weight
from pmt_helpers.topics import over_seeds
from pmt_helpers.topics.single_topic import improvement, local_after, saving

LIES = ("random", "pair", "next_likely", "least_likely")


def _poisoned(fraction: float, model: str, column: str, who: str = "volunteers") -> pd.Series:
    """WISDM: a column of the poisoning grid by kind, for the model with the most clean windows."""
    grid = stored_poisoning("wisdm").query("who == @who and model == @model")
    grid = grid[(grid["fraction"] == fraction) & (grid["n_samples"] == grid["n_samples"].max())]
    return grid.set_index("kind")[column]


def shared_after_lies() -> pd.Series:
    """Change of the shared model's accuracy when half of the volunteers lie, by kind of lie."""
    return _poisoned(0.5, "shared", "change")[list(LIES)]


def healed_at_30() -> pd.Series:
    """Change of personal accuracy at 60 clean windows when 30% of the volunteers lie, by kind of lie."""
    return _poisoned(0.3, "personal", "change")[list(LIES)]


def healed_at_50() -> pd.Series:
    """The same when half of them do."""
    return _poisoned(0.5, "personal", "change")[list(LIES)]


def backdoor_after_retraining() -> float:
    """Share of marked windows that the personal model takes for the backdoor's class, half of the volunteers lying."""
    return float(_poisoned(0.5, "personal", "attack_success")["backdoor"])


def _leak(dataset: str, query: str) -> float:
    return float(read_grid(f"membership_{dataset}").query(f"attack == 'calibrated' and {query}")["auc"].iloc[0])


def personal_tells_more() -> pd.Series:
    """AUC of membership inference on the personal model, minus that on the shared one."""
    found = {}
    for dataset in ("wisdm", "watch"):
        personal = _leak(dataset, "target == 'personal' and n_samples == 60 and training == '300'")
        found[dataset] = personal - _leak(dataset, "target == 'shared' and level == 'window'")
    return pd.Series(found)


def volunteers_found() -> pd.Series:
    """AUC of telling from the shared model whether a person is among its volunteers, by windows they gave."""
    return pd.Series({name: _leak(name, "target == 'shared' and level == 'person'") for name in ("wisdm", "watch")})


def window_in_a_gradient() -> pd.Series:
    """Share of windows read exactly from the gradient of one window."""
    grids = {name: read_grid(f"gradients_{name}") for name in ("wisdm", "watch")}
    return pd.Series(
        {name: grid.query("upload == 'gradient' and windows == 1")["found"].item() for name, grid in grids.items()}
    )


def private_personal_cost() -> pd.Series:
    """What epsilon 8 costs the personal model at 60 windows, against the same training without noise, by level."""
    costs = {}
    for level in ("example", "user"):
        rows = privacy_cost(stored_privacy("wisdm"), level).query("model == 'personal'").set_index("epsilon")
        costs[f"each {'window' if level == 'example' else 'volunteer'}"] = (
            rows["accuracy"][8.0] - rows["accuracy"][float("inf")]
        )
    return pd.Series(costs)


ATTACK_MEASURES: dict[str, Callable[[], "float | pd.Series"]] = {
    function.__name__: function
    for function in (
        shared_after_lies,
        healed_at_30,
        healed_at_50,
        backdoor_after_retraining,
        personal_tells_more,
        volunteers_found,
        window_in_a_gradient,
        private_personal_cost,
    )
}


COLLECTIONS = ("nips", "wikipedia", "news")


def nips_words() -> float:
    """Tokens in the papers of NIPS, in millions."""
    return float(load_card("nips").stated("size")["tokens"]) / 1e6


def head_start() -> "pd.Series":
    """Lead of the personal model over the local one after the first iteration, in bits a training word."""
    return pd.Series({name: _lead(name, 1) for name in COLLECTIONS})


def lead_at_the_end() -> "pd.Series":
    """The same after the last of fifty iterations."""
    return pd.Series({name: _lead(name, 50) for name in COLLECTIONS})


def _lead(name: str, iteration: int, percent: int = 100) -> float:
    curves = stored_topics("likelihood", name).query("iteration == @iteration")
    means = curves.groupby("shared_percent")["log2_likelihood"].mean()
    return float(means[percent] - means[0])


def tenth_of_the_head_start() -> "pd.Series":
    """Share of the first iteration's lead that a tenth of the public documents gives."""
    return pd.Series({name: _lead(name, 1, 10) / _lead(name, 1) for name in COLLECTIONS})


def one_topic_improvement() -> "pd.Series":
    """One-topic people: mean improvement of the likelihood over iterations 1 to 10, in percent."""
    return pd.Series(
        {name: 100 * improvement(stored_topics("one_topic", name)).mean() for name in ("nips", "wikipedia")}
    )


def one_topic_saving() -> "pd.Series":
    """One-topic people of NIPS: median percent of iterations saved towards what local reaches after so many."""
    people = stored_topics("one_topic", "nips")
    targets = {f"local@{n}": local_after(people, n) for n in (5, 10, 20, 30, 40)}
    return pd.Series({name: 100 * saving(people, target).median() for name, target in targets.items()})


def held_out_lead() -> "pd.Series":
    """Lead of the personal model over the local one on held-out documents after fifty iterations, in bits a word."""
    return pd.Series({name: _held_out(name, None)["personal"] for name in COLLECTIONS})


def prior_upper_end() -> "pd.Series":
    """Upper end of the interval of the prior's held-out gain over local, its weight chosen by validation.

    Below zero, the prior would harm by more than chance explains.
    """
    ends = {}
    for name, n_local in (("nips", None), ("nips", 30), ("wikipedia", None), ("news", None), ("news", 30)):
        rows = at_chosen_weight(stored_topics("held_out", name, n_local)).query("iteration == 50")
        bits = rows.pivot(index="seed", columns="model", values="bits")
        gains = pd.DataFrame({"seed": bits.index, "gain": bits["prior"] - bits["local"]})
        ends[f"{name} {n_local}" if n_local else name] = over_seeds(gains.assign(model="prior"), "gain")["upper"].item()
    return pd.Series(ends)


def shared_topics_unchanged() -> float:
    """Held-out news: topics of Wikipedia as they are, minus the local model, in bits a word."""
    return _held_out("news", None)["shared"]


def _held_out(name: str, n_local: int | None) -> dict[str, float]:
    rows = stored_topics("held_out", name, n_local).query("iteration == 50")
    means = rows[rows["model"] != "prior"].groupby("model")["bits"].mean()
    return {str(model): float(bits - means["local"]) for model, bits in means.items()}


TOPIC_MEASURES: dict[str, Callable[[], "float | pd.Series"]] = {
    function.__name__: function
    for function in (
        nips_words,
        head_start,
        lead_at_the_end,
        tenth_of_the_head_start,
        one_topic_improvement,
        one_topic_saving,
        held_out_lead,
        prior_upper_end,
        shared_topics_unchanged,
    )
}


OURS = ("measured-host", "emulated-raspi3b-icount")


NETWORK_KERNELS = ("numpy", "numba", "jax", "keras_fit", "keras_batch")


BOARD, EPOCHS, WINDOWS = "3b", 1000, 160


@lru_cache(maxsize=1)
def _logs() -> dict[str, tuple[Log, ...]]:
    return read_logs(shipped("pi_logs"))


def _ours() -> Iterator[tuple[str, tuple[Log, ...]]]:
    logs = _logs()
    return ((origin, logs[origin]) for origin in OURS if origin in logs)


def _straightness(by: str) -> pd.Series:
    """R2 by origin and kernel."""
    return pd.Series(
        {f"{kernel}, {origin}": line.r2 for origin, logs in _ours() for kernel, line in fit_logs(logs, by).items()},
        dtype=float,
    )


def linear_in_samples() -> pd.Series:
    """R2 of the line of training seconds against samples, by kernel and origin; CPU time."""
    return _straightness("n_samples")


def linear_in_documents() -> pd.Series:
    """R2 of the line of an iteration's seconds against documents, by kernel and origin; CPU time."""
    return _straightness("n_documents")


def linear_in_words() -> pd.Series:
    """R2 of the line of an iteration's seconds against words of the vocabulary, by kernel and origin; CPU time."""
    return _straightness("n_words")


def inference_ms() -> pd.Series:
    """Median milliseconds of a prediction for one window, by kernel and origin."""
    found: dict[str, float] = {}
    for origin, logs in _ours():
        for log in logs:
            if "latency_ms_median" in log.spans:
                rows = log.spans.dropna(subset=["latency_ms_median"])
                found |= dict(zip(rows["kernel"].astype(str) + f", {origin}", rows["latency_ms_median"], strict=True))
    return pd.Series(found, dtype=float)


def ms_a_sample() -> pd.Series:
    """Predicted for a Pi 3B: milliseconds that one more window adds to a training of 1000 epochs, by kernel."""
    return pd.Series(
        {kernel: 1000 * predict_seconds(BOARD, kernel, EPOCHS, setup=False).seconds for kernel in NETWORK_KERNELS}
    )


def training_seconds() -> pd.Series:
    """Predicted for a Pi 3B: seconds to set up and to train on 100 windows for 1000 epochs, by kernel."""
    return pd.Series({kernel: predict_seconds(BOARD, kernel, 100 * EPOCHS).seconds for kernel in NETWORK_KERNELS})


def iteration_by_two_figures() -> float:
    """Seconds of an iteration by the paper's Figure 8a, over those by its Figures 8c and 8d."""
    return seconds_an_iteration().ratio


def energy_against_upload() -> pd.Series:
    """Joules above idle of the paper's training on 160 windows, over those of uploading them, by radio.

    Seconds are the paper's slope, the power is a Pi 3B's; each radio at its fastest and at its slowest.
    """
    local = training_energy(BOARD, WINDOWS * paper_slope().slope).above_idle
    uploads = upload_energy(raw_bytes(WINDOWS)).set_index("radio").loc[["Wi-Fi", "Bluetooth", "mobile 3G"]]
    ends = {"fast": uploads["low"], "slow": uploads["high"]}
    return pd.concat([(local / joules).add_suffix(f", {speed}") for speed, joules in ends.items()])


def keras_peak_mb() -> pd.Series:
    """Peak resident memory of a process that trains with Keras, in MB, by kernel and origin."""
    rows = memory_by_kernel(log for logs in _logs().values() for log in logs)
    rows = rows[rows["kernel"].str.startswith("keras")]
    return rows.set_index(rows["kernel"] + ", " + rows["origin"])["peak_mb"]


DEVICE_MEASURES: dict[str, Callable[[], "float | pd.Series"]] = {
    function.__name__: function
    for function in (
        linear_in_samples,
        linear_in_documents,
        linear_in_words,
        inference_ms,
        ms_a_sample,
        training_seconds,
        iteration_by_two_figures,
        energy_against_upload,
        keras_peak_mb,
    )
}


def _base_grid(name: str, **setting: str) -> pd.DataFrame:
    """The rows of a base-model grid (people left out in turn) with this recipe, validation and init."""
    grid = read_grid(name)
    for column, value in setting.items():
        grid = grid[grid[column] == value]
    return grid


def _over_people(grid: pd.DataFrame, column: str) -> float:
    """Mean over people of each person's mean over seeds: everybody counts the same."""
    return float(grid.groupby("user")[column].mean().mean())


def wisdm_users() -> float:
    """People in the WISDM file."""
    return float(load_card("wisdm").stated("size")["users"])


def wisdm_windows_mean() -> float:
    """Windows a person, on average."""
    return float(load_card("wisdm").stated("per-user")["mean"])


def wisdm_windows_sd() -> float:
    """Standard deviation over people of the number of windows."""
    return float(load_card("wisdm").stated("per-user")["sd"])


def mlp_parameters() -> float:
    """Trainable numbers of the network for 43 features and 6 classes."""
    from pmt_helpers.activity.model import build_mlp

    return float(build_mlp(43, 6).count_params())


def shared_accuracy() -> float:
    """WISDM, the paper's protocol: accuracy of the shared model for the person left out."""
    return _over_people(_base_grid("base_model_wisdm", recipe="paper", validation="random", init="he"), "accuracy")


def random_validation_excess() -> "pd.Series":
    """How much higher accuracy is on random validation windows than for the person left out, in each dataset."""
    from pmt_helpers.experiments.activity import validation_vs_test

    excess = {}
    for dataset in ("wisdm", "watch"):
        table = validation_vs_test(read_grid(f"base_model_{dataset}")).set_index(["split", "what"])["accuracy"]
        excess[dataset] = table["random windows", "validation"] - table["random windows", "unseen person"]
    return pd.Series(excess)


def personal_over_shared() -> float:
    """WISDM, the paper's protocol: from how many samples on personal models stay ahead of the shared one."""
    return crossing(stored_curve("wisdm", "random", early_stopping=False), "personal", "shared")


def personal_ahead_of_local() -> float:
    """WISDM, the paper's protocol: the most samples with which personal models are still ahead of local ones."""
    return ahead_until(stored_curve("wisdm", "random", early_stopping=False), "personal", "local")


def gain_at_20_lower_end() -> "pd.Series":
    """Tested on another stretch of time: lower end of the interval of the mean gain at 20 samples."""
    return pd.Series({name: paired_gain(stored_curve(name), 20).low for name in ("wisdm", "watch")})


def harmed_at_20() -> "pd.Series":
    """Share of people whom a personal model of 20 samples serves worse than the shared one."""
    gains = {name: paired_gain(stored_curve(name), 20) for name in ("wisdm", "watch")}
    return pd.Series({name: len(gain.harmed) / len(gain.by_user) for name, gain in gains.items()})


def gain_on_new_bouts() -> "pd.Series":
    """Mean gain at 40 samples, tested on bouts (WISDM) or on the arm (watch) that were not trained on."""
    splits = {"wisdm": "bout", "watch": "recording"}
    return pd.Series({name: paired_gain(stored_curve(name, split), 40).mean for name, split in splits.items()})


def literal_distance_ratio() -> float:
    """Distance of the curve with literal initial weights from the paper's, over the distance with He's."""
    paper = paper_table("fig3_accuracy_smooth")
    literal, he = (
        distance(stored_curve("wisdm", "random", early_stopping=False, init=init), paper) for init in ("literal", "he")
    )
    return literal / he


MEASURES: dict[str, Callable[[], "float | pd.Series"]] = (
    {
        function.__name__: function
        for function in (
            wisdm_users,
            wisdm_windows_mean,
            wisdm_windows_sd,
            mlp_parameters,
            shared_accuracy,
            random_validation_excess,
            personal_over_shared,
            personal_ahead_of_local,
            gain_at_20_lower_end,
            harmed_at_20,
            gain_on_new_bouts,
            literal_distance_ratio,
        )
    }
    | TOPIC_MEASURES
    | ATTACK_MEASURES
    | DEVICE_MEASURES
)
