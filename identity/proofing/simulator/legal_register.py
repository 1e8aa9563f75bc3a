"""`python -m identity.proofing.simulator.legal_register`: the register of legal persons of the demo world."""

from __future__ import annotations

import sys
from typing import Any

from demo import families, world
from identity.proofing.simulator.server import Said, serve


class Register:
    """The demo world's organisations and who represents them."""

    def __init__(self) -> None:
        shops = {each.key: each for each in world.load().pharmacies}
        self._entries: dict[str, dict[str, Any]] = {}
        for each in families.load().organisations:
            shop, person = shops[each.organisation], world.load().citizen(each.representative)
            self._entries[shop.credit_code] = {
                "name": shop.name, "area": shop.area, "holder": (person.name, person.resident_id), "revoked": False,
            }  # fmt: skip

    def representative(self, said: Said) -> Said:
        """Answer whether a person represents an organisation."""
        entry = self._entries.get(said["credit_code"])
        if entry is None or entry["holder"] != (said["name"], said["number"]):
            return {"verdict": "not_matched"}
        if entry["revoked"]:
            return {"verdict": "revoked"}
        return {"verdict": "matched", "name": entry["name"], "area": entry["area"]}

    def change(self, said: Said) -> Said:
        """Let another person represent an organisation, a new one, or strike it off."""
        entry = self._entries.setdefault(said["credit_code"], {"revoked": False, "name": "", "area": "321302"})
        entry["revoked"] = bool(said.get("revoked", False))
        entry["name"] = said.get("organisation", entry["name"]) or "—"
        if "name" in said:
            entry["holder"] = (said["name"], said["number"])
        return {}


def main() -> int:
    """Serve the register."""
    register = Register()
    return serve({"representative": register.representative, "change": register.change})


if __name__ == "__main__":
    sys.exit(main())
