"""A mobile operator played on this machine: keeps what it was given for the demo's people, or fails when told to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import select

from app import crypto
from app.config import Settings
from app.db import add, session
from app.errors import NotFound
from app.ids import new_id
from identity.accounts.models import Account
from identity.authenticators.models import SimulatedMessage
from identity.authenticators.sms.operator import NotSent
from identity.parties.service import mobile_of

_PURPOSE, _INDEX = "simulated-sms", "mobile"
# Told by the number, so that every process of the city hears it.
REFUSED_TAIL = "0000"


@dataclass(slots=True)
class SimulatedOperator:
    """Delivers into a table; `behaviour` is `good`, `down` or `refusing`, and numbers ending in 0000 are refused."""

    behaviour: str = "good"

    def send(self, mobile: str, text: str) -> None:
        """Keep one message; raises `NotSent` when told to fail."""
        if self.behaviour != "good" or mobile.endswith(REFUSED_TAIL):
            raise NotSent(self.behaviour)
        message_id = new_id("sms")
        add(
            SimulatedMessage(
                id=message_id,
                mobile_index=crypto.blind_index(mobile, purpose=_INDEX),
                text_sealed=crypto.seal(text.encode(), purpose=_PURPOSE, place=_place(message_id)),
            )
        )


def delivered(mobile: str) -> list[str]:
    """Return what was delivered to a number, newest first."""
    rows = session().scalars(
        select(SimulatedMessage)
        .where(SimulatedMessage.mobile_index == crypto.blind_index(mobile, purpose=_INDEX))
        .order_by(SimulatedMessage.id.desc())
    )
    return [crypto.open_sealed(row.text_sealed, purpose=_PURPOSE, place=_place(row.id)).decode() for row in rows]


def messages_of(login_name: str) -> list[str]:
    """Return what was delivered to a demo person, newest first; raises `NotFound` outside the demo."""
    person_id = session().scalar(select(Account.person_id).where(Account.login_name == login_name))
    mobile = mobile_of(person_id) if person_id is not None else None
    if mobile is None or not cast(Settings, current_app.config["SETTINGS"]).demo:
        raise NotFound
    return delivered(mobile)


def _place(message_id: str) -> str:
    return f"simulated_message/{message_id}/text"
