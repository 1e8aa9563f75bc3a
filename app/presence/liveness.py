"""Who vouches that a living person stood there: a terminal's signed word, head turns, or nobody.

No passive detector we measured tells a face from its recapture (area under
the curve near one half), so nothing here claims liveness from a photograph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import orjson
from flask import current_app
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.db import now
from app.presence.errors import LivenessRefused
from app.presence.models import PresenceSession
from app.presence.ports import terminal_keys, turns

TYPE = "suxin-liveness+jwt"
CERTIFIED, SIMULATED, CHALLENGE = "certified", "simulated", "challenge"
_MAX_BYTES = 4_000
_CLOCK_SECONDS = 120


def digests_of(frames: Sequence[bytes]) -> list[str]:
    """Return the SHA-256 of each picture in lower-case hex, as statements name them."""
    return [hashlib.sha256(frame).hexdigest() for frame in frames]


class LivenessJudge(Protocol):
    """One way to be sure of a living person."""

    def level(self, statement: str, *, opened: PresenceSession, frames: Sequence[bytes]) -> str | None:
        """Return the level reached, None to try again; raises `LivenessRefused`."""


class Deny:
    """The default: nobody vouches, so nothing is proven."""

    def level(self, statement: str, *, opened: PresenceSession, frames: Sequence[bytes]) -> str | None:
        """Raise `LivenessRefused`."""
        raise LivenessRefused(reason="not_offered")


class TerminalAttested:
    """An enrolled terminal signs what its certified camera saw; the only way that payment rests on."""

    def level(self, statement: str, *, opened: PresenceSession, frames: Sequence[bytes]) -> str | None:
        """Return the level the terminal attests."""
        return level_of(statement, opened=opened, frames=frames)


class ActiveChallenge:
    """A phone's camera saw the head turn as the session asked; never for payment."""

    def level(self, statement: str, *, opened: PresenceSession, frames: Sequence[bytes]) -> str | None:
        """Return `challenge` when the turns are those asked for."""
        reader = turns.get("identity")
        if reader is None or len(frames) != len(opened.turns):
            raise LivenessRefused(reason="frames_differ" if reader else "not_offered")
        return CHALLENGE if reader.follows(frames, opened.turns) else None


def judge_of(opened: PresenceSession) -> LivenessJudge:
    """Return who may vouch in this session; anything not plainly provided for is denied."""
    if opened.challenge:
        return ActiveChallenge()
    return TerminalAttested() if opened.party is None else Deny()


def level_of(statement: str, *, opened: PresenceSession, frames: Sequence[bytes]) -> str:
    """Return the level a terminal attests; raises `LivenessRefused` with a reason."""
    claims = _claims(statement, opened.terminal)
    expected = {
        "session": opened.id,
        "nonce": opened.nonce,
        "purpose": opened.purpose,
        "frames": digests_of(frames),
    }
    wrong = next((name for name, value in expected.items() if claims.get(name) != value), None)
    if wrong is not None:
        raise LivenessRefused(reason=f"{wrong}_differs")
    _check_clock(claims.get("iat"))
    return _allowed(claims.get("level"), claims.get("camera"))


def _claims(statement: str, terminal: str) -> dict[str, object]:
    jwk = terminal_keys.only().public_jwk(terminal)
    if jwk is None:
        raise LivenessRefused(reason="terminal_unknown")
    if len(statement) > _MAX_BYTES:
        raise LivenessRefused(reason="statement_too_long")
    try:
        key = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
        signed = jws.deserialize_compact(statement.encode(), key, algorithms=["ES256"])
        claims = orjson.loads(signed.payload or b"")
    except (JoseError, ValueError, KeyError, TypeError):
        raise LivenessRefused(reason="signature") from None
    if signed.headers().get("typ") != TYPE:
        raise LivenessRefused(reason="type")
    if not isinstance(claims, dict):
        raise LivenessRefused(reason="claims")
    return claims


def _check_clock(issued: object) -> None:
    if issued is None:
        return
    if not isinstance(issued, int) or abs(now().timestamp() - issued) > _CLOCK_SECONDS:
        raise LivenessRefused(reason="clock")


def _allowed(level: object, camera: object) -> str:
    if not isinstance(camera, str) or not 1 <= len(camera) <= 80:
        raise LivenessRefused(reason="camera")
    if level == CERTIFIED or (level == SIMULATED and current_app.config["SETTINGS"].demo):
        return str(level)
    raise LivenessRefused(reason="level")
