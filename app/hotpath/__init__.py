"""The compiled hot path: a few core reads answered without Flask, equal to their ordinary answers."""

from app.hotpath.declare import HotRead, hot_read
from app.hotpath.serve import install

__all__ = ["HotRead", "hot_read", "install"]
