"""A proof is bound once to what was confirmed and consumed once, by its own terminal and purpose."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.db import now, session, unit_of_work
from app.presence import proofs
from app.presence.errors import NotConfirmed, ProofExpired, ProofForeign, ProofUsed, QuoteStale
from app.presence.models import PresenceProof, PresenceSession
from app.principal import Kind

DIGEST, OTHER = "a" * 64, "b" * 64
MINE = {"terminal": "terminal_1", "purpose": "health:purchase"}


@pytest.fixture
def proof(work) -> str:
    opened = PresenceSession(**MINE, nonce="n", expires_at=now())
    session().add(opened)
    session().flush()
    return proofs.issue(opened, party="person_1", method="face", level="simulated").id


def confirm(proof: str, digest: str = DIGEST) -> None:
    proofs.confirm(proof, terminal="terminal_1", digest=digest, method="tap")


def test_a_confirmed_proof_gives_its_party_once(proof) -> None:
    confirm(proof)

    assert proofs.consume(proof, **MINE, digest=DIGEST) == "person_1"
    with pytest.raises(ProofUsed):
        proofs.consume(proof, **MINE, digest=DIGEST)
    with pytest.raises(ProofUsed):
        proofs.proof_for(proof, **MINE)


def test_an_unconfirmed_proof_moves_nothing(proof) -> None:
    with pytest.raises(NotConfirmed):
        proofs.consume(proof, **MINE, digest=DIGEST)


def test_what_was_confirmed_cannot_change(proof) -> None:
    confirm(proof)
    confirm(proof)

    with pytest.raises(QuoteStale):
        confirm(proof, OTHER)
    with pytest.raises(QuoteStale):
        proofs.consume(proof, **MINE, digest=OTHER)


@pytest.mark.parametrize("change", [{"terminal": "terminal_2"}, {"purpose": "health:other"}])
def test_a_proof_serves_its_terminal_and_purpose_alone(proof, change) -> None:
    confirm(proof)

    for use in (lambda: proofs.consume(proof, **{**MINE, **change}, digest=DIGEST),
                lambda: proofs.proof_for(proof, **{**MINE, **change})):  # fmt: skip
        with pytest.raises(ProofForeign):
            use()


def test_an_unknown_proof_looks_foreign(work) -> None:
    with pytest.raises(ProofForeign):
        proofs.consume("proof_unknown", **MINE, digest=DIGEST)


def test_an_expired_proof_is_neither_confirmed_nor_used(proof) -> None:
    confirm(proof)
    session().execute(update(PresenceProof).values(expires_at=now() - timedelta(seconds=1)))

    with pytest.raises(ProofExpired):
        proofs.consume(proof, **MINE, digest=DIGEST)
    with pytest.raises(ProofExpired):
        confirm(proof)
    with pytest.raises(ProofExpired):
        proofs.proof_for(proof, **MINE)


def test_a_use_that_is_undone_leaves_the_proof_usable(proof, work) -> None:
    confirm(proof)
    work.commit()

    def use_and_fail() -> None:
        with unit_of_work():
            proofs.consume(proof, **MINE, digest=DIGEST)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use_and_fail()

    assert proofs.consume(proof, **MINE, digest=DIGEST) == "person_1"


def test_confirmation_over_the_api_is_the_terminals_own(proof, client, sign_in) -> None:
    def post(terminal: str, digest: str) -> int:
        headers = sign_in(kind=Kind.TERMINAL, actor=terminal, terminal=terminal, scopes=["presence:verify"])
        address = f"/api/presence/proofs/{proof}/confirmations"
        return client.post(address, json={"digest": digest, "method": "pin"}, headers=headers).status_code

    assert [post("terminal_2", DIGEST), post("terminal_1", DIGEST), post("terminal_1", OTHER)] == [403, 201, 409]
