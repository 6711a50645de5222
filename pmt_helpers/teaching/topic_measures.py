"""Measured values for the claims about topic models (section IV of the paper); `measures.py` has the others."""

from collections.abc import Callable

import pandas as pd

from pmt_helpers.datasets.cards import load_card
from pmt_helpers.topics import over_seeds, stored_topics
from pmt_helpers.topics.grids import at_chosen_weight
from pmt_helpers.topics.one_topic import improvement, local_after, saving

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
