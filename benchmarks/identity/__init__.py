"""The authorization server beside npm oidc-provider: the same requests, all server CPU counted, the database's too."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack

from benchmarks import measure
from benchmarks.identity import crowd, flows, ours, peer, statements, verification
from benchmarks.identity.flows import Party
from benchmarks.measure import Variant
from benchmarks.report import Finding, Part
from benchmarks.world import World

GOALS = {
    "code exchange, private_key_jwt and DPoP": 1.0,
    "refresh, private_key_jwt and DPoP": 1.0,
    "userinfo, DPoP": 1.0,
    "client_credentials, JWT": 0.7,
    "refresh, rotated": 0.7,
    "introspection": 0.7,
    "code exchange, client_secret_basic": None,
}


def run(world: World) -> Part:
    """Measure every flow on both, then statements, verification, and the same flows among a crowd of accounts."""
    whole = Part("Identity: the authorization server beside oidc-provider on Redis", [], noise=0.0)
    with ExitStack() as stack:
        city = stack.enter_context(ours.served(world))
        parties = [city]
        try:
            parties.append(stack.enter_context(peer.served(world)))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            whole.notes.append(f"oidc-provider skipped: {error}")
        for name, goal in GOALS.items():
            _beside(whole, world, name, goal, parties)
        verification.measure(whole, world, city)
        statements.measure(whole, world)
        crowd.measure(whole, world, city)
    whole.notes.append("oidc-provider 9 runs on this machine's Node; it keeps no audit line and no durable write")
    return whole


def _beside(whole: Part, world: World, name: str, goal: float | None, parties: list[Party]) -> None:
    variants = [variant(name, party) for party in parties]
    rows = measure.rounds(variants, postmaster=world.postmaster)
    found = measure.medians(rows)
    whole.figures |= found
    whole.rows += measure.raw(rows)
    whole.noise = max(whole.noise or 0.0, measure.noise(found, variants[0].name))
    whole.opened += [measure.latency(each, rate=40, seconds=3.0) for each in variants]
    if len(parties) > 1:
        mine, theirs = (found[each.name]["total_us"] for each in variants)
        whole.findings.append(Finding(f"{name}: of oidc-provider per CPU-second", theirs / mine, goal))


def variant(name: str, party: Party) -> Variant:
    """Return one flow at one server."""
    flow = flows.FLOWS[name](party)
    return Variant(f"{name}: {party.name}", party.server, flow.request, flow.check, party.store)
