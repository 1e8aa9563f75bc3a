"""The core of Suxin: kernel and capabilities, free of any scenario."""

__version__ = "0.1.0"
