"""A till in a designated pharmacy, and customers who stand before it; over HTTP, against the real simulator process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api import Kind, Principal, acting_as, presence, unit_of_work
from demo import world
from plugins.health import demo as health_demo
from plugins.health import proofs, tasks
from plugins.health.insurer.simulator.world import demo_token
from plugins.health.service import catalogue, entitlement
from plugins.health.tests.conftest import Simulated

TERMINAL, ORGANISATION = "terminal_test", "sub_pharmacy"
PLUGIN = Principal(kind=Kind.SYSTEM, actor="system", audience="health")
TILL_SCOPES = ("health:settle", "health:undo", "health:read", "presence:verify")
MEDICINE = world.load().medicines[0]
_keys = count(1)
SignIn = Callable[..., dict[str, str]]


@dataclass
class Shop:
    """A till in a designated pharmacy, and customers who stand before it."""

    city: Flask
    client: FlaskClient
    headers: dict[str, str]
    citizen: Callable[[str], dict[str, str]]

    def proof(self, citizen: str = "zhao", *, headers: dict[str, str] | None = None) -> str:
        """Let a customer prove presence by a code from the app."""
        code = self._post("/api/presence/codes", {}, self.citizen(citizen))["code"]
        till = headers or self.headers
        opened = self._post("/api/presence/sessions", {"purpose": proofs.PURPOSE}, till)
        said = self._post(f"/api/presence/sessions/{opened['id']}/evidence", {"method": "code", "code": code}, till)
        proof: str = said["proof"]["id"]
        if headers is None:
            with self.city.app_context(), acting_as(PLUGIN), unit_of_work():
                entitlement.keep_voucher(self.subject(proof), demo_token(citizen))
        return proof

    def subject(self, proof: str) -> str:
        """Return whom the plugin knows behind a proof."""
        return presence.proof_for(proof, terminal=TERMINAL, purpose=proofs.PURPOSE).subject

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        answer = self.client.post(path, json=body, headers=headers)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        said: dict[str, Any] = answer.get_json()
        return said

    def quote(self, proof: str, *, lines: list[dict[str, Any]] | None = None) -> Any:
        """Ask for a quote."""
        line = {"code": MEDICINE.code, "quantity": 2, "price_fen": MEDICINE.price_limit_fen}
        return self.client.post(
            "/api/health/quotes", json={"proof": proof, "lines": lines or [line]}, headers=self.headers
        )

    def confirmed(self, citizen: str = "zhao") -> dict[str, Any]:
        """Return a quote that the customer confirmed."""
        quote: dict[str, Any] = self.quote(self.proof(citizen)).get_json()
        body = {"digest": quote["digest"], "method": "tap"}
        self._post(f"/api/presence/proofs/{quote['proof']}/confirmations", body, self.headers)
        return quote

    def settle(self, quote: dict[str, Any], *, key: str, headers: dict[str, str] | None = None) -> Any:
        """Settle a quote."""
        return self.city.test_client().post(
            "/api/health/settlements",
            json={"quote": quote["id"], "proof": quote["proof"]},
            headers={**(headers or self.headers), "Idempotency-Key": key},
        )

    def look(self, address: str) -> Any:
        """Ask what became of a settlement."""
        return self.client.get(address, headers=self.headers)

    def work_off(self, settlement: str) -> None:
        """Run the job that resolves unknown outcomes."""
        with self.city.app_context(), acting_as(PLUGIN), unit_of_work():
            tasks.resolve_unknown(settlement)


def key() -> str:
    return f"key-{next(_keys)}-{id(object())}"


@pytest.fixture
def city(app: Flask) -> Iterator[Flask]:
    app.extensions.pop("health.insurers", None)
    yield app
    for each in app.extensions.pop("health.insurers", {}).values():
        each.close()


@pytest.fixture
def shop(city: Flask, simulated: Simulated, client: FlaskClient, sign_in: SignIn) -> Shop:
    with city.app_context(), acting_as(PLUGIN), unit_of_work():
        stock()
    return Shop(
        city,
        client,
        till(sign_in),
        lambda key: sign_in(kind=Kind.CITIZEN, actor=f"person_{key}", party=f"person_{key}", scopes=("presence:code",)),
    )


def stock() -> None:
    catalogue.publish(
        catalogue.Medicine(
            code=each.code,
            name=each.name,
            spec=each.spec,
            price_limit_fen=each.price_limit_fen,
            copay_basis_points=each.copay_basis_points,
            prescription=each.prescription,
        )
        for each in world.load().medicines
    )
    health_demo.designate(ORGANISATION, institution="P32130299001", area="321302", title="示范药店")


def till(sign_in: SignIn, **who: Any) -> dict[str, str]:
    return sign_in(
        **{
            "kind": Kind.TERMINAL, "actor": TERMINAL, "terminal": TERMINAL, "organisation": ORGANISATION,
            "audience": "health", "scopes": TILL_SCOPES, **who,
        }
    )  # fmt: skip


def kind_of(answer: Any) -> str:
    return str(answer.get_json()["type"]).rpartition("/")[2]


def real_shop(city: Flask, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in a city with real commits, for trials of concurrency."""

    def verify(_: Any, incoming: Any, *, audience: str) -> Principal:
        said = incoming.headers["Authorization"]
        if said == "till":
            return Principal(
                kind=Kind.TERMINAL, actor=TERMINAL, terminal=TERMINAL, organisation=ORGANISATION, audience=audience,
                scopes=frozenset(TILL_SCOPES),
            )  # fmt: skip
        return Principal(kind=Kind.CITIZEN, actor=said, party=said, scopes=frozenset({"presence:code"}))

    monkeypatch.setattr("identity.oidc.verify.Verifier.verify", verify)
    with city.app_context(), acting_as(PLUGIN), unit_of_work():
        stock()
    headers = {"Authorization": "till"}
    return Shop(city, city.test_client(), headers, lambda citizen: {"Authorization": f"person_{citizen}"})


def close_insurers(city: Flask) -> None:
    """Close the connections a city opened to the simulator."""
    for each in city.extensions.pop("health.insurers").values():
        each.close()
