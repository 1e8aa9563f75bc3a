"""Run by the tests as a process of its own: owns the embedded servers until it is killed."""

import sys
import time
from pathlib import Path

from app.runtime import owner, postgres, valkey
from app.runtime.binaries import postgres_programs, valkey_program
from app.runtime.children import Keeper
from app.runtime.errors import CannotStart
from app.runtime.paths import open_places


def main() -> None:
    places = open_places(Path(sys.argv[1]))
    try:
        with owner.owned(places.state) as lock:
            keeper = Keeper(lock)
            server = postgres.start(places, postgres_programs(places), keeper, durable=False)
            jobs = valkey.start(places, valkey_program(places), keeper)
            print(f"{server.child.process.pid} {jobs.child.process.pid} {server.url()}", flush=True)
            time.sleep(120)
    except CannotStart as refused:
        sys.exit(f"refused: {refused}")


if __name__ == "__main__":
    main()
