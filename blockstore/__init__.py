"""The words that the instance and the metadata server share; no I/O but ``run`` and ``waiting``."""

__version__ = "0.1.0"
