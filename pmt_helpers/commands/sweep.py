"""python -m pmt_helpers sweep: recompute a stored result grid."""

import click

from pmt_helpers.commands.sweep_activity import base, figure3
from pmt_helpers.commands.sweep_membership import inversion, membership
from pmt_helpers.commands.sweep_poisoning import defences, poisoning
from pmt_helpers.commands.sweep_privacy import privacy
from pmt_helpers.commands.sweep_private_attacks import private_attacks
from pmt_helpers.commands.sweep_topic_attacks import topic_attacks
from pmt_helpers.commands.sweep_topics import figure5, figure6, figure8, held_out


@click.group()
def sweep() -> None:
    """Recompute a stored result grid; its provenance is written beside it."""


for command in (
    base,
    figure3,
    figure5,
    held_out,
    figure6,
    figure8,
    poisoning,
    defences,
    privacy,
    membership,
    inversion,
    private_attacks,
    topic_attacks,
):
    sweep.add_command(command)
