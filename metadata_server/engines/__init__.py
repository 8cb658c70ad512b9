"""Who owns the volumes: this server itself, or a real Cinder. What an instance sees is the same."""

from metadata_server.engines.protocol import Engine, SharedServices, VolumeService

__all__ = ["Engine", "SharedServices", "VolumeService"]
