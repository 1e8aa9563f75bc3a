"""Open a session, judge its evidence once, look at it again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.db import add, now, session, unit_of_work, work
from app.errors import NotAllowed, NotFound
from app.guards import Principal
from app.ids import new_id
from app.presence import challenge, limits, liveness, proofs
from app.presence.codes import CodeProvider
from app.presence.errors import CaptureSeen, MethodUnknown, SessionExpired, SessionUsed
from app.presence.models import PresenceCapture, PresenceProof, PresenceSession
from app.presence.ports import Evidence, Judgement, PresenceProvider, providers

TTL_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the terminal sent; nothing of it is ever written or shown."""

    method: str
    claim: Mapping[str, str] = field(default_factory=dict, repr=False)
    frames: Sequence[bytes] = field(default=(), repr=False)
    liveness: str = field(default="", repr=False)
    code: str | None = field(default=None, repr=False)
    pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decided session and, when matched, its proof."""

    session: PresenceSession
    proof: PresenceProof | None


def open_session(*, who: Principal, purpose: str, ttl_seconds: int = TTL_SECONDS) -> PresenceSession:
    """Open a session for the customer before this terminal; it lives a minute, or less when asked."""
    return add(PresenceSession(**new_session(who, {"purpose": purpose, "ttl_seconds": ttl_seconds})))


def new_session(who: Principal, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a session that begins now, its audit line left; whoever asked writes it."""
    at, session_id, purpose = now(), new_id("presence"), form["purpose"]
    audit.record("presence.session-opened", object=session_id, purpose=purpose)
    return {
        "id": session_id, "terminal": terminal_of(who), "organisation": who.organisation, "place": who.place,
        "purpose": purpose, "nonce": secrets.token_urlsafe(24), "party": None, "challenge": None, "state": "open",
        "method": None, "decision": None, "reason": None, "created_at": at,
        "expires_at": at + timedelta(seconds=form["ttl_seconds"]), "decided_at": None,
    }  # fmt: skip


def open_own(*, who: Principal, purpose: str) -> PresenceSession:
    """Open a session on a citizen's own phone, with head turns to be shown to its camera.

    Raises `PurposeNotOffered` unless the purpose is declared to be of low value.
    """
    if who.party is None:
        raise NotAllowed()
    challenge.check_purpose(purpose)
    opened = open_session(who=who, purpose=purpose)
    opened.party, opened.challenge = who.party, challenge.chosen()
    session().flush()
    return opened


def look(session_id: str, *, who: Principal) -> PresenceSession:
    """Return a session of this terminal; raises `NotFound` for any other."""
    found = session().get(PresenceSession, session_id)
    if found is None or found.terminal != terminal_of(who):
        raise NotFound()
    return found


def terminal_of(who: Principal) -> str:
    """Return the id of the terminal that acts."""
    return who.terminal or who.actor


def judge(session_id: str, sent: Sent, *, who: Principal) -> Outcome:
    """Decide a session by its one piece of evidence.

    Raises `NotFound`, `SessionUsed`, `SessionExpired`, `MethodUnknown`,
    `LivenessRefused`, `CaptureSeen`, `TooManyGuesses`. An answer that is not
    a match is an answer: it is kept, and the session is over.
    """
    opened = look(session_id, who=who)
    provider = _provider(sent.method)
    _take(opened)
    level = _admit(opened, sent) if provider.needs_capture else "none"
    counted = limits.targets(terminal=opened.terminal, claim=_claim_key(opened, sent.claim), method=sent.method)
    limits.reserve(counted)
    judgement = _UNTURNED if level is None else provider.judge(_evidence(opened, sent, level))
    if judgement.decision in ("matched", "retry"):
        limits.refund(counted)
    # A provider that waited for an outside party has committed meanwhile: decide on the row as it is now.
    return _decide(look(session_id, who=who), sent.method, judgement)


_UNTURNED = Judgement(decision="retry", reason="turns_differ")


def _evidence(opened: PresenceSession, sent: Sent, level: str) -> Evidence:
    frames = tuple(sent.frames)
    if opened.turns:
        # Turned heads showed that somebody is there; who it is, the look to the front tells.
        frames = tuple(frame for frame, turn in zip(frames, opened.turns, strict=True) if turn == challenge.FRONT)
    return Evidence(
        method=sent.method, purpose=opened.purpose, place=opened.place, session=opened.id, terminal=opened.terminal,
        level=level, claim=sent.claim, frames=frames, code=sent.code, pin=sent.pin, party=opened.party,
    )  # fmt: skip


def _provider(method: str) -> PresenceProvider:
    offered: dict[str, PresenceProvider] = {"code": CodeProvider(), **providers.all()}
    if method not in offered:
        raise MethodUnknown(methods=sorted(offered))
    return offered[method]


def _take(opened: PresenceSession) -> None:
    """Take the session for this evidence alone; of parallel takers one wins."""
    taken = session().scalar(
        update(PresenceSession)
        .where(PresenceSession.id == opened.id, PresenceSession.state == "open", PresenceSession.expires_at > now())
        .values(state="decided", decided_at=now())
        .returning(PresenceSession.id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        session().refresh(opened)
        raise SessionExpired() if opened.state == "open" else SessionUsed()
    session().refresh(opened)


def _admit(opened: PresenceSession, sent: Sent) -> str | None:
    level = liveness.judge_of(opened).level(sent.liveness, opened=opened, frames=sent.frames)
    digests = sorted({bytes.fromhex(digest) for digest in liveness.digests_of(sent.frames)})
    fresh = session().scalars(
        insert(PresenceCapture)
        .values([{"digest": digest, "session_id": opened.id, "seen_at": now()} for digest in digests])
        .on_conflict_do_nothing()
        .returning(PresenceCapture.digest)
    )
    if len(fresh.all()) != len(sent.frames):
        _note_replay(opened.id, opened.purpose)
        raise CaptureSeen()
    return level


def _note_replay(session_id: str, purpose: str) -> None:
    # The request is refused and undone; that it happened must stay on record. Undone first,
    # so that no request ever waits for a second connection while it holds one.
    work().undo()
    with unit_of_work():
        audit.record("presence.capture-replayed", object=session_id, purpose=purpose, outcome="refused")


def _claim_key(opened: PresenceSession, claim: Mapping[str, str]) -> str:
    region = (opened.place or "")[:6] if "phone_tail4" in claim else ""
    return "/".join([region, *(f"{name}={value}" for name, value in sorted(claim.items()))]) if claim else ""


def _decide(opened: PresenceSession, method: str, judgement: Judgement) -> Outcome:
    opened.method, opened.decision, opened.reason = method, judgement.decision, judgement.reason
    session().flush()
    matched = judgement.decision == "matched" and judgement.party is not None
    audit.record(
        "presence.decided",
        subject=judgement.party if matched else None,
        object=opened.id,
        purpose=opened.purpose,
        outcome=judgement.decision,
        details={"method": method, "level": judgement.level, "reason": judgement.reason},
    )
    if not matched or judgement.party is None:
        return Outcome(opened, None)
    return Outcome(opened, proofs.issue(opened, party=judgement.party, method=method, level=judgement.level))
