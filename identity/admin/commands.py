"""The operator's commands: clients, staff roles, persons, acts for two persons."""

from __future__ import annotations

import json
from typing import IO, Any

import click

from identity.command_line import access_of, in_city, json_of


@click.group("client")
def client() -> None:
    """Enter, change and stop clients."""


@client.command("create")
@click.option("--title-zh", required=True)
@click.option("--title-en", required=True)
@click.option("--profile", type=click.Choice(("fapi2", "baseline")), default="baseline")
@click.option(
    "--auth-method",
    type=click.Choice(("none", "client_secret_basic", "client_secret_post", "private_key_jwt")),
    default="none",
)
@click.option("--redirect-uri", multiple=True)
@click.option("--access", required=True, multiple=True, help="One `audience=scope,scope`.")
@click.option("--organisation", help="Credit code of the owner.")
@click.pass_obj
def client_create(city: Any, /, *, redirect_uri: tuple[str, ...], access: tuple[str, ...], **given: Any) -> None:
    """Enter a client and print its id."""
    from identity import handles
    from identity.clients import service

    with in_city(city):
        owner = given.pop("organisation")
        made = service.create(
            organisation_id=handles.organisation_by(owner).id if owner else None,
            redirect_uris=list(redirect_uri),
            access=dict(access_of(each) for each in access),
            **given,
        )
        click.echo(made.id)


@client.command("list")
@click.pass_obj
def client_list(city: Any) -> None:
    """List clients, one a line."""
    from identity.clients import service

    with in_city(city):
        for each in service.listed(cursor=None, limit=1000).items:
            click.echo(f"{each.id}\t{each.state}\t{each.profile}\t{each.auth_method}\t{each.title_en}")


@client.command("show")
@click.argument("client_id")
@click.pass_obj
def client_show(city: Any, client_id: str) -> None:
    """Print a client as JSON."""
    from identity.clients import service
    from identity.clients.schemas import ClientSchema

    with in_city(city):
        click.echo(json.dumps(ClientSchema().dump(service.find(client_id)), ensure_ascii=False, indent=2))


@client.command("change")
@click.argument("client_id")
@click.option("--redirect-uri", multiple=True, help="All of them; what is not named goes.")
@click.option("--access", multiple=True, help="One `audience=scope,scope`; what is not named goes.")
@click.option("--title-zh")
@click.option("--title-en")
@click.pass_obj
def client_change(
    city: Any, /, client_id: str, *, redirect_uri: tuple[str, ...], access: tuple[str, ...], **titles: str | None
) -> None:
    """Change a client."""
    from identity.clients import service

    changes: dict[str, Any] = {name: value for name, value in titles.items() if value}
    if redirect_uri:
        changes["redirect_uris"] = list(redirect_uri)
    if access:
        changes["access"] = dict(access_of(each) for each in access)
    with in_city(city):
        service.change(client_id, changes)


@client.command("disable")
@click.argument("client_id")
@click.pass_obj
def client_disable(city: Any, client_id: str) -> None:
    """Stop a client and all it holds."""
    from identity.clients import service

    with in_city(city):
        service.disable(client_id)


@client.command("enable")
@click.argument("client_id")
@click.pass_obj
def client_enable(city: Any, client_id: str) -> None:
    """Let a stopped client work again."""
    from identity.clients import service

    with in_city(city):
        service.enable(client_id)


@client.command("add-key")
@click.argument("client_id")
@click.option("--kid", required=True)
@click.option("--jwk", required=True, type=click.File("r", encoding="utf-8"), help="Public key as JWK.")
@click.pass_obj
def client_add_key(city: Any, client_id: str, *, kid: str, jwk: IO[str]) -> None:
    """Add a public key to a client."""
    from identity.clients import service

    members = json_of(jwk)
    with in_city(city):
        service.add_key(client_id, kid=kid, jwk=members)


@client.command("retire-key")
@click.argument("client_id")
@click.argument("kid")
@click.pass_obj
def client_retire_key(city: Any, client_id: str, kid: str) -> None:
    """End a client's key and the tokens that stand on it."""
    from identity.clients import service

    with in_city(city):
        service.retire_key(client_id, kid)


@client.command("rotate-secret")
@click.argument("client_id")
@click.pass_obj
def client_rotate_secret(city: Any, client_id: str) -> None:
    """Give a client a new secret and print it, once."""
    import secrets

    from identity.clients import service

    secret = secrets.token_urlsafe(32)
    with in_city(city):
        service.rotate_secret(client_id, secret)
        click.echo(secret)


