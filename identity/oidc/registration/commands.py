"""`suxin client`: programs of plugins."""

from __future__ import annotations

from typing import Any

import click

from identity.commanding import access_option, in_city, organisation_of


@click.group("client")
def client() -> None:
    """Let plugins' programs register."""


@client.command("invite")
@click.option(
    "--access", required=True, multiple=True, help="One `audience=scope,scope`: what the client may ever ask for."
)
@click.option("--serves", help="The plugin whose tokens it receives and may exchange.")
@click.option("--organisation", help="The unified social credit code of who answers for it.")
@click.option("--detail-type", "detail_types", multiple=True, help="A type of authorization details it may ask for.")
@click.pass_obj
def invite(
    city: Any, *, access: tuple[str, ...], serves: str | None, organisation: str | None, detail_types: tuple[str, ...]
) -> None:
    """Print an initial access token for /oauth2/register; it is good for one client and seven days."""
    from identity.oidc.registration import invites

    allowed = dict(access_option(each) for each in access)
    with in_city(city):
        token = invites.invite(
            access=allowed,
            serves=serves,
            detail_types=list(detail_types),
            organisation_id=organisation_of(organisation) if organisation else None,
        )
        click.echo(token)
