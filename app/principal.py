"""Who acts: one frozen value, the same in requests, jobs and commands."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from flask import current_app, has_request_context

CORE_AUDIENCE = "suxin"


class Kind(StrEnum):
    """Whose affairs these are: a person's, an organisation's, an office's, a machine's or a program's."""

    CITIZEN = "citizen"
    ORGANISATION = "organisation"
    OFFICIAL = "official"
    TERMINAL = "terminal"
    CLIENT = "client"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts, for whom, on what ground. Holds ids only, never a name or number.

    `party` is whose affairs these are, by the core's internal id, and None
    inside plugins' audiences; `subject` is the same by the pairwise id of the
    audience that is called. `actor` is who acts: `party` (in a plugin's
    audience `subject`), or somebody else for it. Then `acting_for` repeats
    whom, `capacity` says as what and `evidence` names the relationship or
    mandate it rests on. `organisation` as `kind` is no citizen: routes for
    citizens refuse it unless they name it. `session` is the log-in an official
    works in: two acts of one session are one person's; each of `desks` is
    (organisation, role, area).
    """

    kind: Kind
    actor: str
    subject: str | None = None
    party: str | None = None
    acting_for: str | None = None
    capacity: str | None = None
    evidence: str | None = None
    organisation: str | None = None
    terminal: str | None = None
    place: str | None = None
    client: str | None = None
    desks: tuple[tuple[str, str, str], ...] = ()
    scopes: frozenset[str] = frozenset()
    proofing_level: int = 0
    authentication_level: int = 0
    purpose: str | None = None
    grant: str | None = None
    audience: str = CORE_AUDIENCE
    session: str | None = None
    token_id: str | None = None


SYSTEM = Principal(kind=Kind.SYSTEM, actor="system")
ANONYMOUS = Principal(kind=Kind.CLIENT, actor="anonymous")


_acting: ContextVar[Principal | None] = ContextVar("suxin_principal", default=None)


def principal() -> Principal:
    """Return who acts: the caller of the request, or whom a job acts under."""
    acting = _acting.get()
    if acting is not None:
        return acting
    if has_request_context():
        found: Principal | None = current_app.extensions["suxin.authenticate"]()
        return found or ANONYMOUS
    return SYSTEM


class acting_as:  # noqa: N801 - reads as a phrase: `with acting_as(who):`
    """Run a block (a job, a command) under a given Principal."""

    def __init__(self, who: Principal) -> None:
        self.who = who

    def __enter__(self) -> Principal:
        self._token = _acting.set(self.who)
        return self.who

    def __exit__(self, *_: object) -> None:
        _acting.reset(self._token)
