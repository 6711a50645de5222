"""`python -m pmt_helpers notebooks`: for authors. Build the notebooks from their sources, and verify what is stored."""

import click


@click.group()
def notebooks() -> None:
    """Build the notebooks from their sources, and verify the stored ones."""


@notebooks.command()
@click.argument("names", nargs=-1)
@click.option("--solutions/--no-solutions", default=True, help="Also build the solved copies, in build/solutions.")
@click.option("--png/--no-png", default=True, help="Draw a picture beside each figure (needs Chromium or Chrome).")
def build(names: tuple[str, ...], solutions: bool, png: bool) -> None:
    """Build the learner's copies of NAMES (such as 01; all by default)."""
    from pmt_helpers.teaching.builder import build as build_notebooks

    build_notebooks(names, solutions=solutions, png=png, report=click.echo)


@notebooks.command()
def verify() -> None:
    """Check the stored notebooks against their sources, without running them."""
    from pmt_helpers.teaching.verify import verify as verify_notebooks

    findings = verify_notebooks()
    for finding in findings:
        click.echo(str(finding))
    if findings:
        raise click.ClickException(f"{len(findings)} finding{'s' * (len(findings) > 1)} in the stored notebooks.")
    click.echo("Every stored notebook agrees with its source.")
