"""python -m pmt_helpers sweep: recompute a stored result grid."""

import click

from pmt_helpers.commands.sweep_activity import base, figure3
from pmt_helpers.commands.sweep_topics import figure5, figure6, figure8, held_out


@click.group()
def sweep() -> None:
    """Recompute a stored result grid; its provenance is written beside it."""


for command in (base, figure3, figure5, held_out, figure6, figure8):
    sweep.add_command(command)
