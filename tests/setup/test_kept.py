"""What a rebuilt house must not move: stored grids, verdicts, entry points with their keywords, commands.

kept.json says how they were. A change that means to move one runs `python tests/setup/test_kept.py` and commits the
file with its reason.
"""

import hashlib
import inspect
import json
from importlib import import_module
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("kept.json")
ENTRY_POINTS = {
    "activity": ("build_mlp", "train_shared", "personalise", "train_local", "learning_curve"),
    "attacks": ("poison_volunteers", "poison_user", "membership_inference", "invert_model", "recover_word_counts"),
    "datasets": ("load_activity", "load_documents", "load_recordings"),
    "device": ("Recorder", "read_log", "predict_seconds"),
    "privacy": ("train_shared_private",),
    "teaching": ("check", "preflight", "claims_table"),
    "topics": ("GibbsLDA", "train_shared_topics", "personalise_topics", "held_out_bits"),
}


def grids() -> dict[str, str]:
    """Stored grid -> digest of its bytes."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in sorted((ROOT / "data" / "results").glob("*.csv"))
    }


def verdicts() -> dict[str, str]:
    """Claim -> verdict computed from the stored grids."""
    from pmt_helpers.teaching import claims_table

    return {item.claim.id: item.verdict for item in claims_table().judged}


def entry_points() -> dict[str, list[str]]:
    """Door and name -> the parameters a caller may name."""
    return {
        f"{door}.{name}": [
            parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"
            for parameter in inspect.signature(getattr(import_module(f"pmt_helpers.{door}"), name)).parameters.values()
        ]
        for door, names in ENTRY_POINTS.items()
        for name in names
    }


def commands() -> dict[str, list[str]]:
    """Command -> its arguments and options, groups opened."""
    from pmt_helpers.__main__ import cli

    found: dict[str, list[str]] = {}

    def walk(command: click.Command, name: str) -> None:
        context = click.Context(command)
        if isinstance(command, click.Group):
            for part in command.list_commands(context):
                walk(command.get_command(context, part), f"{name} {part}".strip())
        else:
            found[name] = sorted(option for parameter in command.params for option in parameter.opts)

    walk(cli, "")
    return found


PARTS = {"grids": grids, "verdicts": verdicts, "entry points": entry_points, "commands": commands}


@pytest.mark.parametrize("part", PARTS)
def test_what_was_promised_is_still_there(part: str) -> None:
    assert PARTS[part]() == json.loads(KEPT.read_text(encoding="utf-8"))[part]


if __name__ == "__main__":
    KEPT.write_text(json.dumps({name: part() for name, part in PARTS.items()}, indent=1) + "\n", encoding="utf-8")
