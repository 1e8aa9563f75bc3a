"""Curves as SVG, by hand: a picture of a few lines needs no plotting library in a city's back end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 420, 70, 30, 170, 50
_COLOURS = ("#1f4e8c", "#b3541e", "#3c7a3c", "#7a3c7a")
Curve = Sequence[tuple[float, float]]


def roc_svg(curves: Mapping[str, Curve], *, title: str) -> str:
    """Return a ROC picture: false accepts on a logarithmic axis, true accepts upward from the lowest tenth shown."""
    least = min(x for curve in curves.values() for x, _ in curve)
    decades = max(1, math.ceil(-math.log10(least)))
    bottom = math.floor(min(y for curve in curves.values() for _, y in curve) * 20) / 20
    bottom = min(bottom, 0.95)
    body = [_axes(decades, bottom, title)]
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{_x(x, decades):.1f},{_y(y, bottom):.1f}" for x, y in curve)
        body.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
        at = _TOP + 16 + 20 * number
        body.append(f'<text x="{_WIDTH - _RIGHT + 12}" y="{at}" fill="{colour}">{_plain(name)}</text>')
    inner = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' font-family="sans-serif" font-size="12">\n<title>{_plain(title)}</title>\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>\n{inner}\n</svg>\n'
    )


def _axes(decades: int, bottom: float, title: str) -> str:
    lines = [f'<text x="{_LEFT}" y="18" font-size="14">{_plain(title)}</text>']
    for power in range(-decades, 1):
        x = _x(10.0**power, decades)
        lines.append(f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        lines.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">1e{power}</text>')
    for step in range(6):
        share = bottom + (1 - bottom) * step / 5
        y = _y(share, bottom)
        lines.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.1%}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    lines.append(f'<text x="{middle}" y="{_HEIGHT - 12}" text-anchor="middle">false accept rate</text>')
    return "\n".join(lines)


def _x(share: float, decades: int) -> float:
    return _LEFT + (math.log10(max(share, 10.0**-decades)) / decades + 1) * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float, bottom: float) -> float:
    height = _HEIGHT - _TOP - _BOTTOM
    return _TOP + (1 - (max(share, bottom) - bottom) / (1 - bottom)) * height


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
