"""Where the outside registers are."""

from __future__ import annotations

from app.registry.contract import PluginSetting

SETTINGS = (
    PluginSetting(name="population_url", default="", meaning="Address of the population register"),
    PluginSetting(name="population_socket", default="", meaning="Its unix socket; used without a URL"),
    PluginSetting(name="legal_register_url", default="", meaning="Address of the register of legal persons"),
    PluginSetting(name="legal_register_socket", default="", meaning="Its unix socket; used without a URL"),
    PluginSetting(name="network_identity_url", default="", meaning="Address of the national network identity"),
    PluginSetting(name="network_identity_socket", default="", meaning="Its unix socket; used without a URL"),
    PluginSetting(name="register_wait_ms", default="2000", meaning="How long a register may take to answer"),
)
