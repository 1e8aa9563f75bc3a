"""The same sessions, judged by a gateway outside: believed only when it answers in time and to the question."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.db import unit_of_work
from identity.face import service
from identity.face.gateway import provider
from identity.face.gateway.simulator import judge
from identity.face.gateway.simulator.server import Server
from tests.api.presence.builders import RESIDENT_ID, TAIL, citizen, fresh_frames

CLAIM = {"resident_id": RESIDENT_ID}
UNKNOWN = {"resident_id": "329999197603090080"}


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: Any) -> Iterator[Server]:
    """A gateway on a socket; the city asks it."""
    monkeypatch.setattr(judge, "_known", lambda: {RESIDENT_ID: "person_b_1.jpg"})
    path = str(tmp_path / "g.sock")
    server = Server(path)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name, value in {
        "PROVIDER": "gateway", "GATEWAY_SOCKET": path, "GATEWAY_FLOOR_MS": "1", "GATEWAY_WITHIN_MS": "3000",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SUXIN_IDENTITY_FACE_{name}", value)
    yield server
    for each, _ in app.extensions.pop(provider._KEY, {}).values():
        each.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lin(work):
    """A citizen who consented to the gateway, and is not enrolled here."""
    person = citizen()
    service.consent(person.id, purpose="presence-gateway")
    return person


def test_the_gateway_recognises_a_consenting_citizen_without_a_template(gateway, counter, lin, client) -> None:
    said = counter.show(client, counter.open(client), fresh_frames(), claim=CLAIM).get_json()

    assert (said["decision"], said["proof"]["method"], said["alternatives"]) == (
        "matched", "face", ["code", "card", "staff"],
    )  # fmt: skip


def test_a_stranger_is_not_matched(gateway, counter, lin, client) -> None:
    said = counter.show(client, counter.open(client), fresh_frames("impostor_1"), claim=CLAIM).get_json()

    assert said["decision"] == "not_matched"


def test_a_poor_picture_asks_to_try_again(gateway, counter, lin, client) -> None:
    said = counter.show(client, counter.open(client), fresh_frames("person_a_1", 1), claim=CLAIM).get_json()

    assert said["decision"] == "retry"


def test_a_phones_last_digits_are_not_enough_for_a_gateway(gateway, counter, lin, client) -> None:
    said = counter.show(client, counter.open(client), fresh_frames(), claim={"phone_tail4": TAIL}).get_json()

    assert (said["decision"], said["reason"]) == ("use_alternative", "ask_resident_id")


@pytest.mark.parametrize("kind", ["hang_up", "down", "garble", "other_request", "unknown_result"])
def test_an_answer_that_cannot_be_believed_sends_the_customer_another_way(gateway, counter, lin, client, kind) -> None:
    gateway.faults.plan(kind)

    failed = counter.show(client, counter.open(client), fresh_frames(), claim=CLAIM).get_json()
    after = counter.show(client, counter.open(client), fresh_frames(), claim=CLAIM).get_json()

    assert (failed["decision"], failed["reason"], failed["proof"]) == ("use_alternative", "provider_away", None)
    assert after["decision"] == "matched"


def test_a_late_answer_is_not_waited_for(gateway, counter, lin, client, monkeypatch) -> None:
    monkeypatch.setenv("SUXIN_IDENTITY_FACE_GATEWAY_WITHIN_MS", "300")
    gateway.faults.plan("late", seconds=1.2)
    started = time.monotonic()

    said = counter.show(client, counter.open(client), fresh_frames(), claim=CLAIM).get_json()

    assert said["reason"] == "provider_away"
    assert time.monotonic() - started < 1.2


def test_after_three_failures_nobody_waits(gateway, counter, lin, client) -> None:
    gateway.faults.plan("down", times=3)
    for _ in range(3):
        counter.show(client, counter.open(client), fresh_frames(), claim=CLAIM)

    said = counter.show(client, counter.open(client), fresh_frames(), claim=CLAIM).get_json()

    assert said["reason"] == "provider_away"
    assert gateway.faults.next() is None


def test_nobody_is_asked_about_without_consent_to_the_gateway(gateway, counter, client, work, monkeypatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(provider.Gateway, "ask", lambda self, question: asked.append(question))
    person = citizen()
    service.consent(person.id)
    work.commit()

    known = counter.show(client, counter.open(client), fresh_frames(), claim=CLAIM).get_json()
    unknown = counter.show(client, counter.open(client), fresh_frames(), claim=UNKNOWN).get_json()

    assert {**known, "session": ""} == {**unknown, "session": ""}
    assert known["decision"] == "not_matched"
    assert asked == []


def test_an_unknown_number_and_a_known_one_fail_alike_when_the_gateway_is_away(
    gateway, counter, lin, client, monkeypatch
) -> None:
    monkeypatch.setenv("SUXIN_IDENTITY_FACE_GATEWAY_URL", "http://127.0.0.1:9")
    bodies = [
        counter.show(client, counter.open(client), fresh_frames(), claim=claim).get_json() for claim in (CLAIM, UNKNOWN)
    ]

    assert {**bodies[0], "session": ""} == {**bodies[1], "session": ""}
    assert bodies[0]["reason"] == "provider_away"


def test_consent_withdrawn_while_the_gateway_thinks_counts(gateway, counter, lin, client, monkeypatch) -> None:
    real = provider.Gateway.ask

    def ask(self, question):
        said = real(self, question)
        with unit_of_work():
            service.withdraw(service._alive(lin.id, "presence-gateway").id, person=lin.id)
        return said

    monkeypatch.setattr(provider.Gateway, "ask", ask)

    assert (
        counter.show(client, counter.open(client), fresh_frames(), claim=CLAIM).get_json()["decision"] == "not_matched"
    )


def test_an_unknown_choice_of_engine_judges_nobody(counter, lin, client, monkeypatch) -> None:
    monkeypatch.setenv("SUXIN_IDENTITY_FACE_PROVIDER", "magic")

    assert counter.show(client, counter.open(client), fresh_frames()).get_json()["reason"] == "provider_away"
