"""The operator's look at the books."""

from __future__ import annotations

from typing import Any

import click


@click.group()
def ledger() -> None:
    """Look after the city's books."""


@ledger.command("verify")
@click.pass_obj
def verify(city: Any) -> None:
    """Check every money rule from the entries alone; exit code 1 when one is broken."""
    from app.db import unit_of_work
    from app.ledger import verify as books

    with city.app().app_context(), unit_of_work(read_only=True):
        findings = books.verify()
    for finding in findings:
        click.echo(f"broken: {finding.rule}: {finding.where}", err=True)
    if findings:
        raise click.exceptions.Exit(1)
    click.echo("the books are right")
