"""The demo world's departments and officials, entered through the same service as real ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.db import session
from demo import offices
from identity.parties.models import Person
from identity.parties.service import register_organisation
from identity.staff import service


def seed() -> None:
    """Enter everybody of `demo/offices.yaml`; the first two administrators need no second person."""
    for office in offices.load():
        entered = register_organisation(
            name=office.name, credit_code=office.credit_code, area=office.area, demo_key=office.key
        )
        for post in office.posts:
            service.give(
                person_id=session().scalars(select(Person.id).where(Person.demo_key == post.person)).one(),
                organisation_id=entered.id,
                role=post.role,
                area=post.area,
                valid_until=None,
            )


def exported() -> list[dict[str, Any]]:
    """Return who works where, by the keys of persons and offices."""
    return [
        {"person": post.person, "office": office.key, "role": post.role, "area": post.area}
        for office in offices.load()
        for post in office.posts
    ]
