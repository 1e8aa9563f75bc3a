"""Tell a person that something waits for their decision."""

from __future__ import annotations

from sqlalchemy import select

from app.db import now, session
from app.notices import service as notices
from identity.oidc.models import Client, DecoupledRequest


def ask_approval(request_id: str) -> None:
    """Leave a notice with a link to the page of open questions; one that was decided meanwhile needs none."""
    asked = session().scalars(select(DecoupledRequest).where(DecoupledRequest.id == request_id)).first()
    if asked is None or asked.person_id is None or asked.state != "pending" or asked.expires_at <= now():
        return
    client = session().get_one(Client, asked.client_id)
    notices.send(
        party=asked.person_id,
        kind="identity.approval-asked",
        reference=asked.id,
        arguments={"client_zh": client.title_zh, "client_en": client.title_en},
        link="/approvals",
    )
