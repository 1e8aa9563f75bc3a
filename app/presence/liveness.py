"""The terminal's signed word that it saw a living person, bound to one session and its pictures.

No passive detector we measured tells a face from its recapture (area under
the curve near one half), so nothing here claims liveness from a photograph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson
from flask import current_app
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.db import now
from app.presence.errors import LivenessRefused
from app.presence.models import PresenceSession
from app.presence.ports import terminal_keys

TYPE = "suxin-liveness+jwt"
CERTIFIED, SIMULATED = "certified", "simulated"
_MAX_BYTES = 4_000
_CLOCK_SECONDS = 300


def digests_of(frames: Sequence[bytes]) -> list[str]:
    """Return the SHA-256 of each picture in lower-case hex, as statements name them."""
    return [hashlib.sha256(frame).hexdigest() for frame in frames]


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
