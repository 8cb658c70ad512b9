"""A real Cinder: cinder-api, -scheduler and -volume, with Keystone or without, never with RabbitMQ or device-mapper."""

from testbed.cinder.local import LocalCinder
from testbed.cinder.secured import SecuredCinder

__all__ = ["LocalCinder", "SecuredCinder"]
