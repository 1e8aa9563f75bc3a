"""Certificates: issued once, sealed, signed, shown to their holder, told valid or not to a verifier."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from sqlalchemy import func, select, update

from app import audit
from app.certificates import service, signing, types
from app.certificates.models import Certificate
from app.db import now, session, unit_of_work
from app.principal import Kind

READ, VERIFY = ["certificates:read"], ["certificates:verify"]
PERMIT = """
permit:
  title: {zh: 许可证, en: Permit}
  issuer: {zh: 市局, en: Bureau}
  validity_days: 30
  claims:
    type: object
    additionalProperties: false
    required: [area]
    properties: {area: {type: string}, since: {type: string, format: date}}
"""
SECRET = "west of the river"


@pytest.fixture(scope="module")
def permit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, types.CertificateType]:
    path = tmp_path_factory.mktemp("types") / "certificates.yaml"
    path.write_text(PERMIT, "utf-8")
    return types.read(path, "housing")


@pytest.fixture(autouse=True)
def _declared(app: Flask, permit: dict[str, types.CertificateType]) -> Iterator[None]:
    types.install(app, permit)
    yield
    types.declared(app).pop("permit")


def issue(source: str = "case_1", holder: str = "person_lin", **claims: str) -> str:
    return service.issue(type="permit", holder=holder, claims={"area": SECRET, **claims}, source=source)


@pytest.fixture
def lin(sign_in: Any) -> dict[str, str]:
    headers: dict[str, str] = sign_in(actor="person_lin", party="person_lin", scopes=READ)
    return {**headers, "Accept-Language": "en"}


@pytest.fixture
def verifier(sign_in: Any) -> dict[str, str]:
    headers: dict[str, str] = sign_in(kind=Kind.TERMINAL, actor="terminal_1", scopes=VERIFY)
    return headers


def test_a_holder_sees_the_card_with_its_claims(client: FlaskClient, lin: dict[str, str]) -> None:
    number = issue()

    card = client.get(f"/api/certificates/{number}", headers=lin).get_json()
    pack = client.get("/api/certificates", headers=lin).get_json()

    assert (card["title"], card["issuer"], card["state"]) == ("Permit", "Bureau", "valid")
    assert card["claims"] == {"area": SECRET}
    assert pack == {"items": [card], "next_cursor": None}


def test_the_signature_covers_the_claims_and_holds_no_party_id(client: FlaskClient, lin: dict[str, str]) -> None:
    card = client.get(f"/api/certificates/{issue()}", headers=lin).get_json()

    payload = jws.deserialize_compact(card["signature"], signing.issuer_key(), algorithms=["ES256"]).payload
    said = orjson.loads(payload)

    assert said["claims_sha256"] == signing.claims_hash(card["claims"]).hex()
    assert (said["id"], said["type"]) == (card["id"], "permit")
    assert b"person_lin" not in payload
    assert "person_lin" not in orjson.dumps(card).decode()


def test_a_card_of_another_holder_is_not_there(client: FlaskClient, lin: dict[str, str]) -> None:
    number = issue(holder="person_wang")

    assert client.get(f"/api/certificates/{number}", headers=lin).status_code == 404
    assert client.get("/api/certificates", headers=lin).get_json()["items"] == []


def test_claims_rest_sealed(work: Any) -> None:
    number = issue()

    row = session().execute(select(Certificate.claims_sealed, Certificate.signature).filter_by(id=number)).one()

    assert SECRET.encode() not in row.claims_sealed
    assert SECRET not in row.signature


def test_the_same_source_again_gives_the_same_certificate_and_one_audit_line(work: Any) -> None:
    first, second = issue(), issue()
    work.commit()

    lines = [line for line in audit.about("person_lin") if line.action == "certificate.issued"]
    assert first == second
    assert len(lines) == 1


def test_a_source_that_stands_for_another_holder_is_refused(work: Any) -> None:
    issue()

    with pytest.raises(service.SourceTaken):
        issue(holder="person_wang")


@pytest.mark.parametrize(
    ("claims", "place"),
    [({}, "/"), ({"area": 5}, "area"), ({"area": "a", "more": "x"}, "/"), ({"area": "a", "since": "soon"}, "since")],
)
def test_claims_that_do_not_fit_are_refused_by_place_without_their_values(
    work: Any, claims: dict[str, Any], place: str
) -> None:
    with pytest.raises(service.ClaimsRefused) as refused:
        service.issue(type="permit", holder="person_lin", claims=claims, source="case_1")

    assert str(refused.value) == f"permit: {place}"


def test_an_undeclared_type_is_refused(work: Any) -> None:
    with pytest.raises(service.UnknownCertificateType):
        service.issue(type="passport", holder="person_lin", claims={}, source="case_1")


def test_a_verifier_learns_the_state_and_nothing_about_the_holder(
    client: FlaskClient, verifier: dict[str, str]
) -> None:
    number = issue()

    said = client.get(f"/api/certificates/{number}/state", headers=verifier).get_json()

    assert set(said) == {"id", "type", "version", "state", "issued_at", "expires_at", "state_changed_at"}
    assert said["state"] == "valid"


def test_a_verifier_sees_a_suspension_and_its_end(client: FlaskClient, verifier: dict[str, str]) -> None:
    number = issue()
    seen = []

    for state in ("suspended", "valid", "revoked"):
        service.change_state(number, state)
        session().flush()
        seen.append(client.get(f"/api/certificates/{number}/state", headers=verifier).get_json()["state"])

    assert seen == ["suspended", "valid", "revoked"]


@pytest.mark.parametrize("state", ["valid", "suspended"])
def test_a_revocation_is_final(work: Any, state: str) -> None:
    number = issue()
    service.change_state(number, "revoked")

    with pytest.raises(service.AlreadyRevoked):
        service.change_state(number, state)


def test_the_same_state_again_leaves_no_second_line(work: Any) -> None:
    number = issue()

    service.change_state(number, "revoked")
    service.change_state(number, "revoked")
    work.commit()

    assert [line.action for line in audit.about("person_lin")].count("certificate.revoked") == 1


def test_a_card_past_its_time_is_shown_as_expired(client: FlaskClient, lin: dict[str, str]) -> None:
    number = issue()
    session().execute(update(Certificate).filter_by(id=number).values(expires_at=now() - timedelta(seconds=1)))

    assert client.get(f"/api/certificates/{number}", headers=lin).get_json()["state"] == "expired"


def test_certificates_of_a_disabled_plugin_stay_in_the_pack(
    app: Flask, client: FlaskClient, lin: dict[str, str], permit: dict[str, types.CertificateType]
) -> None:
    number = issue()
    types.declared(app).pop("permit")

    try:
        card = client.get(f"/api/certificates/{number}", headers=lin).get_json()
    finally:
        types.install(app, permit)

    assert (card["title"], card["claims"]) == ("permit", {"area": SECRET})


@pytest.mark.parametrize("who", [{"scopes": VERIFY}, {"kind": Kind.TERMINAL, "scopes": READ}, {"kind": Kind.CITIZEN}])
def test_the_state_is_for_verifiers_with_the_scope(client: FlaskClient, sign_in: Any, who: dict[str, Any]) -> None:
    assert client.get(f"/api/certificates/{issue()}/state", headers=sign_in(**who)).status_code == 403


def test_two_deliveries_of_one_event_issue_one_certificate(
    clean_city: Flask, permit: dict[str, types.CertificateType]
) -> None:
    types.install(clean_city, permit)
    together, numbers = threading.Barrier(2), []

    def deliver() -> None:
        with clean_city.app_context(), unit_of_work():
            together.wait(10)
            numbers.append(issue())

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    with clean_city.app_context(), unit_of_work(read_only=True):
        held = session().scalar(select(func.count()).select_from(Certificate))
    assert (len(numbers), len(set(numbers)), held) == (2, 1, 1)
