"""Plugins' programs register with an invitation and look after their own entry (RFC 7591, RFC 7592)."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.db import UnitOfWork, add, now, session, unit_of_work
from app.principal import SYSTEM, acting_as
from identity.oidc import jose
from identity.oidc.keys import public_members
from identity.oidc.models import Client, ClientKey
from identity.oidc.permitted import CIBA, DEVICE, EXCHANGE
from identity.oidc.registration import invites
from identity.oidc.registration.commands import invite as command
from identity.oidc.registration.models import RegistrationInvite
from identity.parties.models import Organisation
from tests.api.identity import programs, world
from tests.api.identity.programs import Program

KEY = jose.new_key()
ACCESS = {"suxin": ["openid", "profile"], "health": ["health:read"]}
REDIRECT = "https://health.test/callback"


def jwks(key: Any = KEY, **changes: Any) -> dict[str, Any]:
    """Return a key set of one key, changed; None removes a member."""
    jwk = {**public_members(key), "kid": programs.KID, "alg": "ES256", "use": "sig", **changes}
    return {"keys": [{name: value for name, value in jwk.items() if value is not None}]}


def metadata(**changes: Any) -> dict[str, Any]:
    """Return good metadata, changed; None removes a member."""
    good = {
        "client_name": "健康专区", "client_name#en": "Health plugin", "redirect_uris": [REDIRECT], "jwks": jwks(),
        "grant_types": ["authorization_code", "refresh_token", EXCHANGE, CIBA],
        "post_logout_redirect_uris": ["https://health.test/bye"],
        "backchannel_logout_uri": "https://health.test/logout", "scope": "openid profile",
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def invited(**changes: Any) -> str:
    """Return an invitation of administration."""
    with acting_as(SYSTEM), unit_of_work():
        return invites.invite(**{"access": ACCESS, "serves": "health", **changes})


@pytest.fixture
def token(work: UnitOfWork) -> str:
    return invited()


def register(client: FlaskClient, token: str, body: Any = None, **more: Any) -> Any:
    """Register with an invitation."""
    return client.post("/oauth2/register", json=body or metadata(), headers=world.bearer(token), **more)


def own(client: FlaskClient, entry: dict[str, Any], method: str = "get", **more: Any) -> Any:
    """Call the client's own entry."""
    path = entry["registration_client_uri"].removeprefix(world.ISSUER)
    return getattr(client, method)(path, headers=world.bearer(entry["registration_access_token"]), **more)


def test_program_registers_and_its_key_opens_the_token_endpoint(client: FlaskClient, token: str) -> None:
    answer = register(client, token)

    assert answer.status_code == 201, answer.get_data(as_text=True)
    entry = answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    assert entry["token_endpoint_auth_method"] == "private_key_jwt"
    assert "client_secret" not in entry
    with unit_of_work():
        kept = session().get_one(Client, entry["client_id"])
        assert kept.registration_hash == invites.token_hash(entry["registration_access_token"])
        assert (kept.serves, kept.access) == ("health", {"suxin": ["openid", "profile"]})
    asked = programs.ask_person(client, Program(entry["client_id"], KEY), login_hint="sub_" + "0" * 26)
    assert asked.json["error"] == "unknown_user_id"


def test_client_secret_is_told_once_and_kept_as_a_hash(client: FlaskClient, token: str) -> None:
    entry = register(client, token, metadata(jwks=None, token_endpoint_auth_method="client_secret_basic")).json

    assert len(entry["client_secret"]) >= 43
    assert entry["client_secret_expires_at"] == 0
    assert "client_secret" not in own(client, entry).json
    with unit_of_work():
        assert entry["client_secret"].encode() not in (session().get_one(Client, entry["client_id"]).secret_hash or b"")


@pytest.mark.parametrize("given", ["", "x", "Bearer", "a" * 43, "é" * 20, "a" * 300])
def test_unknown_invitation_is_refused(client: FlaskClient, token: str, given: str) -> None:
    answer = client.post("/oauth2/register", json=metadata(), headers={"Authorization": f"Bearer {given}".encode()})

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")


def test_registration_is_closed_without_invitation(client: FlaskClient, token: str) -> None:
    assert client.post("/oauth2/register", json=metadata()).status_code == 401
    basic = {"Authorization": f"Basic {token}"}
    assert client.post("/oauth2/register", json=metadata(), headers=basic).status_code == 401


