"""What identity's commands share: the city they run in, and how their options are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click
from sqlalchemy import select

from app.db import session, unit_of_work
from app.errors import DomainError, NotFound
from app.principal import SYSTEM, acting_as


@contextmanager
def in_city(city: Any) -> Iterator[None]:
    """Run a block in the city as its operator, in one unit of work; a refusal ends the command with its words."""
    try:
        with city.app().app_context(), acting_as(SYSTEM), unit_of_work():
            yield
    except DomainError as error:
        raise click.ClickException(f"{error.title.en}. {error.next_step.en}.") from None


def organisation_of(credit_code: str) -> str:
    """Return the id of an organisation by its credit code; raises `NotFound`."""
    from identity.parties.models import Organisation

    found = session().scalar(select(Organisation.id).where(Organisation.credit_code == credit_code))
    if found is None:
        raise NotFound
    return found


def access_of(text: str) -> tuple[str, list[str]]:
    """Return audience and scopes of one `audience=scope,scope`."""
    audience, found, scopes = text.partition("=")
    if not found or not audience or not scopes:
        raise click.BadParameter("write audience=scope,scope", param_hint="--access")
    return audience, scopes.split(",")


def json_of(source: IO[str]) -> dict[str, Any]:
    """Return the JSON object in a file."""
    try:
        found = json.load(source)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter("the file holds no JSON object", param_hint="--jwk")
    return found
