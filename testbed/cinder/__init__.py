"""A real Cinder of one's own: cinder-api, -scheduler and -volume, without Keystone, RabbitMQ or device-mapper."""

from testbed.cinder.local import LocalCinder

__all__ = ["LocalCinder"]
