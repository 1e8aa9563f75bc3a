"""The served city with faces: a shortlist with its decryption, an erasure, and decisions beside another route's p99."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from joserfc import jws
from joserfc.jwk import ECKey

from benchmarks.client import Connection, Target, request_bytes
from benchmarks.load import Outcome, open_loop
from benchmarks.named import CERTIFICATES, _bearer, _city, seed
from benchmarks.report import Finding
from benchmarks.world import Server, World, free_port, served

NEIGHBOURS, RATE, SECONDS, TILLS, OTHERS = 160, 10, 8.0, 8, 100
ROUNDS = 3
TAIL, PLACE = "6688", "321302"


@dataclass(slots=True)
class Till:
    """A terminal that signs what its camera saw."""

    id: str
    key: ECKey = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    def statement(self, opened: dict[str, Any], frames: list[bytes]) -> str:
        claims = {
            "nonce": opened["nonce"], "session": opened["id"], "purpose": "health:purchase", "level": "simulated",
            "camera": "bench", "frames": [hashlib.sha256(frame).hexdigest() for frame in frames],
        }  # fmt: skip
        header = {"alg": "ES256", "typ": "suxin-liveness+jwt"}
        return jws.serialize_compact(header, orjson.dumps(claims), self.key, algorithms=["ES256"])


def findings(world: World, notes: list[str]) -> list[Finding]:
    """Return the figures of the served city."""
    seed(world)
    with _city(world):
        tills = _enrolled()
        listed = _shortlist()
        erased = _erasure()
    notes.append(f"shortlist of 160, read, opened and compared: p50 {np.median(listed):.1f} ms")
    found = [
        Finding("shortlist of 160 with decryption, p99", float(np.percentile(listed, 99)), 10, "ms", at_most=True),
        Finding("erasure proven, from the request to the empty look", erased, 1, "s", at_most=True),
    ]
    with _two_workers(world) as server:
        return found + _beside(server.target, tills, notes)


def _enrolled() -> list[Till]:
    """Fill one county's list with neighbours, enrol one face, and enter the tills."""
    from app.db import session, unit_of_work
    from app.principal import SYSTEM, acting_as
    from demo import world as demo
    from identity.face import service
    from identity.face.vector import unit

    random = np.random.default_rng(1)
    with acting_as(SYSTEM), unit_of_work():
        for number in range(NEIGHBOURS - 1):
            person = _person(number)
            vector, consent = unit(random.normal(size=128)), service.consent(person)
            session().add(service._sealed(person, vector, version=1, consent_id=consent.id, photographs=2))
        person = _person(NEIGHBOURS)
        portrait = (demo.FOLDER / "faces" / "person_b_1.jpg").read_bytes()
        service.enrol(person, [portrait], service.consent(person).id)
        return _tills()


def _person(number: int) -> str:
    from identity.parties.service import register_person

    stem = f"32999919780517{number:03d}"
    check = "10X98765432"[sum(int(digit) * 2 ** (17 - at) for at, digit in enumerate(stem)) % 11]
    return register_person(
        name="林晓禾", resident_id=stem + check, mobile=f"1400000{TAIL}", area=PLACE, source="bench", method="bench",
        level=4, demo_key=None,
    ).id  # fmt: skip


def _tills() -> list[Till]:
    from identity.devices.service import enrol
    from identity.oidc import tokens
    from identity.oidc.access import Wanted
    from identity.parties.service import register_organisation

    owner = register_organisation(name="示例药房", credit_code="91321302MA0TEXT00G", area=PLACE)
    made = []
    for number in range(TILLS):
        key = ECKey.generate_key("P-256")
        device = enrol(
            organisation_id=owner.id, place=PLACE, label=f"{number}", public_jwk=key.as_dict(private=False),
            access={"suxin": ["presence:verify", "certificates:verify"]},
        )  # fmt: skip
        token = tokens.for_terminal(device, Wanted("suxin", ("presence:verify", "certificates:verify")))
        made.append(Till(device.id, key, _bearer(token)))
    return made


def _shortlist() -> np.ndarray[Any, np.dtype[np.float64]]:
    from app.db import unit_of_work
    from benchmarks.face import LISTS, timed
    from identity.face import gallery
    from identity.face.provider import _compare
    from identity.face.vector import START, unit

    probe = unit(np.random.default_rng(2).normal(size=128))

    def once() -> None:
        with unit_of_work():
            rows = gallery.by_phone_tail(TAIL, PLACE)
            if len(rows) != NEIGHBOURS or _compare(probe, rows, gallery.SHORTLIST, averaged=True, bars=START):
                raise RuntimeError("the shortlist is not what was enrolled")

    timed(once, 20)
    return timed(once, LISTS)


def _erasure() -> float:
    from app.db import session, unit_of_work
    from app.principal import SYSTEM, acting_as
    from identity.face import gallery, service
    from identity.face.models import FaceTemplate

    with unit_of_work():
        person = session().query(FaceTemplate.person_id).order_by(FaceTemplate.person_id).limit(1).scalar()
    started = time.perf_counter()
    with acting_as(SYSTEM), unit_of_work():
        service.withdraw(service._alive(person).id, person=person)  # type: ignore[union-attr]
    with unit_of_work():
        if gallery.by_person(person):
            raise RuntimeError("the template is still there")
    return time.perf_counter() - started


