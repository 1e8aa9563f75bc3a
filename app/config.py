"""Every setting of the core: its name, default, meaning and check, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class BadSetting(Exception):
    """A setting cannot be used; the message names it and says what to write."""


def _text(raw: str) -> str:
    return raw


def _flag(raw: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if raw.lower() not in words:
        raise ValueError("write 1 or 0")
    return words[raw.lower()]


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
            raise ValueError(f"write a whole number from {low} to {high}")
        return int(raw)

    return parse


def _url_of(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        parts = urlsplit(raw)
        if parts.scheme not in schemes or not (parts.netloc or parts.path or parts.query):
            raise ValueError(f"write an address that starts with {' or '.join(s + '://' for s in schemes)}")
        return raw

    return parse


def _origin(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise ValueError("write an origin without a path, like https://suxin.example.gov.cn")
    return raw


def _path(raw: str) -> Path:
    return Path(raw).expanduser()


def _names(raw: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in raw.split(",") if name.strip())


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in words:
            raise ValueError(f"write one of {', '.join(words)}")
        return raw

    return parse


def setting(default: Any, parse: Callable[[str], Any], meaning: str) -> Any:
    """Declare one setting; its environment name is SUXIN_ and the field's name."""
    return field(default=default, metadata={"parse": parse, "meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The core's settings, checked once at start."""

    database_url: str = setting(
        "", _url_of("postgresql", "postgres"), "PostgreSQL 15 to 18 to use; empty: the supervisor starts its own"
    )
    broker_url: str = setting(
        "",
        _url_of("redis", "rediss", "redis+socket", "amqp", "amqps"),
        "RabbitMQ or Valkey that carries jobs; empty: the supervisor starts its own Valkey",
    )
    port: int = setting(8000, _between(1, 65535), "TCP port of the web server, on the loopback address")
    base_url: str = setting("", _origin, "Public origin and OAuth issuer; empty: http://127.0.0.1 and the port")
    state_dir: Path | None = setting(
        None, _path, "Folder of the embedded servers' data, keys and sockets; empty: chosen by the supervisor"
    )
    key_file: Path | None = setting(
        None, _path, "File of key-encryption keys, one `id:base64` a line, newest first; empty: in the state folder"
    )
    demo: bool = setting(False, _flag, "1 seeds and accepts the demo world; never in production")
    web_workers: int = setting(2, _between(1, 64), "Web server processes")
    core_slots: int = setting(2, _between(1, 32), "Core requests one web process answers at a time")
    disabled_plugins: tuple[str, ...] = setting((), _names, "Plugins found but not mounted, separated by commas")
    log_level: str = setting("info", _one_of("debug", "info", "warning", "error"), "Least severe line that is logged")
    max_body_bytes: int = setting(8_000_000, _between(1_000, 200_000_000), "Largest request body that is read")
    statement_timeout_ms: int = setting(15_000, _between(100, 600_000), "Longest SQL statement of a request or job")

    def __post_init__(self) -> None:
        if not self.base_url:
            object.__setattr__(self, "base_url", f"http://127.0.0.1:{self.port}")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read SUXIN_* variables; an empty one counts as not set.

        Raises `BadSetting` for a value that does not parse.
        """
        values = {}
        for each in fields(cls):
            raw = env.get(env_name(each.name), "")
            if raw:
                values[each.name] = _parsed(env_name(each.name), each.metadata["parse"], raw)
        return cls(**values)


def env_name(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"SUXIN_{name.upper()}"


def _parsed(name: str, parse: Callable[[str], Any], raw: str) -> Any:
    try:
        return parse(raw)
    except ValueError as error:
        # The value itself may be a secret (a URL with a password), so it is not repeated.
        raise BadSetting(f"{name} cannot be used: {error}.") from None
