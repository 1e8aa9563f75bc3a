"""Fifty parallel uses of one proof over several processes, real commits: exactly one succeeds."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.db import add, now, unit_of_work
from app.presence import proofs
from app.presence.models import PresenceSession

PROCESSES, USES = 5, 10
DIGEST = "a" * 64
WORKER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from app.config import Settings
from app.crypto import KeyRing
from app.db import session, unit_of_work
from app.factory import create_app
from app.presence import proofs
from app.presence.errors import ProofUsed
from sqlalchemy import text

url, proof, uses, how = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
city = create_app(Settings(database_url=url, base_url="http://city.test", demo=True, log_level="error"),
                  ring=KeyRing.fresh())
barrier = Barrier(uses)

def careful():
    proofs.consume(proof, terminal="terminal_1", purpose="p", digest="a" * 64)

def careless():
    # The control: looks first, then writes.
    free = session().scalar(text("select consumed_at is null from app.presence_proof where id = :id"), {"id": proof})
    session().execute(text("select pg_sleep(0.2)"))
    if not free:
        raise ProofUsed
    session().execute(text("update app.presence_proof set consumed_at = now() where id = :id"), {"id": proof})

def use(_):
    with city.app_context():
        with unit_of_work():
            session().execute(text("select 1"))
        barrier.wait()
        try:
            with unit_of_work():
                {"careful": careful, "careless": careless}[how]()
        except ProofUsed:
            return "used"
        return "won"

with ThreadPoolExecutor(uses) as pool:
    print("ready", flush=True)
    sys.stdin.readline()
    print(" ".join(pool.map(use, range(uses))), flush=True)
city.extensions["suxin.db"].dispose()
"""


def outcomes(city, how: str) -> list[str]:
    with city.app_context(), unit_of_work():
        opened = add(PresenceSession(terminal="terminal_1", purpose="p", nonce="n", expires_at=now()))
        proof = proofs.issue(opened, party="person_1", method="face", level="simulated").id
        proofs.confirm(proof, terminal="terminal_1", digest=DIGEST, method="tap")
    command = [sys.executable, "-c", WORKER, city.config["SETTINGS"].database_url, proof, str(USES), how]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(PROCESSES)
    ]
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("\n")
            worker.stdin.flush()
        return [word for worker in workers for word in worker.communicate(timeout=120)[0].split()]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


@pytest.mark.parametrize(("how", "alone"), [("careful", True), ("careless", False)], ids=["ours", "control"])
def test_of_fifty_uses_over_five_processes_exactly_one_succeeds(clean_city, how: str, alone: bool) -> None:
    found = outcomes(clean_city, how)

    assert len(found) == PROCESSES * USES
    assert (found.count("won") == 1) is alone
