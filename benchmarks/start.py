"""Start times of `suxin up --demo` from nothing and again, to the first 200, and the memory of each process."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine
from benchmarks.client import Connection, Target, request_bytes
from benchmarks.report import Finding, Part
from benchmarks.world import ROOT, World, free_port

PATIENCE = 60.0
SETTLED = 6.0  # by then relay, worker and beat run, too


def run(_: World) -> Part:
    """Start cold, stop, start warm, look at memory."""
    state = Path(tempfile.mkdtemp(prefix="sxs"))
    try:
        # The same port twice: with other settings everything would be prepared again.
        port = free_port()
        cold, _memory = _start(state, port)
        warm, memory = _start(state, port)
    finally:
        shutil.rmtree(state, ignore_errors=True)
    findings = [
        Finding("cold start (initdb, migrate, seed, first 200 from /readyz)", cold, 8.0, "s", at_most=True),
        Finding("warm start", warm, 3.0, "s", at_most=True),
        Finding("memory of all processes (PSS)", sum(memory.values()), None, "MB"),
    ]
    figures = {name: {"pss_mb": value} for name, value in sorted(memory.items(), key=lambda item: -item[1])}
    return Part(
        "Start and memory",
        findings,
        figures,
        notes=["until /readyz says 200 and the seed is over; memory 6 s later, the web with two workers"],
        rows=[{"cold_s": cold, "warm_s": warm, "memory_mb": memory}],
    )


def _start(state: Path, port: int) -> tuple[float, dict[str, float]]:
    environment = {**os.environ, "SUXIN_STATE_DIR": str(state), "SUXIN_PORT": str(port)}
    for name in ("SUXIN_DATABASE_URL", "SUXIN_KEY_FILE", "SUXIN_BASE_URL", "SUXIN_BROKER_URL"):
        environment.pop(name, None)
    suxin = Path(sys.executable).parent / "suxin"
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen([suxin, "up", "--demo"], cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            # Serving begins beside the seed, so a 200 alone is not yet the whole city.
            while not (_ready(port) and any(state.rglob("prepared.json"))):
                if process.poll() is not None or time.monotonic() - started > PATIENCE:
                    output.seek(0)
                    raise RuntimeError("not ready: " + output.read()[-1500:].decode(errors="replace"))
                time.sleep(0.02)
            seconds = time.monotonic() - started
            time.sleep(SETTLED)
            return seconds, _memory(process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(25)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _ready(port: int) -> bool:
    async def ask() -> int:
        connection = await Connection.open(Target(port))
        async with asyncio.timeout(2):
            answer = await connection.send(request_bytes("GET", "/readyz", {}))
        connection.close()
        return answer.status

    try:
        return asyncio.run(ask()) == 200
    except (OSError, TimeoutError):
        return False


def _memory(root: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for pid in machine.tree(root):
        name = _name(pid)
        found[name] = round(found.get(name, 0) + machine.memory_of(pid), 1)
    return found


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "ended"
    known = {"runtime.web": "web", "relay": "relay", " beat ": "beat", " worker ": "worker", "postgres": "PostgreSQL",
             "valkey": "Valkey", "simulator": "simulators", "suxin up": "supervisor",
             "demo.story": "story", "keeper": "keeper"}  # fmt: skip
    return next((title for sign, title in known.items() if sign in words), "other")
