"""python -m pmt_helpers claims: every claim of the paper with our value and verdict."""

import click


@click.command()
def claims() -> None:
    """Print the claims table; exit with 1 when a verdict is not the one its reason was written for."""
    from pmt_helpers.teaching.claims import UNMEASURED, claims_table

    table = claims_table()
    click.echo(repr(table))
    counts = {verdict: sum(item.verdict == verdict for item in table.judged) for verdict in _order(table.judged)}
    click.echo("\n" + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + ".")
    wrong = [item for item in table.judged if not item.agrees]
    for item in wrong:
        click.echo(
            f"{item.claim.id}: data/claims.csv says '{item.claim.verdict}', computed '{item.verdict}'. Rewrite its "
            "reason for the new verdict, then change the verdict.",
            err=True,
        )
    if any(item.verdict == UNMEASURED for item in table.judged):
        click.echo("Values not measured yet need a stored grid: see python -m pmt_helpers sweep --help.")
    if wrong:
        raise SystemExit(1)


def _order(judged: list) -> list[str]:
    return list(dict.fromkeys(item.verdict for item in judged))
