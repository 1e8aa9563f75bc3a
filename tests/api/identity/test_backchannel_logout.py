"""Clients are told of every end of a session by their own door (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.db import UnitOfWork, now, session, unit_of_work
from app.outbox import OutboxEvent
from app.principal import SYSTEM, acting_as
from app.worker import run_events
from demo.receiver import Receiver, Refused, serve
from identity.accounts.service import disable_account
from identity.oidc import jose, keys
from identity.oidc.logout import backchannel, egress
from identity.oidc.logout.models import LogoutDelivery
from identity.oidc.models import Client
from identity.parties.service import disable_person
from tests.api.identity import programs, world
from tests.api.identity.receiver import Door, open_door
from tests.api.identity.world import Citizen


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


def listening(door: Door) -> str:
    """Register a client that wants to know."""
    with unit_of_work():
        client_id = world.new_client()
        session().execute(update(Client).where(Client.id == client_id).values(backchannel_logout_uri=door.uri))
    return client_id


def deliver() -> int:
    """Run the queued deliveries, as the worker does, and return how many there were."""
    with unit_of_work():
        events = session().scalars(select(OutboxEvent).where(OutboxEvent.job == "identity.send_logout")).all()
    for event in events:
        with acting_as(SYSTEM), unit_of_work():
            backchannel.send(**event.arguments)
    return len(events)


def states() -> list[str]:
    """Return the states of all deliveries."""
    with unit_of_work():
        return list(session().scalars(select(LogoutDelivery.state)))


def log_out(client: FlaskClient) -> None:
    """Log out by the own page."""
    page = client.get("/login").get_data(as_text=True)
    assert client.post("/logout", data={"csrf_token": world.form_token(page)}).status_code == 303


def test_oidcc_backchannel_rp_initiated_logout(client: FlaskClient, citizen: Citizen, door: Door) -> None:
    app_client = listening(door)
    id_token = world.citizen_tokens(client, citizen, app_client)["id_token"]

    client.get(f"/oauth2/logout?id_token_hint={id_token}")
    assert door.came == []
    deliver()

    header, claims = jose.peek(door.came[0])
    identity = jose.peek(id_token)[1]
    assert header["typ"] == "logout+jwt"
    assert {name: claims[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: identity[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims
    assert claims["exp"] - claims["iat"] == 120
    assert states() == ["delivered"]


ENDS: dict[str, Callable[[FlaskClient, Citizen], None]] = {
    "log-out": lambda client, _: log_out(client),
    "disabled account": lambda _, citizen: disable_account(citizen.account_id),
    "disabled person": lambda _, citizen: disable_person(citizen.person_id),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_every_end_of_a_session_is_told_once(
    client: FlaskClient, citizen: Citizen, door: Door, end: Callable[[FlaskClient, Citizen], None]
) -> None:
    world.citizen_tokens(client, citizen, world.new_client())
    world.citizen_tokens(client, citizen, listening(door))

    with unit_of_work():
        end(client, citizen)

    for _ in range(2):
        deliver()
    assert len(door.came) == 1


def test_a_client_with_offline_access_is_told_too(client: FlaskClient, citizen: Citizen, door: Door) -> None:
    app_client = listening(door)
    with unit_of_work():
        access = {"suxin": ["openid", "profile", "offline_access"]}
        session().execute(update(Client).where(Client.id == app_client).values(access=access))
    body = world.citizen_tokens(client, citizen, app_client, scope="openid profile offline_access")

    log_out(client)
    deliver()

    assert len(door.came) == 1
    assert client.get("/api/identity/me", headers=world.bearer(body["access_token"])).status_code == 200


def test_nobody_is_told_when_the_change_is_undone(client: FlaskClient, citizen: Citizen, door: Door) -> None:
    world.citizen_tokens(client, citizen, listening(door))

    with unit_of_work() as work:
        disable_account(citizen.account_id)
        work.undo()

    assert deliver() == 0
    assert states() == []


def test_two_clients_learn_nothing_they_could_compare(client: FlaskClient, citizen: Citizen, door: Door) -> None:
    first, second = listening(door), listening(door)
    for each in (first, second):
        world.citizen_tokens(client, citizen, each)

    with unit_of_work():
        disable_account(citizen.account_id)
    deliver()

    one, two = (jose.peek(token)[1] for token in door.came)
    for claim in ("aud", "sub", "sid", "jti"):
        assert one[claim] != two[claim]


@pytest.mark.parametrize("answer", [400, 401, 404, 500, 503, 201, 302])
def test_failed_delivery_is_put_off_and_tried_again(
    client: FlaskClient, citizen: Citizen, door: Door, answer: int
) -> None:
    world.citizen_tokens(client, citizen, listening(door))
    with unit_of_work():
        disable_account(citizen.account_id)
    door.answer, door.location = answer, door.uri
    deliver()
    deliver()
    assert (len(door.came), states()) == (1, ["waiting"])

    door.answer, door.location = 204, None
    with unit_of_work():
        session().execute(update(LogoutDelivery).values(next_attempt_at=now() - timedelta(seconds=1)))
    with unit_of_work():
        backchannel.resend()
    deliver()

    assert (len(door.came), states()) == (2, ["delivered"])
    assert jose.peek(door.came[0])[1]["jti"] != jose.peek(door.came[1])[1]["jti"]


def test_waits_grow_and_end(client: FlaskClient, citizen: Citizen, door: Door) -> None:
    world.citizen_tokens(client, citizen, listening(door))
    with unit_of_work():
        disable_account(citizen.account_id)
    door.answer, waits = 500, []
    for _ in range(9):
        with unit_of_work():
            session().execute(update(LogoutDelivery).values(next_attempt_at=now() - timedelta(seconds=1)))
        deliver()
        with unit_of_work():
            waits.append((session().scalars(select(LogoutDelivery.next_attempt_at)).one() - now()).total_seconds())

    assert waits[:7] == sorted(waits[:7])
    assert (len(door.came), states()) == (8, ["given_up"])


def test_closed_door_and_disabled_client_cost_nothing(client: FlaskClient, citizen: Citizen) -> None:
    with open_door() as door:
        app_client = listening(door)
    world.citizen_tokens(client, citizen, app_client)
    with unit_of_work():
        disable_account(citizen.account_id)

    deliver()
    assert states() == ["waiting"]
    with unit_of_work():
        session().execute(update(LogoutDelivery).values(next_attempt_at=now() - timedelta(seconds=1)))
        session().execute(update(Client).where(Client.id == app_client).values(state="disabled"))
    deliver()

    assert states() == ["given_up"]


def test_of_parallel_workers_one_delivers(clean_city: Flask, door: Door) -> None:
    with clean_city.app_context():
        with unit_of_work():
            citizen = world.new_citizen()
        world.citizen_tokens(clean_city.test_client(), citizen, listening(door))
        with acting_as(SYSTEM), unit_of_work():
            disable_account(citizen.account_id)
        with unit_of_work():
            delivery_id = session().scalars(select(LogoutDelivery.id)).one()

    def work(_: int) -> None:
        with clean_city.app_context(), acting_as(SYSTEM), unit_of_work():
            backchannel.send(delivery_id)

    programs.side_by_side(6, work)

    assert len(door.came) == 1


def test_no_connection_is_held_while_the_client_answers(
    clean_city: Flask, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    pool = clean_city.extensions["suxin.db"].write.pool

    def watched(url: str, form: Any) -> bool:
        held.append(pool.checkedout())
        return True

    monkeypatch.setattr(egress, "post", watched)
    with clean_city.app_context():
        with unit_of_work():
            citizen = world.new_citizen()
        world.citizen_tokens(clean_city.test_client(), citizen, listening(door))
        with acting_as(SYSTEM), unit_of_work():
            disable_account(citizen.account_id)
        deliver()

    assert held == [0]


def receiver_of(client: FlaskClient, app_client: str) -> Receiver:
    """Return the example receiver of a client, with our published keys."""
    return Receiver(issuer=world.ISSUER, client_id=app_client, keys=client.get("/oauth2/jwks").json)


def told(client: FlaskClient, citizen: Citizen, door: Door) -> tuple[Receiver, str]:
    """Return a receiver and a log-out token for it."""
    app_client = listening(door)
    world.citizen_tokens(client, citizen, app_client)
    with unit_of_work():
        disable_account(citizen.account_id)
    deliver()
    return receiver_of(client, app_client), door.came[0]


def test_example_receiver_takes_a_token_once(client: FlaskClient, citizen: Citizen, door: Door) -> None:
    receiver, token = told(client, citizen, door)

    ended = receiver.take(token)

    assert ended.sid == jose.peek(token)[1]["sid"]
    with pytest.raises(Refused, match="before"):
        receiver.take(token)


def resigned(token: str, *, typ: str = "logout+jwt", key: Any = None, **changes: Any) -> str:
    """Return a log-out token with changed claims; None removes a claim."""
    with unit_of_work():
        kid, own = keys.active()
    claims = {name: value for name, value in {**jose.peek(token)[1], **changes}.items() if value is not None}
    return jose.sign(claims, key or own, typ=typ, header={"kid": kid})


SPOILT: dict[str, Callable[[str], str]] = {
    "other issuer": lambda t: resigned(t, iss="https://evil.test"),
    "other audience": lambda t: resigned(t, aud="client_other"),
    "expired": lambda t: resigned(t, exp=1),
    "no exp": lambda t: resigned(t, exp=None),
    "no jti": lambda t: resigned(t, jti=None),
    "no event": lambda t: resigned(t, events={}),
    "events as text": lambda t: resigned(t, events="x"),
    "a nonce": lambda t: resigned(t, nonce="n"),
    "neither sub nor sid": lambda t: resigned(t, sub=None, sid=None),
    "an ID token": lambda t: resigned(t, typ="JWT"),
    "a stranger's key": lambda t: resigned(t, key=jose.new_key()),
    "words": lambda t: "let me in",
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_example_receiver_refuses_spoilt_tokens(
    client: FlaskClient, citizen: Citizen, door: Door, spoil: Callable[[str], str]
) -> None:
    receiver, token = told(client, citizen, door)

    with pytest.raises(Refused):
        receiver.take(spoil(token))
    receiver.take(token)


def test_log_out_token_opens_no_door_of_ours(client: FlaskClient, citizen: Citizen, door: Door) -> None:
    _, token = told(client, citizen, door)

    assert client.get("/api/identity/me", headers=world.bearer(token)).status_code == 401
    assert client.get(f"/oauth2/logout?id_token_hint={token}").status_code == 400


def test_log_in_without_listeners_queues_nothing(client: FlaskClient, citizen: Citizen, work: UnitOfWork) -> None:
    world.citizen_tokens(client, citizen, world.new_client())

    log_out(client)

    with unit_of_work():
        assert session().scalar(select(func.count()).select_from(LogoutDelivery)) == 0


def test_worker_runs_a_delivery_once_and_a_second_hand_out_does_nothing(clean_city: Flask, door: Door) -> None:
    with clean_city.app_context():
        with unit_of_work():
            citizen = world.new_citizen()
        world.citizen_tokens(clean_city.test_client(), citizen, listening(door))
        with acting_as(SYSTEM), unit_of_work():
            disable_account(citizen.account_id)
        with unit_of_work():
            queued = session().scalars(select(OutboxEvent).where(OutboxEvent.job == "identity.send_logout")).one()
        event = {"id": queued.id, "arguments": queued.arguments, "acts_under": queued.acts_under}
        job = clean_city.extensions["suxin.jobs"]["identity.send_logout"]

        left = [run_events(job, [event]) for _ in range(2)]
        stored = states()

    assert (left, len(door.came), stored) == ([[], []], 1, ["delivered"])


def test_example_receiver_serves_its_door(client: FlaskClient, citizen: Citizen, door: Door) -> None:
    receiver, token = told(client, citizen, door)
    server = serve(receiver, 0)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        answers = [httpx.post(address, data={"logout_token": token}, trust_env=False) for _ in range(2)]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    assert [answer.status_code for answer in answers] == [200, 400]
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in answers)
