"""What identity's commands share: the city they work in, and how they read their options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy import select

from app.db import session, unit_of_work
from app.errors import DomainError, NotFound
from app.principal import SYSTEM, acting_as


@contextmanager
def in_city(city: Any) -> Iterator[None]:
    """Run a block as the system in one unit of work; a domain error ends the command with its sentence."""
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


def access_option(text: str) -> tuple[str, list[str]]:
    """Return audience and scopes of one `audience=scope,scope`; raises `BadParameter`."""
    audience, found, scopes = text.partition("=")
    if not found or not audience or not scopes:
        raise click.BadParameter("write audience=scope,scope", param_hint="--access")
    return audience, scopes.split(",")
