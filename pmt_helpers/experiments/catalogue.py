"""Every experiment of the command line: its name, its options, and the module that computes it.

`python -m pmt_helpers sweep NAME` makes a command of each. To add one, write `run_NAME` in its module (a generator of
`results.Result`) and add a line here. Nothing heavy is imported before an experiment runs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from pmt_helpers.activity.splits import SPLIT_KINDS
from pmt_helpers.datasets import activity_names, document_names

if TYPE_CHECKING:
    from pmt_helpers.experiments.results import Result
    from pmt_helpers.experiments.resume import JobRunner


@dataclass(frozen=True)
class Option:
    """One option of an experiment.

    choices: the values there are. minimum: for whole numbers, the smallest. otherwise: for a switch, the name of its
    opposite. many: may be given several times. check: raises ValueError for a text that is not accepted.
    """

    name: str
    default: Any = None
    help: str | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    otherwise: str | None = None
    many: bool = False
    check: Callable[[str], Any] | None = None

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def words(self, value: Any) -> list[str]:
        """The option as it is typed; nothing where it was not given."""
        if self.otherwise and value is False:
            return [f"--{self.otherwise}"]
        if value is True:
            return [self.flag]
        return [] if value is None or value is False else [self.flag, str(value)]


@dataclass(frozen=True)
class Experiment:
    """One experiment. runs: "here", on "processes" of this machine, or on those or a "cluster"."""

    name: str
    module: str
    help: str
    options: tuple[Option, ...]
    runs: Literal["here", "processes", "cluster"] = "cluster"

    @property
    def function(self) -> "Callable[..., Iterator[Result]]":
        """run_NAME of the experiment's module: takes a JobRunner and every option by name."""
        module = import_module(f"pmt_helpers.experiments.{self.module}")
        return getattr(module, f"run_{self.name.replace('-', '_')}")

    def run(self, runner: "JobRunner", settings: Mapping[str, Any]) -> "Iterator[Result]":
        """Compute; results come one after the other, to be written as they come."""
        return self.function(runner, **settings)

    def command(self, settings: Mapping[str, Any]) -> str:
        """The command line that computes this experiment with these settings."""
        words = [word for option in self.options for word in option.words(settings[option.name])]
        return " ".join(["python -m pmt_helpers sweep", self.name, *words])


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


ACTIVITY = Option("dataset", "watch", choices=tuple(activity_names()))
DOCUMENTS = Option(
    "dataset", "wikipedia", "Whose documents; with news, the cloud has Wikipedia.", choices=tuple(document_names())
)
N_LOCAL = Option("n_local", help="Documents of one person; default: the plan's.", minimum=1)
SEED = Option("seed", 0, "Of every random choice.", minimum=0)
TOPIC_ATTACKS = ("leak", "membership", "poison", "healing", "privacy")


def seeds(default: int) -> Option:
    """--seeds."""
    return Option("seeds", default, "How many seeds, from 0 on.", minimum=1)


EXPERIMENTS = (
    Experiment(
        "base", "activity",
        "The shared model, each person left out in turn: recipes, validation splits and initialisations.",
        (
            ACTIVITY,
            seeds(1),
            Option("recipe", help="Only this recipe's rows; the others stay as they are stored.",
                   choices=("better", "paper")),
        ),
        runs="processes",
    ),
    Experiment(
        "figure3", "activity",
        "Shared, local and personal models of everybody, by number of samples (the paper's Figure 3).",
        (
            ACTIVITY,
            Option("split", "random", choices=tuple(SPLIT_KINDS)),
            Option("init", "he", choices=("he", "literal")),
            Option("folds", 5, "Parts that each person's windows are split into.", minimum=3),
            Option("early_stopping", False, "Stop by validation, or never.", otherwise="all-epochs"),
            Option("sizes", "all", '"all" from 1 on, or numbers such as 5,10,20.', check=parse_sizes),
            seeds(1),
            Option("cures", False, "Also every way to mitigate forgetting."),
        ),
    ),
    Experiment(
        "figure5", "topics",
        "Training likelihood by iteration and share of public documents (the paper's Figures 4 and 5).",
        (DOCUMENTS, N_LOCAL, seeds(6)),
    ),
    Experiment(
        "held-out", "topics",
        "Likelihood and coherence on held-out documents, for every weight of the prior.",
        (DOCUMENTS, N_LOCAL, seeds(6)),
    ),
    Experiment(
        "figure6", "topics",
        "Training likelihood of ten people with one topic each (the paper's Figure 6).",
        (Option("dataset", "wikipedia", choices=("nips", "wikipedia")), seeds(6)),
    ),
    Experiment(
        "figure8", "topics",
        "CPU seconds of an iteration by documents and vocabulary (the shapes of Figures 8a and 8b).",
        (DOCUMENTS,),
        runs="here",
    ),
    Experiment(
        "poisoning", "poisoning",
        "Poisoned volunteers and poisoned devices: shared, personal and local accuracy by kind, fraction and samples.",
        (
            ACTIVITY,
            Option("split", "blocked", "blocked: stops early, as the workbook does; random: 300 epochs, as in the "
                   "paper.", choices=("blocked", "random")),
        ),
    ),
    Experiment(
        "defences", "defences",
        "Defences against poisoned volunteers: what they save, and what they cost honest people.",
        (ACTIVITY,),
    ),
    Experiment(
        "privacy", "privacy",
        "Shared and personal accuracy by epsilon, with each window or each volunteer protected.",
        (ACTIVITY,),
    ),
    Experiment(
        "membership", "membership",
        "Who and what was in the training: attacks on the shared and the personal model, with ROC curves.",
        (ACTIVITY, SEED),
    ),
    Experiment(
        "inversion", "inversion",
        "Profiles of a person's activities read from a model, and windows read from an uploaded gradient.",
        (ACTIVITY, SEED),
    ),
    Experiment(
        "private-attacks", "membership",
        "Membership inference on shared models trained with differential privacy, by epsilon and level.",
        (ACTIVITY, Option("models", 32, "Shared models per game.", minimum=4)),
    ),
    Experiment(
        "topic-attacks", "topic_attacks",
        "Word counts read out, membership, crafted documents, and differential privacy for topics.",
        (
            DOCUMENTS,
            Option("grid", TOPIC_ATTACKS, "Only this; repeatable.", choices=TOPIC_ATTACKS, many=True),
            seeds(5),
        ),
    ),
)  # fmt: skip
