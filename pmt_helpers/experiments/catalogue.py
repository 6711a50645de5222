"""Every experiment of the command line: its name, its options, and the module that computes it.

`python -m pmt_helpers sweep NAME` makes a command of each. To add one, write `run_NAME` in its module (a generator of
`results.Result`) and add a line here. Nothing heavy is imported before an experiment runs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import click

from pmt_helpers.activity.splits import SPLIT_KINDS
from pmt_helpers.datasets import activity_names, document_names

if TYPE_CHECKING:
    from pmt_helpers.experiments.results import Result


@dataclass(frozen=True)
class Experiment:
    """One experiment. runs: "here", on "processes" of this machine, or on those or a "cluster"."""

    name: str
    module: str
    options: tuple[click.Option, ...]
    help: str
    runs: Literal["here", "processes", "cluster"] = "cluster"

    @property
    def function(self) -> "Callable[..., Iterator[Result]]":
        """run_NAME of the module: takes a JobRunner and every option by name, and gives results as they come."""
        module = import_module(f"pmt_helpers.experiments.{self.module}")
        return getattr(module, f"run_{self.name.replace('-', '_')}")

    def command(self, settings: Mapping[str, Any]) -> str:
        """The command line that computes this experiment with these settings."""
        words = ["python -m pmt_helpers sweep", self.name]
        for option in self.options:
            value = settings[option.name or ""]
            if option.is_flag:
                words += (option.opts if value else option.secondary_opts)[:1]
            elif value is not None:
                words += [option.opts[0], str(value)]
        return " ".join(words)


def parse_sizes(text: str) -> tuple[int, ...] | Literal["all"]:
    """The word "all", or whole numbers from 1 on, in ascending order. Raises ValueError for anything else."""
    if text == "all":
        return "all"
    try:
        sizes = sorted({int(part) for part in text.split(",")})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] < 1:
        raise ValueError(f'{text!r} is neither "all" nor numbers such as 5,10,20')
    return tuple(sizes)


def check_sizes(context: click.Context, parameter: click.Parameter, text: str) -> str:
    """The text as it is, for the provenance, when parse_sizes accepts it."""
    try:
        parse_sizes(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None
    return text


def option(flag: str, default: Any = None, help: str | None = None, **more: Any) -> click.Option:
    """An option that shows its default, if it has one."""
    shown = default is not None and not more.get("multiple")
    return click.Option([flag], default=default, help=help, show_default=shown, **more)


def seeds(default: int) -> click.Option:
    """--seeds."""
    return option("--seeds", default, "How many seeds, from 0 on.", type=click.IntRange(1))


ACTIVITY = option("--dataset", "watch", type=click.Choice(activity_names()))
WHOSE = "Whose documents; with news, the cloud has Wikipedia."
DOCUMENTS = option("--dataset", "wikipedia", WHOSE, type=click.Choice(document_names()))
N_LOCAL = option("--n-local", help="Documents of one person; default: the plan's.", type=click.IntRange(1))
SEED = option("--seed", 0, "Of every random choice.", type=click.IntRange(0))
TOPIC_ATTACKS = ("leak", "membership", "poison", "healing", "privacy")

EXPERIMENTS = (
    Experiment(
        "base", "activity", (
            ACTIVITY,
            seeds(1),
            option("--recipe", help="Only this recipe's rows; the others stay as they are stored.",
                   type=click.Choice(("better", "paper"))),
        ),
        "The shared model, each person left out in turn: recipes, validation splits and initialisations.",
        runs="processes",
    ),
    Experiment(
        "figure3", "activity", (
            ACTIVITY,
            option("--split", "random", type=click.Choice(tuple(SPLIT_KINDS))),
            option("--init", "he", type=click.Choice(("he", "literal"))),
            option("--folds", 5, "Parts that each person's windows are split into.", type=click.IntRange(3, 50)),
            option("--early-stopping/--all-epochs", False, "Stop by validation, or never."),
            option("--sizes", "all", '"all" from 1 on, or numbers such as 5,10,20.', callback=check_sizes),
            seeds(1),
            option("--cures", False, "Also every way to mitigate forgetting.", is_flag=True),
        ),
        "Shared, local and personal models of everybody, by number of samples (the paper's Figure 3).",
    ),
    Experiment(
        "figure5", "topics", (DOCUMENTS, N_LOCAL, seeds(6)),
        "Training likelihood by iteration and share of public documents (the paper's Figures 4 and 5).",
    ),
    Experiment(
        "held-out", "topics", (DOCUMENTS, N_LOCAL, seeds(6)),
        "Likelihood and coherence on held-out documents, for every weight of the prior.",
    ),
    Experiment(
        "figure6", "topics", (option("--dataset", "wikipedia", type=click.Choice(("nips", "wikipedia"))), seeds(6)),
        "Training likelihood of ten people with one topic each (the paper's Figure 6).",
    ),
    Experiment(
        "figure8", "topics", (DOCUMENTS,),
        "CPU seconds of an iteration by documents and vocabulary (the shapes of Figures 8a and 8b).",
        runs="here",
    ),
    Experiment(
        "poisoning", "poisoning", (
            ACTIVITY,
            option("--split", "blocked", "blocked: stops early, as the workbook does; random: 300 epochs, as in the "
                   "paper.", type=click.Choice(("blocked", "random"))),
        ),
        "Poisoned volunteers and poisoned devices: shared, personal and local accuracy by kind, fraction and samples.",
    ),
    Experiment(
        "defences", "defences", (ACTIVITY,),
        "Defences against poisoned volunteers: what they save, and what they cost honest people.",
    ),
    Experiment(
        "federated", "federated", (ACTIVITY, seeds(2)),
        "Federated averaging beside central, personal and local models, and what sums of uploads give away.",
    ),
    Experiment(
        "privacy", "privacy", (ACTIVITY,),
        "Shared and personal accuracy by epsilon, with each window or each volunteer protected.",
    ),
    Experiment(
        "label-privacy", "privacy", (ACTIVITY,),
        "The same with labels that volunteers change at random at home, by epsilon per label.",
    ),
    Experiment(
        "unlearning", "unlearning", (ACTIVITY, seeds(10)),
        "What a shared model still knows of a volunteer who left, by steps of training without them.",
    ),
    Experiment(
        "membership", "membership", (ACTIVITY, SEED),
        "Who and what was in the training: attacks on the shared and the personal model, with ROC curves.",
    ),
    Experiment(
        "inversion", "inversion", (ACTIVITY, SEED),
        "Profiles of a person's activities read from a model, and windows read from an uploaded gradient.",
    ),
    Experiment(
        "private-attacks", "membership",
        (ACTIVITY, option("--models", 32, "Shared models per game.", type=click.IntRange(4))),
        "Membership inference on shared models trained with differential privacy, by epsilon and level.",
    ),
    Experiment(
        "similar", "similar", (ACTIVITY, SEED),
        "Personal models that start from similar people's: what is gained, what a message tells, what donors pay.",
    ),
    Experiment(
        "updates", "updates", (ACTIVITY, SEED),
        "New releases of the shared model, honest and poisoned: retrain, keep the personal model, keep the better.",
    ),
    Experiment(
        "topic-attacks", "topic_attacks", (
            DOCUMENTS,
            option("--grid", TOPIC_ATTACKS, "Only this; repeatable.", type=click.Choice(TOPIC_ATTACKS), multiple=True),
            seeds(5),
        ),
        "Word counts read out, membership, crafted documents, and differential privacy for topics.",
    ),
)  # fmt: skip