@click.group("staff")
def staff() -> None:
    """Give and end staff roles."""


@staff.command("give")
@click.option("--login-name", required=True, help="Whose: the log-in name of their account.")
@click.option("--organisation", required=True, help="Its unified social credit code.")
@click.option("--role", required=True, type=click.Choice(("administrator", "clients", "devices", "people", "window")))
@click.option("--area", required=True, help="Digits of GB/T 2260 below which the role counts.")
@click.pass_obj
def staff_give(city: Any, *, login_name: str, organisation: str, role: str, area: str) -> None:
    """Give a role; after the first two administrators, others take an act of two persons."""
    from identity import handles
    from identity.staff import service

    with in_city(city):
        held = service.give(
            person_id=_person_of(login_name),
            organisation_id=handles.organisation_by(organisation).id,
            role=role,
            area=area,
            valid_until=None,
        )
        click.echo(held.id)


@staff.command("end")
@click.argument("role_id")
@click.pass_obj
def staff_end(city: Any, role_id: str) -> None:
    """End a staff role at once."""
    from identity.staff import service

    with in_city(city):
        service.end(role_id)


@staff.command("list")
@click.pass_obj
def staff_list(city: Any) -> None:
    """List staff roles in force, one a line."""
    from identity import handles
    from identity.staff import service

    with in_city(city):
        for each in service.roles(cursor=None, limit=1000).items:
            click.echo(f"{each.id}\t{each.role}\t{each.area}\t{handles.handle_of(each.person_id)}")


@click.group("person")
def person() -> None:
    """Find a person by ID number; let a stopped one in again."""


@person.command("find")
@click.option("--reason", required=True, help="Why: identity-check, correction, complaint, fraud, court-order.")
@click.option("--resident-id", prompt=True, hide_input=True, help="Asked for when not given: it stays out of history.")
@click.pass_obj
def person_find(city: Any, *, reason: str, resident_id: str) -> None:
    """Print the handle, masked name and state of the person with exactly this number."""
    from identity.admin import persons

    if reason not in persons.REASONS:
        raise click.BadParameter(", ".join(persons.REASONS), param_hint="--reason")
    with in_city(city):
        found = persons.find(resident_id, reason=reason)
        click.echo(f"{found.id}\t{found.name}\t{found.area}\t{found.state}")


@person.command("enable")
@click.argument("handle")
@click.option("--reason", required=True)
@click.pass_obj
def person_enable(city: Any, handle: str, *, reason: str) -> None:
    """Let a stopped person log in again."""
    from identity.admin import persons

    with in_city(city):
        persons.enable(handle, reason=reason)


@click.group("approval")
def approval() -> None:
    """Propose and do what takes two persons; an official approves it on their own pages or API."""


@approval.command("propose")
@click.argument("act")
@click.option("--arguments", default="{}", help="JSON object.")
@click.option("--reason", required=True)
@click.pass_obj
def approval_propose(city: Any, act: str, *, arguments: str, reason: str) -> None:
    """Propose an act, such as person.disable, and print the proposal's id."""
    from identity.staff import approvals

    try:
        given = json.loads(arguments)
    except ValueError:
        raise click.BadParameter("not JSON", param_hint="--arguments") from None
    with in_city(city):
        click.echo(approvals.propose(act=act, arguments=given, reason=reason).id)


@approval.command("execute")
@click.argument("approval_id")
@click.pass_obj
def approval_execute(city: Any, approval_id: str) -> None:
    """Do an approved act, once, and print what it gave."""
    from identity.staff import approvals

    with in_city(city):
        click.echo(json.dumps(approvals.execute_once(approval_id), ensure_ascii=False))


@approval.command("list")
@click.pass_obj
def approval_list(city: Any) -> None:
    """List proposals, newest first."""
    from identity.staff import approvals

    with in_city(city):
        for each in approvals.proposals(cursor=None, limit=100).items:
            click.echo(f"{each.id}\t{each.state}\t{each.act}\t{each.expires_at.isoformat()}")


def _person_of(login_name: str) -> str:
    from sqlalchemy import select

    from app.db import session
    from app.errors import NotFound
    from identity.accounts.models import Account

    found = session().scalar(select(Account.person_id).where(Account.login_name == login_name.strip().lower()))
    if found is None:
        raise NotFound
    return found


COMMANDS = (client, staff, person, approval)
