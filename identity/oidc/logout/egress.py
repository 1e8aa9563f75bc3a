"""The only way out for messages to clients' own addresses: public hosts by HTTPS, and private ones that are listed.

A registered address could name a machine inside the city's network (SSRF).
The name is resolved once, every address of it is judged, and the connection
goes to the very address that was judged.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import cast
from urllib.parse import SplitResult, urlsplit

import httpx
import structlog
from flask import current_app

from app.config import Settings
from app.facade.settings import settings_of

log = structlog.get_logger("identity.egress")
_TIMES = httpx.Timeout(5.0, connect=2.0)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(Exception):
    """An address that this city does not send to; the text is a fixed reason."""


def check(url: str) -> None:
    """Raise `Forbidden` for an address whose form alone rules it out; names are resolved only when sending."""
    parts = _split(url)
    try:
        _judge(_address(parts.hostname or ""), parts)
    except ValueError:
        if parts.hostname == "localhost" and not _may_be_private(parts):
            raise Forbidden("the host is inside this machine") from None


def post(url: str, form: Mapping[str, str]) -> bool:
    """Post a form and tell whether it was taken (200 or 204); redirects are not followed, answers not read."""
    try:
        parts = _split(url)
        return _sent(parts, _resolved(parts), form)
    except (Forbidden, OSError, httpx.HTTPError) as error:
        # Only the kind is logged: the address may be another organisation's secret.
        log.warning("not_delivered", kind=type(error).__name__)
        return False


def _sent(parts: SplitResult, address: Address, form: Mapping[str, str]) -> bool:
    host = f"[{address}]" if address.version == 6 else str(address)
    target = parts._replace(netloc=f"{host}:{_port(parts)}").geturl()
    with httpx.Client(timeout=_TIMES, follow_redirects=False, trust_env=False) as out:
        asked = out.build_request(
            "POST",
            target,
            data=dict(form),
            headers={"Host": parts.netloc, "Accept-Encoding": "identity"},
            extensions={"sni_hostname": parts.hostname},
        )
        answer = out.send(asked, stream=True)
        answer.close()
    return answer.status_code in (200, 204)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("not an address") from None
    plain = url.isascii() and url.isprintable() and "\\" not in url and " " not in url
    if not plain or not parts.hostname or parts.username is not None or parts.fragment or len(url) > 400:
        raise Forbidden("not a plain address without user and fragment")
    if parts.scheme not in ("https", "http") or (parts.scheme == "http" and not _in_demo()):
        raise Forbidden("only https is sent to")
    if port == 0:
        raise Forbidden("not a port")
    return parts


def _resolved(parts: SplitResult) -> Address:
    found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    addresses = [_address(str(each[4][0])) for each in found]
    if not addresses:
        raise Forbidden("the host has no address")
    # One bad address among good ones is a trap: none of them is used then.
    for each in addresses:
        _judge(each, parts)
    return addresses[0]


def _address(text: str) -> Address:
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        return _inner(found) or found
    return found


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to, if it does."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    tunnel = address.teredo
    return address.ipv4_mapped or address.sixtofour or (tunnel[1] if tunnel else None)


def _judge(address: Address, parts: SplitResult) -> None:
    # 169.254.169.254 hands out a machine's own credentials in many clouds: never, even when listed.
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        raise Forbidden("the host is no machine to send to")
    if not address.is_global and not _may_be_private(parts):
        raise Forbidden("the host is inside a private network")


def _may_be_private(parts: SplitResult) -> bool:
    listed = settings_of("identity")["private_hosts"].split(",")
    named = f"{parts.hostname}:{_port(parts)}"
    return named in {each.strip() for each in listed} or (_in_demo() and _is_loopback(parts))


def _is_loopback(parts: SplitResult) -> bool:
    return parts.hostname in ("127.0.0.1", "localhost", "::1")


def _port(parts: SplitResult) -> int:
    return parts.port or {"https": 443, "http": 80}[parts.scheme]


def _in_demo() -> bool:
    return cast(Settings, current_app.config["SETTINGS"]).demo
