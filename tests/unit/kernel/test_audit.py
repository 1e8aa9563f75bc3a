"""Leaves ride in the business transaction and are sealed into a chain of signed roots."""

import hashlib
import time
from datetime import timedelta

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from flask import Flask
from sqlalchemy import select, text

from app import sealing
from app.audit import AuditHead, AuditLeaf, about, leaf_hash, merkle_root, record, sealed_by
from app.db import database, now, session, unit_of_work
from app.ids import new_id
from app.sealing import GENESIS, OrderLost, continue_after_restore, oldest_unsealed_seconds, seal_due, signing_key


def _leave(count: int, subject: str) -> None:
    with unit_of_work():
        for number in range(count):
            record("test.read", subject=subject, object=f"thing_{number}")


def _leave_and_fail(subject: str) -> None:
    with unit_of_work():
        record("test.read", subject=subject)
        raise RuntimeError


def _seal() -> int:
    """Seal all that is written; waits for what databases beside ours on the same server still have open."""
    with unit_of_work():
        written = session().scalars(text("SELECT pg_current_xact_id()::text::bigint")).one()
    until = time.monotonic() + 60
    while _oldest_open() <= written:
        assert time.monotonic() < until, "a transaction stays open"
        time.sleep(0.01)
    with unit_of_work():
        return seal_due()


def _oldest_open() -> int:
    with unit_of_work(read_only=True):
        return session().scalars(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")).one()


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
    _seal()
    _leave(2, "party_sealed")
    assert _seal() >= 2

    with unit_of_work(read_only=True):
        heads = list(session().scalars(select(AuditHead).order_by(AuditHead.id)))
        previous, end = GENESIS, 0
        for head in heads:
            leaves = sealed_by(head)
            assert len(leaves) == head.size
            assert merkle_root([leaf_hash(leaf.body) for leaf in leaves]) == head.root
            assert head.previous == previous
            assert head.from_xid == end
            assert orjson.loads(head.statement)["root"] == head.root.hex()
            signing_key().public_key().verify(head.signature, head.statement)
            previous, end = leaf_hash(head.statement), head.until_xid


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


def _is_sealed(leaf: str) -> bool:
    with unit_of_work(read_only=True):
        heads = session().scalars(select(AuditHead)).all()
        found = [head.id for head in heads if leaf in {each.id for each in sealed_by(head)}]
    assert len(found) <= 1
    return bool(found)


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
        assert not _is_sealed("audit_late")
    _seal()
    assert _is_sealed("audit_late")
    assert _is_sealed("audit_early")


def test_a_forged_head_does_not_verify(kernel: Flask) -> None:
    signature = signing_key().sign(b"true")

    with pytest.raises(InvalidSignature):
        signing_key().public_key().verify(signature, b"false")


def test_the_wait_of_the_oldest_unsealed_leaf_is_known(kernel: Flask) -> None:
    _seal()
    with unit_of_work():
        session().add(AuditLeaf(id=new_id("audit"), subject=None, at=now() - timedelta(seconds=90), body=b"{}"))

    with unit_of_work():
        assert 89 < oldest_unsealed_seconds() < 100
    _seal()
    with unit_of_work():
        assert oldest_unsealed_seconds() < 89


def test_a_full_batch_ends_between_two_transactions(kernel: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _seal()
    monkeypatch.setattr(sealing, "BATCH", 4)
    for size in (3, 3, 6):
        _leave(size, "party_batch")

    sealed = []
    for _ in range(3):
        sealed.append(_seal())

    assert sealed == [3, 3, 6]


def test_leaves_written_after_a_restore_are_sealed_after_the_old_ones(clean_city: Flask) -> None:
    with clean_city.app_context():
        _leave(1, "party_before")
        _seal()
        with unit_of_work():
            # A new server counts from the start again, so all that is old seems to be of the future.
            session().execute(text("UPDATE app.audit_head SET until_xid = until_xid + 1000000"))
        with pytest.raises(OrderLost), unit_of_work():
            seal_due()

        with database().write.begin() as connection:
            assert 999_000 < continue_after_restore(connection) <= 1_000_001
            assert continue_after_restore(connection) == 0
        _leave(2, "party_after")

        assert _seal() == 2
        with unit_of_work():
            first, second = session().scalars(select(AuditHead).order_by(AuditHead.id))
            assert {leaf.subject for leaf in sealed_by(second)} == {"party_after"}
            assert second.from_xid == first.until_xid
