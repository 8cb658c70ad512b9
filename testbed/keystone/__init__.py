"""A real Keystone of one's own: SQLite, fernet tokens, one process."""

from testbed.keystone.administrator import Administrator, Credential, User
from testbed.keystone.local import DOMAIN, REGION, LocalKeystone

__all__ = ["DOMAIN", "REGION", "Administrator", "Credential", "LocalKeystone", "User"]
