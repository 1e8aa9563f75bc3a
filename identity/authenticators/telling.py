"""Tell a person what happened to the ways into the account, so that a thief cannot change them unseen."""

from __future__ import annotations

from app.ids import new_id
from app.notices import service as notices


def about(person_id: str, what: str, **arguments: str) -> None:
    """Leave a notice of a kind declared in identity's notices.yaml."""
    notices.send(
        party=person_id, kind=f"identity.{what}", reference=new_id("event"), arguments=arguments, link="/account/"
    )