def test_invitation_works_once_and_ends(client: FlaskClient, token: str) -> None:
    late = invited()
    with unit_of_work():
        session().execute(
            update(RegistrationInvite)
            .where(RegistrationInvite.token_hash == invites.token_hash(late))
            .values(expires_at=now() - timedelta(seconds=1))
        )

    assert register(client, token).status_code == 201
    assert register(client, token).json["error"] == "invalid_token"
    assert register(client, late).json["error"] == "invalid_token"


def test_wrong_metadata_leaves_the_invitation_good(client: FlaskClient, token: str) -> None:
    assert register(client, token, metadata(client_name="")).status_code == 400

    assert register(client, token).status_code == 201


WRONG: dict[str, dict[str, Any]] = {
    "no name": {"client_name": None},
    "name of blanks": {"client_name": "  "},
    "name too long": {"client_name": "x" * 81},
    "name with a line": {"client_name": "a\nb"},
    "name is a number": {"client_name": 7},
    "unknown member": {"x": "y"},
    "fapi profile by wish": {"profile": "fapi2"},
    "request objects": {"request_uris": ["https://health.test/r"]},
    "key address": {"jwks": None, "jwks_uri": "https://health.test/jwks"},
    "sector address": {"sector_identifier_uri": "https://health.test/s"},
    "own client id": {"client_id": "client_mine"},
    "own secret": {"client_secret": "mine"},
    "unknown method": {"token_endpoint_auth_method": "tls_client_auth"},
    "secret jwt": {"token_endpoint_auth_method": "client_secret_jwt"},
    "no key": {"jwks": None},
    "empty key set": {"jwks": {"keys": []}},
    "keys are a text": {"jwks": "x"},
    "private key": {"jwks": {"keys": [{**KEY.as_dict(private=True), "kid": "k1"}]}},
    "RSA key": {"jwks": {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k1"}]}},
    "symmetric key": {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}]}},
    "key without kid": {"jwks": jwks(kid=None)},
    "key for encryption": {"jwks": jwks(use="enc")},
    "key for another algorithm": {"jwks": jwks(alg="HS256")},
    "point off the curve": {"jwks": jwks(x="AAAA")},
    "same kid twice": {"jwks": {"keys": jwks()["keys"] * 2}},
    "implicit": {"response_types": ["token"]},
    "password grant": {"grant_types": ["password"]},
    "implicit grant": {"grant_types": ["implicit"]},
    "grant twice": {"grant_types": ["authorization_code", "authorization_code"]},
    "grants as text": {"grant_types": "authorization_code"},
    "a program's grant": {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]},
    "exchange for a public client": {"token_endpoint_auth_method": "none", "grant_types": [EXCHANGE]},
    "foreign scope": {"scope": "openid presence:verify"},
    "scope in a list": {"scope": ["openid"]},
    "detail type not invited": {"authorization_details_types": ["mandate"]},
    "public subjects": {"subject_type": "public"},
    "ID tokens by none": {"id_token_signed_response_alg": "none"},
    "ID tokens by HS256": {"id_token_signed_response_alg": "HS256"},
    "assertions by none": {"token_endpoint_auth_signing_alg": "none"},
    "log-out by http to a private host": {"backchannel_logout_uri": "http://10.0.0.1/logout"},
    "log-out to metadata": {"backchannel_logout_uri": "https://169.254.169.254/"},
    "log-out with a fragment": {"backchannel_logout_uri": "https://health.test/#x"},
    "log-out to a number": {"backchannel_logout_uri": 7},
    "post log-out by http": {"post_logout_redirect_uris": ["http://health.test/bye"]},
    "post log-out by script": {"post_logout_redirect_uris": ["javascript:alert(1)"]},
}  # fmt: skip


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_wrong_metadata_is_refused(client: FlaskClient, token: str, changes: dict[str, Any]) -> None:
    answer = register(client, token, metadata(**changes))

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")
    with unit_of_work():
        assert session().scalar(select(func.count()).select_from(Client)) == 0


