"""A terminal with its key, a citizen with an enrolled face, and the calls between them."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import ECKey

from app.ids import new_id
from app.principal import Kind
from identity.devices.service import enrol as enrol_device
from identity.face import service as faces
from identity.parties.models import Organisation, Person
from identity.parties.service import register_organisation, register_person
from tests.unit.face.portraits import derived, portrait

PURPOSE = "health:purchase"
TAIL = "6688"
RESIDENT_ID = "32999919780517002X"
_numbers = itertools.count()


@dataclass(slots=True)
class Terminal:
    """An enrolled terminal: its id, its key, and headers that sign it in."""

    id: str
    key: ECKey = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)

    def open(self, client: FlaskClient, purpose: str = PURPOSE) -> dict[str, Any]:
        """Open a session."""
        answer = client.post("/api/presence/sessions", json={"purpose": purpose}, headers=self.headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.get_json())

    def statement(self, opened: dict[str, Any], frames: Sequence[bytes], *, typ: str = "suxin-liveness+jwt",
                  key: ECKey | None = None, said: dict[str, Any] | None = None) -> str:  # fmt: skip
        """Sign what the camera saw."""
        claims = {
            "nonce": opened["nonce"], "session": opened["id"], "purpose": opened["purpose"],
            "frames": [hashlib.sha256(frame).hexdigest() for frame in frames],
            "level": "simulated", "camera": "demo camera", **(said or {}),
        }  # fmt: skip
        return jws.serialize_compact(
            {"alg": "ES256", "typ": typ}, orjson.dumps(claims), key or self.key, algorithms=["ES256"]
        )

    def show(self, client: FlaskClient, opened: dict[str, Any], frames: Sequence[bytes], *,
             claim: dict[str, str] | None = None, **changes: Any) -> Any:  # fmt: skip
        """Send frames as evidence."""
        return client.post(
            f"/api/presence/sessions/{opened['id']}/evidence",
            json={
                "method": "face",
                "claim": claim or {"phone_tail4": TAIL},
                "frames": [base64.b64encode(frame).decode() for frame in frames],
                "liveness": self.statement(opened, frames, **changes),
            },
            headers=self.headers,
        )


def fresh_frames(name: str = "person_b_2", count: int = 2) -> list[bytes]:
    """Return frames derived from one portrait that no test has sent yet."""
    return [_numbered(derived(name, shade), next(_numbers)) for shade in (1.0, 0.9, 0.8)[:count]]


def _numbered(content: bytes, number: int) -> bytes:
    comment = f"{number:08d}".encode()
    return content[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + content[2:]


def organisation() -> Organisation:
    """Register a pharmacy."""
    return register_organisation(name="示例药房", credit_code="91321302MA0TEXT00G", area="321302")


def terminal(owner: Organisation, sign_in: Any, *, place: str = "321302") -> Terminal:
    """Enrol a terminal and sign it in."""
    key = ECKey.generate_key("P-256")
    device_id = new_id("terminal")
    enrol_device(
        device_id=device_id, organisation_id=owner.id, place=place, label="收银台",
        public_jwk=key.as_dict(private=False), access={"suxin": ["presence:verify"]},
    )  # fmt: skip
    headers = sign_in(
        kind=Kind.TERMINAL, actor=device_id, terminal=device_id, place=place, organisation=owner.id,
        scopes=["presence:verify"],
    )  # fmt: skip
    return Terminal(device_id, key, headers)


def citizen(*, tail: str = TAIL, resident_id: str = RESIDENT_ID, level: int = 4) -> Person:
    """Register an invented citizen."""
    return register_person(
        name="林晓禾", resident_id=resident_id, mobile=f"1400000{tail}", area="321302", source="test", method="test",
        level=level, demo_key=None,
    )  # fmt: skip


def enrolled(photograph: str = "person_b_1", **who: Any) -> Person:
    """Register a citizen and enrol a face."""
    person = citizen(**who)
    faces.enrol(person.id, [portrait(photograph)], faces.consent(person.id).id)
    return person
