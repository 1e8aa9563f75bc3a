"""One-time codes: a signed-in citizen shows one, a terminal sends it, and it is spent."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.crypto import blind_index
from app.db import now, session
from app.errors import Unavailable
from app.presence.models import PresenceCode
from app.presence.ports import Evidence, Judgement

TTL = timedelta(seconds=60)
DIGITS = 8


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code as its owner sees it, once."""

    code: str
    expires_at: datetime


def issue(*, party: str) -> IssuedCode:
    """Return a fresh code for a citizen; the one before stops working."""
    session().execute(delete(PresenceCode).where(PresenceCode.party == party, PresenceCode.consumed_at.is_(None)))
    expires_at = now() + TTL
    for _ in range(4):
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        if _store(code, party, expires_at):
            audit.record("presence.code-issued", subject=party)
            return IssuedCode(code, expires_at)
    raise Unavailable(headers={"Retry-After": "1"})


def _store(code: str, party: str, expires_at: datetime) -> bool:
    values = {"party": party, "created_at": now(), "expires_at": expires_at, "consumed_at": None}
    stored = session().scalar(
        insert(PresenceCode)
        .values(code_index=_index(code), **values)
        # A number may come again once its last owner's time is over.
        .on_conflict_do_update(
            index_elements=[PresenceCode.code_index], set_=values, where=PresenceCode.expires_at <= now()
        )
        .returning(PresenceCode.party)
    )
    return stored is not None


def _index(code: str) -> bytes:
    return blind_index(code, purpose="presence/code")


class CodeProvider:
    """Judges a one-time code; possession of the signed-in app is what it proves."""

    needs_capture = False

    def judge(self, evidence: Evidence) -> Judgement:
        """Spend the code and return its owner, or `not_matched`."""
        party = session().scalar(
            update(PresenceCode)
            .where(
                PresenceCode.code_index == _index(evidence.code or ""),
                PresenceCode.consumed_at.is_(None),
                PresenceCode.expires_at > now(),
            )
            .values(consumed_at=now())
            .returning(PresenceCode.party)
            .execution_options(synchronize_session=False)
        )
        if party is None:
            return Judgement(decision="not_matched", reason="code_wrong")
        return Judgement(decision="matched", reason="matched", party=party, level="code")
