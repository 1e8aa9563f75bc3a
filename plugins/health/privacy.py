"""What health holds about a citizen: handed out, erased, and what the law keeps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from app.api import Kept, PersonalData, Text, Unavailable, session
from plugins.health.models import Settlement, Voucher
from plugins.health.service.receipts import view

_MOST = 1000


def export(subject: str) -> list[dict[str, Any]]:
    """Return a citizen's purchases, newest first."""
    bought = select(Settlement).where(Settlement.subject == subject).order_by(Settlement.created_at.desc()).limit(_MOST)
    return [_plain(view(row)) for row in session().scalars(bought)]


def erase(subject: str) -> None:
    """Delete the insurer's voucher; raises `Unavailable` while a purchase still needs it to be ended."""
    open_one = select(Settlement.id).where(Settlement.subject == subject, Settlement.ended_at.is_(None)).limit(1)
    if session().scalar(open_one) is not None:
        raise Unavailable()
    session().execute(delete(Voucher).where(Voucher.subject == subject))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


PERSONAL_DATA = PersonalData(
    audience="health",
    title=Text("医保购药", "Medicine on medical insurance"),
    export=export,
    erase=erase,
    keeps=(
        Kept(
            what=Text("医保结算记录，不含姓名号码", "Settlements of the medical insurance, by ids without a name"),
            law=Text("医疗保障基金使用监督管理条例", "Regulation on the use of medical insurance funds"),
        ),
    ),
)
