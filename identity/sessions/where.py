"""Where a browser is, in words its owner understands and that name nobody."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

# The first that fits: Edge and WeChat call themselves Chrome too, Chrome calls itself Safari.
_BROWSERS = (
    ("MicroMessenger", "WeChat"), ("AlipayClient", "Alipay"), ("Edg", "Edge"), ("OPR/", "Opera"),
    ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"), ("OpenHarmony", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"),
    ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Where:
    """An address and a browser, as one request shows them."""

    source: str = ""
    user_agent: str = ""

    @property
    def place(self) -> str:
        """The network in part: enough to know one's own, too little to find anyone."""
        try:
            address = ipaddress.ip_address(self.source)
        except ValueError:
            return ""
        if address.version == 4:
            return ".".join([*str(address).split(".")[:2], "*", "*"])
        return ":".join([*address.exploded.split(":")[:2], "*"])

    @property
    def agent(self) -> str:
        """Browser and system by their names."""
        found = [next((name for sign, name in each if sign in self.user_agent), "") for each in (_BROWSERS, _SYSTEMS)]
        return " · ".join(name for name in found if name)
