"""Give and end staff roles, and let a browser session work for an organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app import audit, paging
from app.db import now, session
from app.errors import Conflict, InvalidRequest, NotFound
from app.ids import new_id
from app.principal import principal
from identity.oidc.models import AuthorizationGrant
from identity.oidc.revocation import revoke_grant
from identity.parties import ending
from identity.parties.models import Organisation, Person
from identity.sessions.models import BrowserSession
from identity.staff import desks
from identity.staff.capacities import desks_of, in_force
from identity.staff.errors import ApprovalNeeded, NotYourCapacity
from identity.staff.models import StaffRole

# Until two administrators exist nobody could be the second person: the operator names the first two.
_FIRST_ADMINISTRATORS = 2


def give(
    *, person_id: str, organisation_id: str, role: str, area: str, valid_until: datetime | None, approved: bool = False
) -> StaffRole:
    """Give a role at once.

    Raises `NotFound` for a person or organisation out of reach, `Conflict`
    when it is held already, `ApprovalNeeded` for an administrator's role.
    """
    organisation = session().get(Organisation, organisation_id)
    desks.need_reach(desks.ADMINISTRATOR, organisation, area=area)
    desks.need_reach(desks.ADMINISTRATOR, organisation)
    person = session().get(Person, person_id)
    if organisation is None or organisation.state != "active" or person is None or person.state != "active":
        raise NotFound
    if role == desks.ADMINISTRATOR and not approved and not _founding():
        raise ApprovalNeeded
    if valid_until is not None and valid_until <= now():
        raise InvalidRequest(errors={"json": {"valid_until": ["must lie ahead"]}})
    return _given(person_id, organisation_id, role, area, valid_until)


def end(role_id: str) -> None:
    """End a role at once: the next request of its holder is without it. Raises `NotFound`, `Conflict`."""
    held = session().get(StaffRole, role_id)
    organisation = session().get(Organisation, held.organisation_id) if held else None
    desks.need_reach(desks.ADMINISTRATOR, organisation, area=held.area if held else None)
    ended = session().execute(
        update(StaffRole)
        .where(StaffRole.id == role_id, StaffRole.ended_at.is_(None))
        .values(ended_at=now())
        .returning(StaffRole.person_id, StaffRole.organisation_id)
    )
    gone = ended.first()
    if gone is None:
        raise Conflict
    audit.record("identity.staff-role-ended", subject=gone.person_id, object=role_id)
    # What a window official sees to rests on the role that is gone.
    ending.end_assistances(gone.person_id)
    if not desks_of(gone.person_id, gone.organisation_id):
        _end_work(gone.person_id, gone.organisation_id)


def roles(*, cursor: str | None, limit: int) -> paging.Page[StaffRole]:
    """Return one page of the open roles within the caller's reach."""
    found = (
        select(StaffRole)
        .join(Organisation, Organisation.id == StaffRole.organisation_id)
        .where(StaffRole.ended_at.is_(None), desks.reached(desks.ADMINISTRATOR, area=StaffRole.area))
    )
    return paging.page(found, key=(StaffRole.valid_from, StaffRole.id), cursor=cursor, limit=limit)


def work_for(session_id: str, person_id: str, organisation_id: str | None) -> None:
    """Let a browser session act as staff of an organisation, or as the citizen again.

    Raises `NotYourCapacity`. Apps that were let in before keep what they had.
    """
    if organisation_id is not None and not desks_of(person_id, organisation_id):
        raise NotYourCapacity
    session().execute(
        update(BrowserSession)
        .where(BrowserSession.id == session_id, BrowserSession.ended_at.is_(None))
        .values(staff_of=organisation_id)
    )
    audit.record("identity.capacity-chosen", subject=person_id, object=organisation_id)


def _given(person_id: str, organisation_id: str, role: str, area: str, valid_until: datetime | None) -> StaffRole:
    values: dict[str, Any] = {
        "id": new_id("staffrole"), "person_id": person_id, "organisation_id": organisation_id, "role": role,
        "area": area, "valid_from": now(), "valid_until": valid_until, "given_by": principal().actor,
    }  # fmt: skip
    made = session().scalars(insert(StaffRole).values(**values).on_conflict_do_nothing().returning(StaffRole)).first()
    if made is None:
        raise Conflict
    audit.record(
        "identity.staff-role-given", subject=person_id, object=made.id,
        details={"role": role, "area": area, "organisation": organisation_id},
    )  # fmt: skip
    return made


def _founding() -> bool:
    # Two commands at once must not both be the second one.
    session().execute(text("SELECT pg_advisory_xact_lock(hashtext('identity.first_administrators'))"))
    held = session().scalar(
        select(func.count(StaffRole.person_id.distinct())).where(StaffRole.role == desks.ADMINISTRATOR, in_force())
    )
    return (held or 0) < _FIRST_ADMINISTRATORS


def _end_work(person_id: str, organisation_id: str) -> None:
    session().execute(
        update(BrowserSession)
        .where(
            BrowserSession.staff_of == organisation_id,
            BrowserSession.account_id.in_(_accounts_of(person_id)),
            BrowserSession.ended_at.is_(None),
        )
        .values(staff_of=None)
    )
    grants = session().scalars(
        select(AuthorizationGrant).where(
            AuthorizationGrant.person_id == person_id,
            AuthorizationGrant.staff_of == organisation_id,
            AuthorizationGrant.revoked_at.is_(None),
        )
    )
    for grant in grants.all():
        revoke_grant(grant)


def _accounts_of(person_id: str) -> Any:
    from identity.accounts.models import Account

    return select(Account.id).where(Account.person_id == person_id)
