"""The product's three named hot reads: seeded rows, tokens of the city's own key, and what the Node peer needs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Flask
from joserfc.jwk import ECKey

from benchmarks.client import request_bytes
from benchmarks.world import World

CERTIFICATES, PEOPLE = 20_000, 20


@dataclass(frozen=True, slots=True)
class Named:
    """One read: what the product, the peer by hand and Node are asked, and what the answers must hold."""

    name: str
    path: str
    by_hand: str
    calls: list[tuple[str, dict[str, str], bytes]] = field(repr=False)

    def requests(self, *, by_hand: bool = False) -> list[bytes]:
        """Return the requests in turn."""
        pattern = self.by_hand if by_hand else self.path
        return [request_bytes("GET", pattern.format(key), headers) for key, headers, _ in self.calls]


@contextmanager
def _city(world: World) -> Iterator[Flask]:
    from benchmarks.product import make_app

    os.environ.update(world.environment)
    app = make_app()
    try:
        with app.app_context():
            yield app
    finally:
        app.extensions["suxin.db"].dispose()


def seed(world: World) -> None:
    """Fill the product's own tables: catalogue and people by its services, certificates in bulk."""
    from app.db import session, unit_of_work
    from app.matters import service as matters
    from app.principal import SYSTEM, acting_as
    from demo import world as demo
    from identity.parties.service import register_person

    with _city(world), acting_as(SYSTEM), unit_of_work():
        matters.load(demo.FOLDER / "matters.yaml")
        for citizen in list(demo.load().citizens)[:PEOPLE]:
            register_person(
                name=citizen.name, resident_id=citizen.resident_id, mobile=citizen.mobile, area=citizen.area,
                source="bench", method="bench", level=4, demo_key=citizen.key,
            )  # fmt: skip
        session().execute(sa.text(_CERTIFICATES), {"rows": CERTIFICATES})
    with sa.create_engine(sa.make_url(world.url).set(drivername="postgresql+psycopg")).connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("vacuum analyze"))


# State tells nothing of the claims, so they are left empty.
_CERTIFICATES = (
    "insert into app.certificate (id, type, holder, source, version, state, claims_sealed, claims_hash, signature,"
    " issued_at, expires_at, state_changed_at) select 'certificate_' || n, 'business.licence', 'person_bench', n::text,"
    " 3, 'valid', '', '', '', timestamptz '2024-01-01 08:00+08', timestamptz '2034-01-01 08:00+08',"
    " timestamptz '2024-01-01 08:00+08' from generate_series(1, :rows) n"
)


def reads(world: World) -> list[Named]:
    """Return the three reads with fresh tokens."""
    from app.db import session, unit_of_work
    from app.matters.models import Matter

    with _city(world), unit_of_work():
        terminal = _terminal_token()
        people = _people_tokens()
        codes = list(session().scalars(sa.select(Matter.code).order_by(Matter.code)))
    certificates = [f"certificate_{1 + number * 7919 % CERTIFICATES}" for number in range(500)]
    return [
        Named(
            "certificate state", "/api/certificates/{}/state", "/peer/certificates/{}/state",
            [(key, terminal, f'"id":"{key}"'.encode()) for key in certificates],
        ),
        Named(
            "catalogue item", "/api/matters/{}", "/peer/matters/{}",
            [(key, {}, f'"code":"{key}"'.encode()) for key in codes],
        ),
        Named(
            "own profile", "/api/identity/me", "/peer/me",
            [("", headers, f'"id":"{subject}"'.encode()) for subject, headers in people],
        ),
    ]  # fmt: skip


def terminal(world: World, scope: str) -> dict[str, str]:
    """Return the headers that sign in a terminal with one scope."""
    from app.db import unit_of_work

    with _city(world), unit_of_work():
        return _terminal_token(scope)


def _terminal_token(scope: str = "certificates:verify") -> dict[str, str]:
    from identity.oidc import tokens
    from identity.oidc.access import Wanted

    wanted = Wanted("suxin", (scope,))
    return _bearer(tokens.access_token(wanted, kind="terminal", sub="terminal_bench", client_id="terminal_bench"))


def _people_tokens() -> list[tuple[str, dict[str, str]]]:
    from app.db import now, session
    from identity.oidc import tokens
    from identity.oidc.access import Wanted
    from identity.oidc.models import AuthorizationGrant
    from identity.parties.directory import directory
    from identity.parties.models import Person

    made = []
    for person in session().scalars(sa.select(Person.id).order_by(Person.id)).all():
        grant = AuthorizationGrant(
            id=f"grant_{person}", access={"suxin": ["profile"]}, person_id=person, client_id="bench",
            authorization_details=[], proofing_level=4, authentication_level=2, authenticated_at=now(),
        )  # fmt: skip
        made.append(
            (directory.subject_of(person, "suxin"), _bearer(tokens.for_citizen(grant, Wanted("suxin", ("profile",)))))
        )
    return made


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def for_node(world: World) -> dict[str, str]:
    """Return the environment by which the Node peer verifies tokens and opens names."""
    from app import crypto
    from app.db import session, unit_of_work
    from identity.oidc import keys
    from identity.parties.models import PairwiseSubject

    with _city(world), unit_of_work():
        held = session().scalars(sa.select(crypto.DataKey).where(crypto.DataKey.purpose == "person")).all()
        opened = {str(row.id): crypto.unwrap_key(row.wrapped, place="data_key/person").hex() for row in held}
        parties: dict[str, Any] = {row.subject: row.party for row in session().scalars(sa.select(PairwiseSubject))}
        public = ECKey.import_key(keys.active()[1].as_dict(private=False)).as_pem(private=False).decode()
    return {
        "PUBLIC_KEY": public, "DATA_KEYS": json.dumps(opened), "PARTIES": json.dumps(parties),
        "AUDIENCE": world.environment["SUXIN_BASE_URL"],
    }  # fmt: skip
