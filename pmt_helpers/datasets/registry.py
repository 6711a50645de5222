"""Which datasets there are, and one door to each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pmt_helpers.datasets import watch, wisdm, wisdm_files
from pmt_helpers.datasets.activity_data import ActivityData
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.recordings import Recording


@dataclass(frozen=True)
class ActivityDataset:
    """How to find a dataset on this machine, load it, and fetch it (None: it comes with an installed package)."""

    name: str
    find: Callable[[], Path | None]
    load: Callable[[], ActivityData]
    fetch: Callable[[], Path] | None


ACTIVITY = {
    "watch": ActivityDataset("watch", watch.find_watch, watch.load_watch, None),
    "wisdm": ActivityDataset("wisdm", wisdm_files.find_wisdm, wisdm.load_wisdm, wisdm.fetch_wisdm),
}


def dataset_names() -> tuple[str, ...]:
    """Names that load_activity knows."""
    return tuple(ACTIVITY)


def activity_dataset(name: str) -> ActivityDataset:
    """The entry of that name. Raises DataError for an unknown one."""
    if name not in ACTIVITY:
        raise DataError(
            file=f"dataset {name!r}", expected=f"one of {', '.join(ACTIVITY)}", found=repr(name),
            remedy="Check the spelling; `python -m pmt_helpers data list` shows what there is.",
        )  # fmt: skip
    return ACTIVITY[name]


def load_activity(name: str = "watch") -> ActivityData:
    """Labelled windows of a dataset: "watch" (installed with the workbook) or "wisdm" (fetched once, on request).

    Never touches the network. Raises DataError, which says what to do, when the data is missing or damaged.
    """
    return activity_dataset(name).load()


def load_recordings(name: str = "watch") -> tuple[Recording, ...]:
    """The raw recordings behind the windows; only "watch" has them. Raises DataError for the others."""
    if activity_dataset(name).name != "watch":
        raise DataError(
            file=f"dataset {name!r}", expected="raw readings", found="features only: its readings are not part of it",
            remedy='Use load_recordings("watch"), or load_activity for the features.',
        )  # fmt: skip
    return watch.load_watch_recordings()
