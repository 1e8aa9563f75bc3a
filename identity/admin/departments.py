"""Stop a department or organisation: its clients, terminals and officials, at once."""

from __future__ import annotations

from sqlalchemy import select, update

from app import audit
from app.db import now, session
from app.errors import Conflict, NotFound
from identity.clients.service import end_everything
from identity.devices.models import Device, EnrolmentCode
from identity.oidc.models import AuthorizationGrant, Client
from identity.oidc.revocation import revoke, revoke_grant
from identity.parties.models import Organisation
from identity.sessions.models import BrowserSession
from identity.staff import desks


def by_code(credit_code: str) -> Organisation:
    """Return an organisation within an administrator's reach; raises `NotFound`."""
    found = session().scalars(select(Organisation).where(Organisation.credit_code == credit_code)).first()
    desks.need_reach(desks.ADMINISTRATOR, found)
    if found is None:
        raise NotFound
    return found


def suspend(organisation_id: str) -> None:
    """Stop all that an organisation runs here; raises `Conflict`."""
    _move(organisation_id, "active", "disabled")
    for client_id in session().scalars(select(Client.id).where(Client.organisation_id == organisation_id)).all():
        end_everything(client_id)
    for device_id in session().scalars(select(Device.id).where(Device.organisation_id == organisation_id)).all():
        revoke("client", device_id)
    session().execute(
        update(EnrolmentCode)
        .where(EnrolmentCode.organisation_id == organisation_id, EnrolmentCode.consumed_at.is_(None))
        .values(consumed_at=now())
    )
    _end_posts(organisation_id)
    audit.record("identity.department-suspended", object=organisation_id)


def resume(organisation_id: str) -> None:
    """Let an organisation run again; consents and sessions that ended stay ended. Raises `Conflict`."""
    _move(organisation_id, "disabled", "active")
    audit.record("identity.department-resumed", object=organisation_id)


def _end_posts(organisation_id: str) -> None:
    session().execute(update(BrowserSession).where(BrowserSession.staff_of == organisation_id).values(staff_of=None))
    posts = select(AuthorizationGrant).where(
        AuthorizationGrant.staff_of == organisation_id, AuthorizationGrant.revoked_at.is_(None)
    )
    for grant in session().scalars(posts).all():
        revoke_grant(grant)


def _move(organisation_id: str, source: str, target: str) -> None:
    moved = session().execute(
        update(Organisation)
        .where(Organisation.id == organisation_id, Organisation.state == source)
        .values(state=target)
        .returning(Organisation.id)
    )
    if moved.first() is None:
        raise Conflict
