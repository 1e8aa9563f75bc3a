"""The face judged by a gateway: asked only about people who consented to just that, and never for long."""

from __future__ import annotations

import threading
import time

from flask import current_app
from sqlalchemy import select

from app import audit, crypto
from app.db import now, outside_wait, session
from app.facade.settings import settings_of
from app.presence.ports import Evidence, Judgement
from identity.face.gateway.wire import Away, Gateway, Question, Said
from identity.face.models import FaceConsent
from identity.face.notice import GATEWAY
from identity.parties.models import Person

_KEY = "identity.face_gateway"
_AWAY = Judgement(decision="use_alternative", reason="provider_away")
_MISMATCH = Judgement(decision="not_matched", reason="not_matched")
FAILURES, PAUSE_SECONDS = 3, 5.0


class Breaker:
    """After three failures in a row nobody waits for five seconds; then one call tries again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures, self._closed_until = 0, 0.0

    def open(self) -> bool:
        """Tell whether a call may go out."""
        with self._lock:
            if time.monotonic() < self._closed_until:
                return False
            if self._failures >= FAILURES:
                self._closed_until = time.monotonic() + PAUSE_SECONDS
            return True

    def note(self, *, good: bool) -> None:
        """Count how a call went."""
        with self._lock:
            self._failures = 0 if good else self._failures + 1
            self._closed_until = time.monotonic() + PAUSE_SECONDS if self._failures >= FAILURES else 0.0


class GatewayProvider:
    """Judges by a gateway that knows people by their ID number; it takes no shortlist."""

    needs_capture = True

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the decision; an answer that is late or does not fit sends the customer another way.

        A number that is unknown here, or whose owner has not consented, is
        not asked about. Its answer takes as long as an asked one's, and the
        gateway is knocked at, so that its failing tells nothing either.
        """
        number = evidence.claim.get("resident_id")
        if number is None:
            return Judgement(decision="use_alternative", reason="ask_resident_id")
        started = time.monotonic()
        party = _consenting(number)
        with outside_wait():
            try:
                said = _asked(evidence, number, ask=party is not None)
            except Away:
                said = None
            _wait_until(started + _floor())
        if said is None:
            return _AWAY
        return _MISMATCH if party is None else _decided(evidence, party, number, said)


def _asked(evidence: Evidence, number: str, *, ask: bool) -> Said:
    gateway, breaker = _gateway()
    if not breaker.open():
        raise Away("paused")
    question = Question(
        request=evidence.session, purpose=evidence.purpose, level=evidence.level, resident_id=number,
        frames=evidence.frames,
    )  # fmt: skip
    try:
        if ask:
            said = gateway.ask(question)
        else:
            gateway.ping()
            said = Said("unknown_person", "not asked")
    except Away:
        breaker.note(good=False)
        raise
    breaker.note(good=True)
    return said


def _decided(evidence: Evidence, party: str, number: str, said: Said) -> Judgement:
    audit.record(
        "identity.face-gateway-asked", subject=party, object=evidence.session, purpose=evidence.purpose,
        outcome=said.result, details={"reference": said.reference},
    )  # fmt: skip
    if said.result == "poor":
        return Judgement(decision="retry", reason="uncertain_face")
    # Consent may have been withdrawn while the gateway thought.
    if said.result != "same" or _consenting(number) != party:
        return _MISMATCH
    return Judgement(decision="matched", reason="matched", party=party, level=evidence.level)


def _consenting(number: str) -> str | None:
    return session().scalar(
        select(Person.id)
        .join(FaceConsent, FaceConsent.person_id == Person.id)
        .where(
            Person.resident_id_index == crypto.blind_index(number.upper(), purpose="resident-id"),
            Person.state == "active", FaceConsent.purpose == GATEWAY, FaceConsent.withdrawn_at.is_(None),
            FaceConsent.expires_at > now(),
        )
    )  # fmt: skip


def _gateway() -> tuple[Gateway, Breaker]:
    settings = settings_of("identity")
    address = settings["face_gateway_url"] or settings["face_gateway_socket"] or "/nonexistent/gateway.sock"
    held: dict[str, tuple[Gateway, Breaker]] = current_app.extensions.setdefault(_KEY, {})
    if address not in held:
        held[address] = (Gateway(address, wait_seconds=int(settings["face_gateway_within_ms"]) / 1000), Breaker())
    return held[address]


def _floor() -> float:
    return int(settings_of("identity")["face_gateway_floor_ms"]) / 1000


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
