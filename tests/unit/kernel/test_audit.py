"""Leaves ride in the business transaction and are sealed into a chain of signed roots."""

import hashlib
from datetime import timedelta

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from flask import Flask
from sqlalchemy import select

from app.audit import AuditHead, AuditLeaf, about, leaf_hash, merkle_root, record
from app.db import now, session, unit_of_work
from app.ids import new_id
from app.sealing import GENESIS, oldest_unsealed_seconds, seal_due, signing_key


def _leave(count: int, subject: str) -> None:
    with unit_of_work():
        for number in range(count):
            record("test.read", subject=subject, object=f"thing_{number}")


def _leave_and_fail(subject: str) -> None:
    with unit_of_work():
        record("test.read", subject=subject)
        raise RuntimeError


def test_a_leaf_is_undone_with_its_work(kernel: Flask) -> None:
    with pytest.raises(RuntimeError):
        _leave_and_fail("party_undone")

    with unit_of_work(read_only=True):
        assert about("party_undone") == []


def test_a_citizen_sees_who_looked(kernel: Flask) -> None:
    _leave(3, "party_seen")

    with unit_of_work(read_only=True):
        lines = about("party_seen")

    assert [line.action for line in lines] == ["test.read"] * 3
    assert lines[0].actor == "system"


def test_sealed_roots_match_their_leaves_and_chain(kernel: Flask) -> None:
    _leave(5, "party_sealed")
    with unit_of_work():
        seal_due()
    _leave(2, "party_sealed")
    with unit_of_work():
        assert seal_due() >= 2

    with unit_of_work(read_only=True):
        heads = list(session().scalars(select(AuditHead).order_by(AuditHead.id)))
        previous = GENESIS
        for head in heads:
            leaves = session().scalars(
                select(AuditLeaf).where(AuditLeaf.head_id == head.id).order_by(AuditLeaf.position)
            )
            assert merkle_root([leaf_hash(leaf.body) for leaf in leaves]) == head.root
            assert head.previous == previous
            assert orjson.loads(head.statement)["root"] == head.root.hex()
            signing_key().public_key().verify(head.signature, head.statement)
            previous = leaf_hash(head.statement)


def test_an_edited_leaf_breaks_its_root(kernel: Flask) -> None:
    bodies = [b"one", b"two", b"three"]
    root = merkle_root([leaf_hash(body) for body in bodies])

    assert merkle_root([leaf_hash(body) for body in (b"one", b"two!", b"three")]) != root
    assert merkle_root([leaf_hash(body) for body in (b"two", b"one", b"three")]) != root
    assert merkle_root([leaf_hash(body) for body in (*bodies, b"three")]) != root


def test_roots_follow_rfc_6962() -> None:
    one, two, three = (leaf_hash(body) for body in (b"a", b"b", b"c"))
    pair = hashlib.sha256(b"\x01" + one + two).digest()

    assert merkle_root([one]) == one
    assert merkle_root([one, two]) == pair
    assert merkle_root([one, two, three]) == hashlib.sha256(b"\x01" + pair + three).digest()


def test_a_leaf_of_a_running_transaction_keeps_later_ones_unsealed(kernel: Flask) -> None:
    with unit_of_work() as slow:
        record("test.slow", subject="party_slow")
        slow.session.execute(select(1))
        slow.session.flush()
        session().add(AuditLeaf(id="audit_early", subject="party_slow", at=now(), body=b"{}"))
        session().flush()
        with unit_of_work():
            session().add(AuditLeaf(id="audit_late", subject="party_slow", at=now(), body=b"{}"))
        with unit_of_work():
            seal_due()
        with unit_of_work(read_only=True):
            late = session().get(AuditLeaf, "audit_late")
            assert late is not None
            assert late.head_id is None
    with unit_of_work():
        seal_due()
    with unit_of_work(read_only=True):
        late = session().get(AuditLeaf, "audit_late")
        assert late is not None
        assert late.head_id is not None


def test_a_forged_head_does_not_verify(kernel: Flask) -> None:
    signature = signing_key().sign(b"true")

    with pytest.raises(InvalidSignature):
        signing_key().public_key().verify(signature, b"false")


def test_the_wait_of_the_oldest_unsealed_leaf_is_known(kernel: Flask) -> None:
    with unit_of_work():
        seal_due()
    with unit_of_work():
        session().add(AuditLeaf(id=new_id("audit"), subject=None, at=now() - timedelta(seconds=90), body=b"{}"))

    with unit_of_work():
        assert 89 < oldest_unsealed_seconds() < 100
        seal_due()
    with unit_of_work():
        seal_due()
        assert oldest_unsealed_seconds() < 89
