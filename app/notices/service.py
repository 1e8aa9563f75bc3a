"""Send notices, list them, mark them as read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.db import now, session
from app.errors import NotFound
from app.ids import new_id
from app.notices.kinds import NoticeKind, known
from app.notices.models import Notice
from app.paging import Page, page
from app.text import Text


class _Values(dict[str, str]):
    """The values of a notice; one that its wording has gained since is left open."""

    def __missing__(self, name: str) -> str:
        return "…"


class UnknownNoticeKind(LookupError):
    """A plugin sends a notice that it does not declare, or without a value it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notice in its wording."""

    id: str
    kind: str
    title: str
    body: str
    link: str | None
    created_at: datetime
    read_at: datetime | None


def send(*, party: str, kind: str, reference: str, arguments: Mapping[str, str], link: str | None = None) -> None:
    """Leave a notice for a party, once per kind and reference."""
    declared = known(kind)
    if declared is None or not declared.names() <= set(arguments):
        raise UnknownNoticeKind(kind)
    values = {
        "id": new_id("notice"), "party": party, "kind": kind, "reference": reference,
        "arguments": dict(arguments), "link": link, "created_at": now(),
    }  # fmt: skip
    session().execute(insert(Notice).values(values).on_conflict_do_nothing())


def inbox(*, party: str, language: str, cursor: str | None, limit: int) -> Page[Message]:
    """Return a page of a party's notices, newest first, in one language."""
    query = select(Notice).where(Notice.party == party)
    found = page(query, key=(Notice.created_at, Notice.id), cursor=cursor, limit=limit)
    return Page([_worded(notice, language) for notice in found.items], found.next_cursor)


def unread(party: str) -> int:
    """Return how many notices a party has not read."""
    query = select(func.count()).select_from(Notice).where(Notice.party == party, Notice.read_at.is_(None))
    return session().scalar(query) or 0


def mark_read(notice_id: str, *, party: str, language: str) -> Message:
    """Mark a party's own notice as read; a second time changes nothing. Raises `NotFound`."""
    notice = session().get(Notice, notice_id)
    if notice is None or notice.party != party:
        raise NotFound()
    notice.read_at = notice.read_at or now()
    return _worded(notice, language)


def forget(party: str) -> None:
    """Delete every message to an erased party; a second time changes nothing."""
    session().execute(delete(Notice).where(Notice.party == party))


def _worded(notice: Notice, language: str) -> Message:
    kind = known(notice.kind) or NoticeKind(Text(notice.kind, notice.kind), Text("…", "…"))
    values = _Values(notice.arguments)
    return Message(
        id=notice.id,
        kind=notice.kind,
        title=kind.title.to(language).format_map(values),
        body=kind.body.to(language).format_map(values),
        link=notice.link,
        created_at=notice.created_at,
        read_at=notice.read_at,
    )
