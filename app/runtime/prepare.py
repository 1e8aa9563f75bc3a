"""Brings the database up to date and seeds the demo, in a process of its own.

It imports the application while the servers start, waits for one line on
stdin, then prints one JSON line a step: `migrated`, `seeded`, or `failed`.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any


def main() -> int:
    """Migrate, and seed with `--demo`; returns the exit code."""
    try:
        owners = _import_ahead()
        if not sys.stdin.readline():
            return 1
        migrated = _migrate(owners)
        _tell("migrated", **migrated)
        if _DEMO:
            _seed()
        _tell("seeded")
    except Exception as error:
        _tell("failed", reason=f"{type(error).__name__}: {error}".splitlines()[0])
        raise
    return 0


def _import_ahead() -> Any:
    for module in ("alembic.command", "psycopg", "app.factory", *(["app.seed"] if _DEMO else [])):
        import_module(module)
    from app.owners import owners

    return owners()


def _migrate(owners: Any) -> dict[str, Any]:
    from app.config import Settings
    from app.owners import bring_up_to_date
    from app.worker import queues_of

    failures = bring_up_to_date(Settings.from_env(os.environ).database_url, owners)
    # Only now: a city is not built on schemas that are behind.
    from app.registry.declarations import load_matters
    from wsgi import application

    load_matters(application)
    plugins = application.extensions["suxin.registry"].mounted
    return {
        "queues": sorted({"core", *queues_of(application).values()}),
        "simulators": [(each.name, one.name, one.module) for each in plugins for one in each.simulators],
        "failures": [str(each) for each in failures],
    }


def _seed() -> None:
    from app.seed import seed
    from wsgi import application

    seed(application)


def _tell(step: str, **facts: Any) -> None:
    print(json.dumps({"step": step, **facts}), file=_OUT, flush=True)


# Whatever a plugin prints goes to stderr: stdout carries our lines only.
_OUT = sys.stdout
_DEMO = "--demo" in sys.argv[1:]
sys.stdout = sys.stderr

if __name__ == "__main__":
    sys.exit(main())