@pytest.mark.parametrize(
    "uri",
    [
        "http://health.test/callback", "https://health.test/callback#x", "https://*.health.test/", "https://health.test/*",
        "https://user@health.test/", "https://a@b@health.test/", "https://health.test/../x", "https://health.test/%2e%2e/x",
        "https://health.test/..;/x", "https://health.test/a b", "https://health.test\\@evil.test/", "https://nodots/",
        "//health.test/", "health.test/callback", "javascript:alert(1)", "data:text/html,x", "https://", "",
        "https://health.test:0/", "https://health.test:x/", "https://例子.test/", "https://health.test/\n",
        "http://127.0.0.1:8765/callback", "http://localhost/", "cn.suxin.health:/callback", 7, None,
        "https://health.test/" + "x" * 400,
    ],
)  # fmt: skip
def test_wrong_redirect_uri_is_refused(client: FlaskClient, token: str, uri: Any) -> None:
    answer = register(client, token, metadata(redirect_uris=[REDIRECT, uri]))

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize("uris", [[], "https://health.test/", [REDIRECT] * 11])
def test_redirect_uris_are_a_short_list(client: FlaskClient, token: str, uris: Any) -> None:
    assert register(client, token, metadata(redirect_uris=uris)).json["error"] == "invalid_redirect_uri"


def test_native_app_may_use_its_own_scheme_and_loopback(client: FlaskClient, token: str) -> None:
    uris = ["cn.suxin.health:/callback", "http://127.0.0.1:8765/callback", "http://[::1]:8765/callback"]
    body = metadata(
        redirect_uris=uris, token_endpoint_auth_method="none", jwks=None, grant_types=["authorization_code", DEVICE]
    )

    assert register(client, token, body).json["redirect_uris"] == uris


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":2}', b"[" * 5_000, b'"x"', b"\xff"])
def test_body_that_is_no_object_is_refused(client: FlaskClient, token: str, body: bytes) -> None:
    answer = client.post("/oauth2/register", data=body, content_type="application/json", headers=world.bearer(token))

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")


def test_exchange_must_be_invited(client: FlaskClient, work: UnitOfWork) -> None:
    assert register(client, invited(serves=None)).json["error"] == "invalid_client_metadata"


def test_scope_left_out_means_all_that_was_invited(client: FlaskClient, token: str) -> None:
    assert register(client, token, metadata(scope=None)).json["scope"] == "openid profile health:read"


def test_entry_is_read_changed_and_deleted_by_its_token(client: FlaskClient, token: str) -> None:
    entry = register(client, token).json
    shown = own(client, entry).json
    assert shown == entry
    fresh = jose.new_key()

    changed = own(
        client, entry, "put",
        json=metadata(client_id=entry["client_id"], jwks=jwks(fresh, kid="k2"), scope="openid"),
    ).json  # fmt: skip

    assert changed["scope"] == "openid"
    assert changed["registration_access_token"] != entry["registration_access_token"]
    assert own(client, entry).status_code == 401
    with unit_of_work():
        held = session().execute(select(ClientKey.kid, ClientKey.revoked_at.is_(None)).order_by(ClientKey.kid)).all()
    assert [tuple(row) for row in held] == [("k1", False), ("k2", True)]
    old = programs.ask_person(client, Program(entry["client_id"], KEY), login_hint="x")
    assert old.json["error"] == "invalid_client"

    assert own(client, changed, "delete").status_code == 204
    assert own(client, changed).status_code == 401
    with unit_of_work():
        assert session().get_one(Client, entry["client_id"]).state == "disabled"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "client_other"}, {"client_id": None}, {"client_secret": "wrong"}, {"scope": "presence:verify"},
        {"redirect_uris": ["http://evil.test/"]}, {"backchannel_logout_uri": "https://127.0.0.9/"},
        {"authorization_details_types": ["mandate"]}, {"jwks": jwks(jose.new_key())}, {"grant_types": ["implicit"]},
        {"token_endpoint_auth_method": "none"},
    ],
)  # fmt: skip
def test_change_is_checked_as_strictly_as_the_first_time(
    client: FlaskClient, token: str, changes: dict[str, Any]
) -> None:
    entry = register(client, token).json

    answer = own(client, entry, "put", json=metadata(**{"client_id": entry["client_id"], **changes}))

    assert answer.status_code == 400
    assert own(client, entry).json["redirect_uris"] == [REDIRECT]


