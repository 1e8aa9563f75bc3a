"""`python -m identity.proofing.simulator.population`: the population register of the demo world."""

from __future__ import annotations

import sys
from typing import Any

from demo import families, world
from identity.proofing.simulator.server import Said, serve

_VALID_UNTIL = "2040-01-01"


class Register:
    """Everybody of the demo world: alive, with a card `SN` + the number's last six signs, valid until 2040."""

    def __init__(self) -> None:
        found = families.load()
        self._names = {each.resident_id: each.name for each in world.load().citizens}
        self._names |= {each.resident_id: each.name for each in found.wards}
        self._deceased = {each.resident_id for each in found.deceased}
        self._names |= {each.resident_id: each.name for each in found.deceased}
        self._guardians = {
            (world.load().citizen(each.guardian).resident_id, found.ward(each.ward).resident_id): each.verdict
            for each in found.guardianships
        }

    def match(self, said: Said) -> Said:
        """Answer whether a living person bears name and number."""
        return {"verdict": self._holder(said)}

    def document(self, said: Said) -> Said:
        """Answer whether a card is this person's and valid."""
        verdict = self._holder(said)
        if verdict == "matched" and said["serial"] != f"SN{said['number'][-6:]}":
            verdict = "not_matched"
        elif verdict == "matched" and said["valid_until"] != _VALID_UNTIL:
            verdict = "expired"
        return {"verdict": verdict}

    def guardianship(self, said: Said) -> Said:
        """Answer whether one is the other's guardian."""
        both = said["guardian"], said["ward"]
        if any(self._holder(each) != "matched" for each in both):
            return {"verdict": "not_matched"}
        return {"verdict": self._guardians.get((both[0]["number"], both[1]["number"]), "not_matched")}

    def change(self, said: Said) -> Said:
        """Let the world change under the city: somebody dies, bears another name, or loses a guardianship."""
        number, what = said["number"], said["what"]
        if what == "died":
            self._deceased.add(number)
        elif what in ("renamed", "born"):
            self._names[number] = said["name"]
        else:
            self._guardians[(said["guardian"], number)] = what
        return {}

    def _holder(self, said: dict[str, Any]) -> str:
        if self._names.get(said["number"]) != said["name"]:
            return "not_matched"
        return "deceased" if said["number"] in self._deceased else "matched"


def main() -> int:
    """Serve the register."""
    register = Register()
    return serve(
        {
            "match": register.match,
            "document": register.document,
            "guardianship": register.guardianship,
            "change": register.change,
        }
    )


if __name__ == "__main__":
    sys.exit(main())
