"""Tokens verified where a plugin stands, without a call home; and how soon a withdrawal is felt by another process."""

from __future__ import annotations

import time
from statistics import median

from werkzeug.test import EnvironBuilder

from benchmarks import measure as measuring
from benchmarks.client import request_bytes
from benchmarks.identity import flows, ours
from benchmarks.identity.flows import PLAIN, Party
from benchmarks.report import Finding, Part
from benchmarks.world import World, city_server

TOKENS, ROUNDS = 2_000, 4


def measure(whole: Part, world: World, city: Party) -> None:
    """Verify fresh tokens of distinct people-to-plugin grants, each seen for the first time; then withdraw some."""
    speeds = _speeds(world)
    whole.findings.append(Finding("token verified in a plugin, first sight, per core", median(speeds), 3000, "/s"))
    whole.rows.append({"variant": "token verification", "per_second": speeds})
    waits = _waits(world, city)
    whole.findings.append(Finding("withdrawal felt by another process, worst of 5", max(waits), 5, "s", at_most=True))
    whole.rows.append({"variant": "withdrawal", "seconds": waits})


def _speeds(world: World) -> list[float]:
    from app.db import now, unit_of_work
    from identity.oidc import tokens
    from identity.oidc.access import Wanted
    from identity.oidc.models import AuthorizationGrant
    from identity.oidc.verify import Verifier

    with ours.city(world):
        with unit_of_work():
            grant = AuthorizationGrant(
                id="grant_verification", authorization_details=[], access={"health": ["health:read"]},
                person_id="person_bench", client_id=PLAIN, proofing_level=4, authentication_level=1,
                authenticated_at=now(),
            )  # fmt: skip
            wanted = Wanted("health", ("health:read",))
            made = [tokens.for_citizen(grant, wanted) for _ in range(TOKENS * ROUNDS)]
        asked = [
            EnvironBuilder(
                path="/api/health/me/settlements", headers={"Authorization": f"Bearer {token}"}
            ).get_request()
            for token in made
        ]
        verifier, speeds = Verifier(), []
        for number in range(ROUNDS):
            part = asked[number * TOKENS : (number + 1) * TOKENS]
            started = time.process_time()
            found = [verifier.verify(each, audience="health") for each in part]
            speeds.append(TOKENS / (time.process_time() - started))
            assert all(who is not None and "health:read" in who.scopes for who in found)
    return speeds


def _waits(world: World, city: Party) -> list[float]:
    waits = []
    with city_server(world, module=ours.PRODUCT, hot=True) as other:
        for each in flows.held(city, PLAIN)[:5]:
            asked = request_bytes("GET", "/api/identity/me", {"Authorization": f"Bearer {each['access_token']}"})
            assert measuring.fetch(other, asked).status == 200
            secret = {"Authorization": f"Basic {flows.BASIC}"}
            revoke = flows.sent("POST", "/oauth2/revoke", secret, {"token": each["access_token"]})
            assert measuring.fetch(city.server, revoke).status == 200
            started = time.monotonic()
            while measuring.fetch(other, asked).status != 401 and time.monotonic() - started < 10:
                time.sleep(0.02)
            waits.append(round(time.monotonic() - started, 2))
    return waits
