"""Why an attestation is not taken."""

from __future__ import annotations

from app.errors import NotAllowed
from app.text import Text


class NotYourDesk(NotAllowed):
    title = Text("您无权在此地点核验", "You may not attest at this place")
    next_step = Text("请由有此地点核验权限的工作人员办理", "Let an official do it whose desk covers this place")
