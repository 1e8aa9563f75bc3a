"""Identity's commands: terminals, signing keys, and the demo world's credentials."""

from __future__ import annotations

import json
from typing import IO, Any

import click

from identity.commanding import access_option, in_city, organisation_of
from identity.oidc.registration.commands import client


@click.group("device")
def device() -> None:
    """Enrol, suspend and resume terminals."""


@device.command("add")
@click.option("--organisation", required=True, help="Its unified social credit code.")
@click.option("--place", required=True, help="Area code (GB/T 2260) where the terminal stands.")
@click.option("--label", required=True, help="What people call it, such as `counter 1`.")
@click.option(
    "--access", required=True, multiple=True, help="One `audience=scope,scope`, such as suxin=presence:verify."
)
@click.option("--jwk", required=True, type=click.File("r", encoding="utf-8"), help="Public P-256 key as JWK.")
@click.pass_obj
def device_add(city: Any, *, organisation: str, place: str, label: str, access: tuple[str, ...], jwk: IO[str]) -> None:
    """Enrol a terminal and print its id, which is its client_id."""
    from identity.devices.service import enrol

    public_jwk = _json(jwk)
    with in_city(city):
        enrolled = enrol(
            organisation_id=organisation_of(organisation),
            place=place,
            label=label,
            public_jwk=public_jwk,
            access=dict(access_option(each) for each in access),
        )
        click.echo(enrolled.id)


@device.command("suspend")
@click.argument("terminal")
@click.pass_obj
def device_suspend(city: Any, terminal: str) -> None:
    """Stop a terminal and the tokens it holds."""
    from identity.devices.service import suspend

    with in_city(city):
        suspend(terminal)


@device.command("resume")
@click.argument("terminal")
@click.pass_obj
def device_resume(city: Any, terminal: str) -> None:
    """Let a suspended terminal work again."""
    from identity.devices.service import resume

    with in_city(city):
        resume(terminal)


@click.group("signing-key")
def signing_key() -> None:
    """Look after the keys that sign tokens."""


@signing_key.command("rotate")
@click.pass_obj
def signing_key_rotate(city: Any) -> None:
    """Let the published next key of each algorithm sign from now on."""
    from identity.oidc import keys

    with in_city(city):
        try:
            click.echo("\n".join(keys.rotate_all()))
        except keys.TooEarly as error:
            raise click.ClickException(f"Too early: {error}.") from None


@click.group("demo")
def demo() -> None:
    """The demo world."""


@demo.command("export")
@click.pass_obj
def demo_export(city: Any) -> None:
    """Print, as JSON, all that a foreign client needs to use the demo world."""
    from identity.demo import export

    with in_city(city):
        click.echo(json.dumps(export(), ensure_ascii=False, indent=2))


COMMANDS = (device, signing_key, demo, client)


def _json(source: IO[str]) -> dict[str, Any]:
    try:
        found = json.load(source)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter("the file holds no JSON object", param_hint="--jwk")
    return found
