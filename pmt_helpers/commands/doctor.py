"""python -m pmt_helpers doctor: what works on this machine, and what to do about the rest."""

from pathlib import Path

import click

from pmt_helpers.teaching import machine

_SIGNS = {"ok": "ok", "warn": "note", "stop": "STOP"}


def everything() -> list[machine.Finding]:
    """All that the doctor looks at, in the order shown."""
    from pmt_helpers.datasets import dataset_names

    notebooks = Path(__file__).resolve().parents[2] / "notebooks"
    return [
        machine.look_at_python(),
        machine.look_at_cores(),
        machine.look_at_memory(),
        machine.look_at_backend(),
        *machine.look_at_packages(),
        *(_by_need(name, machine.look_at_data(name)) for name in dataset_names()),
        *machine.look_at_extensions(),
        machine.look_at_folder(notebooks if notebooks.is_dir() else Path.cwd()),
        machine.look_at_chromium(),
    ]


def _by_need(name: str, finding: machine.Finding) -> machine.Finding:
    """Data fetched on request may be absent: worth a note, no reason to stop."""
    from pmt_helpers.datasets.registry import dataset

    if finding.state != "stop" or dataset(name).fetch is None:
        return finding
    return machine.Finding(finding.what, "not here; nothing needs it by default", "warn", finding.remedy)


@click.command()
def doctor() -> None:
    """Show what works on this machine; exit with 1 if something stops the workbook."""
    findings = everything()
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        click.echo(f"{_SIGNS[finding.state]:<5} {finding.what:<{width}}  {finding.found}")
        if finding.remedy:
            click.echo(f"{'':<5} {'':<{width}}  {finding.remedy}")
    stops = [finding.what for finding in findings if finding.state == "stop"]
    if stops:
        click.echo(f"\nThe workbook cannot run yet: {', '.join(stops)}.")
        raise SystemExit(1)
    click.echo("\nReady for the workbook.")
