"""What a learner meets in a notebook: checks, figures, widgets, the claims table. Heavy parts load when first used."""

from importlib import import_module
from typing import Any

# These are functions in modules of the same name: imported here, once, so that the module never hides the function.
from pmt_helpers.teaching.preflight import preflight
from pmt_helpers.teaching.quiz import Question, quiz
from pmt_helpers.teaching.replay import replay

_HOMES = {
    "check": "exercises.checks",
    "claims_table": "claims",
    "explore": "widgets",
    "choose_person": "widgets",
    "prediction": "predictions",
    "reveal": "predictions",
    "my_person": "workbook_file",
    "export_button": "workbook_file",
    "say": "display",
    "topic_map": "topic_maps",
    "topic_table": "topic_tables",
    "name_the_topic": "topic_questions",
    "own_log": "own_logs",
    "my_logs": "own_logs",
}
__all__ = ["Question", "figures", "preflight", "quiz", "replay", *_HOMES]


def __getattr__(name: str) -> Any:
    if name == "figures":
        return import_module(f"{__name__}.figures")
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(sorted(__all__))}")


def __dir__() -> list[str]:
    return sorted(__all__)
