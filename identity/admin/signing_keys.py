"""The issuer's signing keys, for officials: seen by all administrators, rotated early by two of the city's."""

from __future__ import annotations

from sqlalchemy import select

from app import audit
from app.db import session
from app.errors import Conflict
from app.text import Text
from identity.oidc import keys
from identity.oidc.models import SigningKey
from identity.staff import desks


class NextKeyTooYoung(Conflict):
    title = Text("新密钥发布未满 24 小时", "The next key has not been published for 24 hours")
    next_step = Text("请稍后再轮换，或以双人审批提前轮换", "Wait, or rotate early by an act of two persons")


def listed() -> list[SigningKey]:
    """Return every key that verifiers may still meet."""
    desks.need_administrator()
    wanted = select(SigningKey).where(SigningKey.state != "gone").order_by(SigningKey.created_at, SigningKey.kid)
    return list(session().scalars(wanted))


def rotate() -> list[str]:
    """Let the next key of each algorithm sign; raises `NextKeyTooYoung` while verifiers may not know one."""
    desks.need_reach(desks.ADMINISTRATOR, None)
    try:
        rotated = keys.rotate_all()
    except keys.TooEarly:
        raise NextKeyTooYoung from None
    return _recorded(rotated)


def rotate_early() -> list[str]:
    """Let the next keys sign although they are young: after a theft waiting is worse."""
    return _recorded(keys.rotate_all(early=True), early=True)


def _recorded(rotated: list[str], *, early: bool = False) -> list[str]:
    for kid in rotated:
        audit.record("identity.signing-key-rotated", object=kid, details={"early": True} if early else None)
    return rotated
