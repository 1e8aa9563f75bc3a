"""Of parallel answers to one offer exactly one counts; a variant that reads before it writes lets several."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.audit import AuditLeaf
from app.db import now, session, unit_of_work
from app.errors import DomainError
from identity.parties import mandates
from identity.parties.acting_models import Mandate
from identity.parties.errors import Settled
from tests.api.identity import kin

AT_ONCE = 6


def parallel(city: Flask, act: Callable[[], object]) -> int:
    """Return how many of several simultaneous tries succeed."""
    barrier = Barrier(AT_ONCE)

    def attempt(_: int) -> bool:
        with city.app_context():
            try:
                with unit_of_work():
                    session().connection()
                    barrier.wait(10)
                    act()
            except DomainError:
                return False
            return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(attempt, range(AT_ONCE)))


def offered(city: Flask) -> tuple[str, kin.Kin]:
    with city.app_context(), unit_of_work():
        giver, holder = kin.person("钱初"), kin.person("章芸")
        return kin.mandate(giver, holder, accepted=False).id, holder


def test_a_mandate_is_accepted_once(clean_city: Flask) -> None:
    mandate, holder = offered(clean_city)

    def accept() -> None:
        with kin.as_(holder):
            mandates.accept(mandate, agent=holder.id)

    assert parallel(clean_city, accept) == 1
    with clean_city.app_context(), unit_of_work():
        said = func.convert_from(AuditLeaf.body, "UTF8").contains("identity.mandate-accepted")
        assert session().scalar(select(func.count()).select_from(AuditLeaf).where(said)) == 1


def test_control_reading_first_accepts_several_times(clean_city: Flask) -> None:
    mandate, holder = offered(clean_city)
    seen = Barrier(AT_ONCE)

    def accept() -> None:
        row = session().get_one(Mandate, mandate)
        if row.state != "offered":
            raise Settled
        seen.wait(10)
        row.state, row.agent_id, row.accepted_at = "active", holder.id, now()

    assert parallel(clean_city, accept) > 1


@pytest.mark.parametrize("kind", ["guardian", "legal_representative"])
def test_a_relationship_is_entered_once(clean_city: Flask, kind: str) -> None:
    with clean_city.app_context(), unit_of_work():
        guardian, ward = kin.person("苏荷"), kin.person("苏晓", birth=kin.born(5), account=False)

    from identity.parties import relationships

    def enter() -> None:
        relationships.enter(kind, actor=guardian.id, party=ward.id, evidence={})

    assert parallel(clean_city, enter) == 1


def test_a_number_is_proven_by_one_of_many_at_once(clean_city: Flask) -> None:
    from identity.parties.service import register_person
    from identity.proofing import levels, service
    from identity.proofing.terms import Holder

    number = kin.number_of(kin.ADULT)
    with clean_city.app_context(), unit_of_work():
        waiting = [
            register_person(
                name="江晚", resident_id=number, mobile="15400000001", area="321302", source="self",
                method="self-stated", level=2, demo_key=None,
            ).id
            for _ in range(AT_ONCE)
        ]  # fmt: skip

    def prove() -> None:
        service.raised(waiting.pop(), levels.NAME_NUMBER, Holder("江晚", number))

    assert parallel(clean_city, prove) == 1
