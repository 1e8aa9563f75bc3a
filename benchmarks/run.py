"""Run the benchmarks: `python -m benchmarks.run [part ...]`, all parts without a name."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from importlib import import_module

from benchmarks import measure, report
from benchmarks.world import prepared

PARTS = ("reads", "writes", "audit", "outbox", "bulkhead", "start", "logins", "identity", "face")


def main() -> int:
    """Run the named parts and write the table; returns 1 when one could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="parts to run; all by default")
    parser.add_argument("--long", action="store_true", help="three times as many rounds of reads and writes")
    given = parser.parse_args()
    wanted = given.parts or list(PARTS)
    if given.long:
        measure.ROUNDS *= 3
    failed = []
    for name in wanted:
        print(f"{name} ...", flush=True)
        started = time.monotonic()
        try:
            with prepared() as world:
                part = import_module(f"benchmarks.{name}").run(world)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        report.save(name, part)
        print(part.text(), f"({time.monotonic() - started:.0f} s)", sep="\n", flush=True)
    print(report.write_table(list(PARTS)))
    if failed:
        print("could not be measured:", ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
