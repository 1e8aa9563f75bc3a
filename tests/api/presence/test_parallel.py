"""Real commits, real threads: of many parallel uses exactly one wins."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from app.db import add, now, session, unit_of_work
from app.presence import proofs, service
from app.presence.errors import ProofUsed, SessionUsed
from app.presence.models import PresenceSession
from app.principal import Kind, Principal, acting_as

MANY = 8
DIGEST = "a" * 64
TERMINAL = Principal(kind=Kind.TERMINAL, actor="terminal_1", terminal="terminal_1", place="321302")


def at_once(city, act: Callable[[], str]) -> list[str]:
    barrier = Barrier(MANY)

    def run(_: int) -> str:
        with city.app_context(), acting_as(TERMINAL):
            barrier.wait()
            with unit_of_work():
                return act()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(run, range(MANY)))


def test_of_parallel_uses_of_one_proof_exactly_one_succeeds(clean_city) -> None:
    with clean_city.app_context(), unit_of_work():
        opened = add(PresenceSession(terminal="terminal_1", purpose="p", nonce="n", expires_at=now()))
        proof = proofs.issue(opened, party="person_1", method="face", level="simulated").id
        proofs.confirm(proof, terminal="terminal_1", digest=DIGEST, method="tap")

    def use() -> str:
        try:
            return proofs.consume(proof, terminal="terminal_1", purpose="p", digest=DIGEST)
        except ProofUsed:
            return "used"

    assert sorted(at_once(clean_city, use)) == ["person_1"] + ["used"] * (MANY - 1)


def test_of_parallel_evidence_exactly_one_is_judged(clean_city) -> None:
    with clean_city.app_context(), acting_as(TERMINAL), unit_of_work():
        opened = service.open_session(who=TERMINAL, purpose="p").id

    def send() -> str:
        try:
            outcome = service.judge(opened, service.Sent(method="code", code="12345678"), who=TERMINAL)
            return str(outcome.session.decision)
        except SessionUsed:
            return "used"

    assert sorted(at_once(clean_city, send)) == ["not_matched"] + ["used"] * (MANY - 1)


def test_parallel_guesses_are_all_counted(clean_city) -> None:
    from app.presence import limits

    def guess() -> str:
        limits.reserve(limits.targets(terminal="terminal_1", claim="tail"))
        return "counted"

    at_once(clean_city, guess)

    with clean_city.app_context(), unit_of_work():
        assert limits.spent(terminal="terminal_1", claim="tail") == [MANY, MANY]
        assert session().is_active
