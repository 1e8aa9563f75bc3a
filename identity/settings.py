"""Identity's settings, read from SUXIN_IDENTITY_<NAME>."""

from __future__ import annotations

from app.registry.contract import PluginSetting
from identity.proofing.settings import SETTINGS as PROOFING

SETTINGS = (
    PluginSetting(name="providers_file", default="", meaning="JSON list of outside log-in providers; empty: none"),
    PluginSetting(name="province_socket", default="", meaning="Unix socket of the demo's simulated province"),
    PluginSetting(
        name="private_hosts",
        default="",
        meaning="hosts in private networks, as host:port with commas, that log-out messages may be sent to",
    ),
    PluginSetting(
        name="attestation_roots", default="", meaning="PEM file of the roots that terminals' makers certify keys by"
    ),
    *PROOFING,
    PluginSetting(name="face_provider", default="bundled", meaning="Who judges faces: bundled or gateway"),
    PluginSetting(name="face_gateway_url", default="", meaning="Address of the face gateway"),
    PluginSetting(name="face_gateway_socket", default="", meaning="Unix socket of the gateway; used without a URL"),
    PluginSetting(name="face_gateway_within_ms", default="1500", meaning="How long a till waits for the gateway"),
    PluginSetting(
        name="face_gateway_floor_ms",
        default="400",
        meaning="How long every answer takes at least, so that an unknown number answers no sooner",
    ),
    PluginSetting(name="face_filing", default="", meaning="Number of the filing once more than 100,000 are stored"),
)
