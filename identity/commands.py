"""Identity's commands: terminals, signing keys, and the demo world's credentials."""

from __future__ import annotations

import json
from typing import IO, Any

import click

from identity.admin.commands import COMMANDS as ADMINISTRATION
from identity.admin.commands import client
from identity.command_line import access_of, in_city, json_of, organisation_of
from identity.oidc.registration.commands import invite


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

    public_jwk = json_of(jwk)
    with in_city(city):
        enrolled = enrol(
            organisation_id=organisation_of(organisation),
            place=place,
            label=label,
            public_jwk=public_jwk,
            access=dict(access_of(each) for each in access),
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


@device.command("retire")
@click.argument("terminal")
@click.pass_obj
def device_retire(city: Any, terminal: str) -> None:
    """Stop a terminal for good."""
    from identity.devices.service import retire

    with in_city(city):
        retire(terminal)


@device.command("list")
@click.pass_obj
def device_list(city: Any) -> None:
    """List terminals, one a line."""
    from identity.devices.service import listed

    with in_city(city):
        for each in listed(cursor=None, limit=1000).items:
            seen = each.last_seen_at.isoformat() if each.last_seen_at else "-"
            click.echo(f"{each.id}\t{each.state}\t{each.place}\t{seen}\t{each.label}")


@device.command("code")
@click.option("--organisation", required=True, help="Its unified social credit code.")
@click.option("--place", required=True, help="Area code (GB/T 2260) where the terminal stands.")
@click.option("--label", required=True, help="What people call it, such as `counter 1`.")
@click.option("--access", required=True, multiple=True, help="One `audience=scope,scope`.")
@click.pass_obj
def device_code(city: Any, *, organisation: str, place: str, label: str, access: tuple[str, ...]) -> None:
    """Print a code by which a terminal enrols itself once, within ten minutes."""
    from identity.devices import codes, enrolment

    with in_city(city):
        made = enrolment.invite(
            organisation_id=organisation_of(organisation),
            place=place,
            label=label,
            access=dict(access_of(each) for each in access),
            code=codes.fresh(),
        )
        click.echo(made.code)


@click.group("signing-key")
def signing_key() -> None:
    """Look after the keys that sign tokens."""


@signing_key.command("list")
@click.pass_obj
def signing_key_list(city: Any) -> None:
    """List the keys that verifiers may meet."""
    from identity.admin.signing_keys import listed

    with in_city(city):
        for each in listed():
            click.echo(f"{each.kid}\t{each.algorithm}\t{each.state}\t{each.changed_at.isoformat()}")


@signing_key.command("rotate")
@click.pass_obj
def signing_key_rotate(city: Any) -> None:
    """Let the published next key of each algorithm sign from now on."""
    from identity.admin.signing_keys import rotate

    with in_city(city):
        click.echo("\n".join(rotate()))


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


@demo.command("messages")
@click.argument("login_name")
@click.pass_obj
def demo_messages(city: Any, login_name: str) -> None:
    """Print what the simulated operator delivered to a demo person's mobile, newest first."""
    from identity.authenticators.sms.simulator import messages_of

    with in_city(city):
        for text in messages_of(login_name):
            click.echo(text)


client.add_command(invite)
COMMANDS = (device, signing_key, demo, *ADMINISTRATION)
