"""The compiled hot path: a few core reads answered without Flask, equal to their ordinary answers."""

from app.hotpath.declare import HotRead, hot_read
from app.hotpath.serve import install
from app.hotpath.write import HotWrite, hot_write

__all__ = ["HotRead", "HotWrite", "hot_read", "hot_write", "install"]
