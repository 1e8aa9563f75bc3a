"""A hot read: ordinary and compiled path, raw psycopg in Flask, Flask static, Node Fastify + pg."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks import measure
from benchmarks.client import Answer, request_bytes
from benchmarks.measure import Variant
from benchmarks.report import Finding, Part
from benchmarks.world import PARTY, ROWS, Server, World, city_server, free_port, served

NODE_PACKAGES = ("fastify@5", "pg@8", "fast-jwt@6")


def run(world: World) -> Part:
    """Measure one read by key in every way, token verified and revocation checked."""
    token = {"Authorization": f"Bearer {world.token()}"}
    with ExitStack() as stack:
        ordinary = stack.enter_context(city_server(world))
        hot = stack.enter_context(city_server(world, hot=True))
        variants = [
            Variant("ordinary", ordinary, _certificate(token), _is_certificate),
            Variant("compiled", hot, _certificate(token), _is_certificate),
            Variant("raw psycopg in Flask", ordinary, _paths("/peer/raw/cert_{}", token), _is_certificate),
            Variant("Flask static", ordinary, _paths("/peer/static", {})),
        ]
        skipped = _add_node(world, stack, variants, token)
        _same_bytes(variants)
        rows = measure.rounds(variants, postmaster=world.postmaster)
        opened = [measure.latency(variant, rate=200) for variant in variants[:2]]
    return _part(rows, opened, skipped)


def _add_node(world: World, stack: ExitStack, variants: list[Variant], token: dict[str, str]) -> str | None:
    try:
        node = stack.enter_context(node_server(world))
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return f"Node peer skipped: {error}"
    variants.append(Variant("Node Fastify + pg", node, _certificate(token), _is_certificate))
    return None


def _certificate(headers: dict[str, str]) -> measure.Request:
    return _paths("/api/certificates/cert_{}/state", headers)


def _paths(pattern: str, headers: dict[str, str]) -> measure.Request:
    made = [request_bytes("GET", pattern.format(1 + number * 7919 % ROWS), headers) for number in range(500)]
    return lambda number: made[number % 500]


def _is_certificate(number: int, answer: Answer) -> bool:
    wanted = f'"id":"cert_{1 + number % 500 * 7919 % ROWS}"'.encode()
    return answer.status == 200 and wanted in answer.body


def _same_bytes(variants: list[Variant]) -> None:
    request = variants[0].request(3)
    for variant in variants[:2]:
        measure.fetch(variant.server, request)
    bodies = {measure.fetch(variant.server, request).body for variant in variants[:2]}
    if len(bodies) != 1:
        raise RuntimeError(f"compiled and ordinary answers differ: {bodies}")


def _part(rows: list[measure.Row], opened: list[dict[str, object]], skipped: str | None) -> Part:
    found = measure.medians(rows)
    ratio = found["ordinary"]["server_us"] / found["compiled"]["server_us"]
    findings = [
        Finding("compiled v ordinary, server CPU a request", ratio, 3.0),
        Finding("compiled v ordinary, requests/s", found["compiled"]["rps"] / found["ordinary"]["rps"], 3.0),
    ]
    if "Node Fastify + pg" in found:
        node = found["Node Fastify + pg"]
        findings.append(
            Finding("compiled v Node, server CPU a request", node["server_us"] / found["compiled"]["server_us"], 0.4)
        )
        findings.append(Finding("compiled v Node, requests/s", found["compiled"]["rps"] / node["rps"], 0.4))
    notes = [skipped] if skipped else []
    return Part("Hot read by key", findings, found, measure.noise(found, "ordinary"), opened, notes, measure.raw(rows))


@contextmanager
def node_server(world: World) -> Iterator[Server]:
    """Serve the Node peer; raises `RuntimeError` with the reason when it cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise RuntimeError("node or npm is not installed")
    with tempfile.TemporaryDirectory(prefix="sxnode") as name:
        folder = Path(name)
        (folder / "package.json").write_text(json.dumps({"type": "module", "private": True}))
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", *NODE_PACKAGES],
            cwd=folder, check=True, timeout=90, capture_output=True,
        )  # fmt: skip
        shutil.copy(Path(__file__).parent / "peers" / "server.mjs", folder)
        port = free_port()
        environment = {
            "PORT": str(port), "PGSOCKET": parse_qs(urlsplit(world.url).query)["host"][0], "PARTY": PARTY,
            "PUBLIC_KEY": world.public_key(), "AUDIENCE": world.environment["SUXIN_BASE_URL"], "NODE_ENV": "production",
        }  # fmt: skip
        with served(["node", "server.mjs"], port, environment, cwd=folder) as server:
            yield server