@contextmanager
def _two_workers(world: World) -> Iterator[Server]:
    """Serve the product as `suxin up` does: two web processes on both cores."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "2", "--blocking-threads", "10", "--no-ws", "--log-level", "error", "--factory",
        "benchmarks.product:make_app",
    ]  # fmt: skip
    with served(command, port, {**world.environment, "SUXIN_BENCH_HOT": "1"}) as server:
        _unpin(server.pid)
        yield server


def _unpin(pid: int) -> None:
    everywhere = set(range(os.cpu_count() or 1))
    family = [pid]
    for each in family:
        for task in os.listdir(f"/proc/{each}/task"):
            os.sched_setaffinity(int(task), everywhere)
            with open(f"/proc/{each}/task/{task}/children", encoding="ascii") as children:
                family += [int(child) for child in children.read().split()]


def _beside(target: Target, tills: list[Till], notes: list[str]) -> list[Finding]:
    pictures = _pictures()
    asyncio.run(_decide_all(target, tills, pictures, rate=4, seconds=4))
    quiet, busy, decided, late = [], [], [], []
    for _ in range(ROUNDS):
        quiet.append(asyncio.run(_others(target, tills[0])).latency.quantile(0.99))
        outcome, decisions = asyncio.run(_both(target, tills, pictures))
        busy.append(outcome.latency.quantile(0.99))
        decided.append(sum(each.matched for each in decisions) / SECONDS)
        late += [each.ms for each in decisions]
    ratio = float(np.median(busy)) / float(np.median(quiet))
    notes.append(
        f"{RATE} two-frame decisions a second offered for {SECONDS:.0f} s in {ROUNDS} rounds: p50"
        f" {np.median(late):.0f} ms, p99 {np.percentile(late, 99):.0f} ms each; certificate state at {OTHERS}/s"
        f" beside them: p99 {np.median(busy):.1f} ms, alone {np.median(quiet):.1f} ms;"
        " generator and database on the same two cores"
    )
    return [
        Finding("two-frame decisions a second, matched", float(np.median(decided)), RATE * 0.98, "/s"),
        Finding("another route's p99 beside them v alone", ratio, 2.0, at_most=True),
    ]


def _pictures() -> list[bytes]:
    from benchmarks.face import framed
    from demo import world as demo
    from identity.face.picture import decode

    pixels = decode((demo.FOLDER / "faces" / "person_b_2.jpg").read_bytes())
    return [framed(pixels, shade=shade) for shade in (1.0, 0.92)]


async def _others(target: Target, till: Till) -> Outcome:
    # A read that the compiled path answers: the least patient of the city's routes.
    headers = till.headers
    calls = [
        request_bytes("GET", f"/api/certificates/certificate_{1 + number * 7919 % CERTIFICATES}/state", headers)
        for number in range(500)
    ]
    return await open_loop(target, rate=OTHERS, seconds=SECONDS, request=lambda number: calls[number % 500])


async def _both(target: Target, tills: list[Till], pictures: list[bytes]) -> tuple[Outcome, list[Decided]]:
    others = asyncio.create_task(_others(target, tills[0]))
    return_value = await _decide_all(target, tills, pictures, rate=RATE, seconds=SECONDS)
    return await others, return_value


@dataclass(frozen=True, slots=True)
class Decided:
    """One customer: recognised or not, and how long it took from the opened session."""

    matched: bool
    ms: float


async def _decide_all(
    target: Target, tills: list[Till], pictures: list[bytes], *, rate: float, seconds: float
) -> list[Decided]:
    """Send customers at a fixed rate to tills in turn, whatever the city does."""
    start, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(_decide(target, tills[number % len(tills)], _fresh(pictures))))
    return list(await asyncio.gather(*tasks))


async def _decide(target: Target, till: Till, frames: list[bytes]) -> Decided:
    connection = await Connection.open(target)
    headers = {**till.headers, "Content-Type": "application/json"}
    body = orjson.dumps({"purpose": "health:purchase"})
    opened = orjson.loads((await connection.send(request_bytes("POST", "/api/presence/sessions", headers, body))).body)
    evidence = orjson.dumps({
        "method": "face", "claim": {"phone_tail4": TAIL}, "liveness": till.statement(opened, frames),
        "frames": [base64.b64encode(frame).decode() for frame in frames],
    })  # fmt: skip
    started = time.perf_counter()
    path = f"/api/presence/sessions/{opened['id']}/evidence"
    answer = await connection.send(request_bytes("POST", path, headers, evidence))
    connection.close()
    said = orjson.loads(answer.body)
    return Decided(said.get("decision") == "matched", 1000 * (time.perf_counter() - started))


def _fresh(pictures: list[bytes]) -> list[bytes]:
    # A picture is taken once, ever: a comment of its own makes each capture new.
    return [picture[:2] + b"\xff\xfe\x00\x12" + os.urandom(8).hex().encode() + picture[2:] for picture in pictures]
