"""The three named hot reads of the product: ordinary and compiled, by hand in Flask, Flask static, Node."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks import measure, named
from benchmarks.client import Answer, request_bytes
from benchmarks.measure import Variant
from benchmarks.named import Named
from benchmarks.report import Finding, Part
from benchmarks.world import Server, World, city_server, free_port, served

NODE_PACKAGES = ("fastify@5", "pg@8", "fast-jwt@6")
PRODUCT = "benchmarks.product"


def run(world: World) -> Part:
    """Measure each read in every way, token verified and revocation checked where the read wants one."""
    named.seed(world)
    whole = Part("Hot reads of the product", [], noise=0.0)
    with ExitStack() as stack:
        servers = {
            "ordinary": stack.enter_context(city_server(world, module=PRODUCT)),
            "compiled": stack.enter_context(city_server(world, module=PRODUCT, hot=True)),
        }
        try:
            servers["Node"] = stack.enter_context(node_server(world))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            whole.notes.append(f"Node peer skipped: {error}")
        for number in range(len(named.reads(world))):
            # A token lives five minutes: each read gets new ones.
            _measure(whole, world, named.reads(world)[number], servers)
    return whole


def _measure(whole: Part, world: World, read: Named, servers: dict[str, Server]) -> None:
    variants = _variants(read, servers)
    _same_bytes(variants[:2], len(read.calls))
    rows = measure.rounds(variants, postmaster=world.postmaster)
    found = measure.medians(rows)
    whole.opened += [measure.latency(variant, rate=200) for variant in variants[:2]]
    whole.findings += _findings(read.name, found)
    whole.figures |= found
    whole.rows += measure.raw(rows)
    whole.noise = max(whole.noise or 0.0, measure.noise(found, variants[0].name))


def _variants(read: Named, servers: dict[str, Server]) -> list[Variant]:
    asked, by_hand = _turns(read.requests()), _turns(read.requests(by_hand=True))
    fixed, right = request_bytes("GET", "/peer/static", {}), _right(read)
    made = [
        Variant(f"{read.name}, ordinary", servers["ordinary"], asked, right),
        Variant(f"{read.name}, compiled", servers["compiled"], asked, right),
        Variant(f"{read.name}, raw psycopg in Flask", servers["ordinary"], by_hand, right),
        Variant(f"{read.name}, Flask static", servers["ordinary"], lambda _: fixed),
    ]
    if "Node" in servers:
        made.append(Variant(f"{read.name}, Node Fastify + pg", servers["Node"], asked, right))
    return made


def _turns(requests: list[bytes]) -> measure.Request:
    return lambda number: requests[number % len(requests)]


def _right(read: Named) -> measure.Check:
    wanted = [expected for _, _, expected in read.calls]
    return lambda number, answer: answer.status == 200 and wanted[number % len(wanted)] in answer.body


def _same_bytes(variants: list[Variant], calls: int) -> None:
    ordinary, compiled = variants
    for number in range(min(calls, 20)):
        # The compiled path learns from its first answer; the second is its own.
        answers: list[Answer] = [measure.fetch(compiled.server, compiled.request(number)) for _ in range(2)]
        answers.append(measure.fetch(ordinary.server, ordinary.request(number)))
        if len({answer.body for answer in answers}) != 1 or answers[0].status != 200:
            raise RuntimeError(f"compiled and ordinary answers differ: {answers}")


def _findings(name: str, found: dict[str, dict[str, float]]) -> list[Finding]:
    def of(variant: str) -> dict[str, Any]:
        return found[f"{name}, {variant}"]

    compiled, ordinary, by_hand = of("compiled"), of("ordinary"), of("raw psycopg in Flask")
    findings = [
        Finding(f"{name}: compiled v ordinary, server CPU", ordinary["server_us"] / compiled["server_us"], 3.0),
        Finding(f"{name}: compiled v ordinary, requests/s", compiled["rps"] / ordinary["rps"], 3.0),
        Finding(f"{name}: compiled v raw psycopg in Flask, server CPU", by_hand["server_us"] / compiled["server_us"]),
    ]
    if f"{name}, Node Fastify + pg" in found:
        node = of("Node Fastify + pg")
        findings += [
            Finding(f"{name}: compiled v Node, server CPU", node["server_us"] / compiled["server_us"], 0.4),
            Finding(f"{name}: compiled v Node, requests/s", compiled["rps"] / node["rps"], 0.4),
        ]
    return findings


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
        named.reads(world)  # every subject has its row before the peer learns them
        environment = {
            "PORT": str(port), "PGSOCKET": parse_qs(urlsplit(world.url).query)["host"][0], "NODE_ENV": "production",
            **named.for_node(world),
        }  # fmt: skip
        with served(["node", "server.mjs"], port, environment, cwd=folder) as server:
            yield server