def test_change_cannot_win_back_more_than_was_invited(client: FlaskClient, token: str) -> None:
    entry = register(client, token, metadata(scope="openid")).json

    wider = own(client, entry, "put", json=metadata(client_id=entry["client_id"], scope="openid profile")).json

    assert wider["scope"] == "openid profile"


def test_token_of_one_client_opens_no_other_and_tells_nothing(client: FlaskClient, token: str) -> None:
    one, two = register(client, token).json, register(client, invited()).json
    crossed = {**one, "registration_client_uri": two["registration_client_uri"]}
    nobody = {**one, "registration_client_uri": f"{world.ISSUER}/oauth2/register/client_unknown"}

    for method in ("get", "put", "delete"):
        more = {"json": metadata(client_id=two["client_id"])} if method == "put" else {}
        answers = [own(client, entry, method, **more) for entry in (crossed, nobody)]
        assert [answer.status_code for answer in answers] == [401, 401]
        assert answers[0].json == answers[1].json
    assert own(client, two).status_code == 200


def test_deleted_client_stops_everywhere(client: FlaskClient, work: UnitOfWork) -> None:
    citizen = world.new_citizen()
    body = metadata(
        redirect_uris=[world.CALLBACK], token_endpoint_auth_method="none", jwks=None, scope=None,
        grant_types=["authorization_code"],
    )  # fmt: skip
    entry = register(client, invited(access=world.CITIZEN_ACCESS), body).json
    token = world.citizen_tokens(client, citizen, entry["client_id"])["access_token"]
    stranger = client.application.test_client()
    assert stranger.get("/api/identity/me", headers=world.bearer(token)).status_code == 200

    own(client, entry, "delete")

    assert stranger.get("/api/identity/me", headers=world.bearer(token)).status_code == 401
    started = client.get(f"/oauth2/authorize?{world.request_of(entry['client_id'], world.Pkce.fresh())}")
    assert started.status_code in (400, 401)
    assert "Location" not in started.headers


def test_of_parallel_registrations_with_one_invitation_one_wins(clean_city: Flask) -> None:
    with clean_city.app_context():
        token = invited()

    statuses = programs.side_by_side(6, lambda _: int(register(clean_city.test_client(), token).status_code))

    assert sorted(statuses) == [201] + [401] * 5


def test_control_that_reads_before_it_writes_lets_two_register(
    clean_city: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_read = Barrier(2, timeout=20)

    def read_then_write(invitation: RegistrationInvite, *, client_id: str) -> None:
        with unit_of_work():
            row = session().get_one(RegistrationInvite, invitation.token_hash)
            assert row.consumed_at is None
            both_have_read.wait()
            row.consumed_at, row.client_id = now(), client_id

    monkeypatch.setattr(invites, "consume", read_then_write)
    with clean_city.app_context():
        token = invited()

    assert programs.side_by_side(2, lambda _: register(clean_city.test_client(), token).status_code) == [201, 201]


def test_of_parallel_changes_with_one_token_one_wins(clean_city: Flask) -> None:
    with clean_city.app_context():
        entry = register(clean_city.test_client(), invited()).json
    body = metadata(client_id=entry["client_id"])

    statuses = programs.side_by_side(
        4, lambda _: int(own(clean_city.test_client(), entry, "put", json=body).status_code)
    )

    assert sorted(statuses) == [200, 401, 401, 401]


class _City:
    """What commands get: the city they work in."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def app(self) -> Flask:
        return self._app


def test_command_prints_an_invitation(client: FlaskClient, app: Flask) -> None:
    with unit_of_work():
        organisation = add(Organisation(name="卫健委", credit_code="113213000000000001", area="321300"))
    arguments = ["--access", "suxin=openid,profile", "--serves", "health", "--organisation"]

    done = CliRunner().invoke(command, [*arguments, organisation.credit_code], obj=_City(app))
    wrong = CliRunner().invoke(command, [*arguments, "no-such-code"], obj=_City(app))

    assert (done.exit_code, wrong.exit_code) == (0, 1)
    entry = register(client, done.output.strip(), metadata(scope="openid")).json
    with unit_of_work():
        assert session().get_one(Client, entry["client_id"]).organisation_id == organisation.id
    assert json.dumps(entry)
