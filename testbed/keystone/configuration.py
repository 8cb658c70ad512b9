"""The file that Keystone is told everything by, and the folders that it wants."""

from pathlib import Path

KEYSTONE = """\
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.sqlite
[token]
provider = fernet
expiration = {lifetime}
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/receipts
[credential]
key_repository = {folder}/credential
[cache]
backend = dogpile.cache.memory
[identity]
# bcrypt's least work: the strength of passwords is not what is tested.
password_hash_rounds = 4
"""
DAY = 24 * 3600


def write(folder: Path, *, lifetime: int = DAY) -> Path:
    """``lifetime`` (seconds) is that of a token."""
    for name in ("fernet", "receipts", "credential"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    file = folder / "keystone.conf"
    file.write_text(KEYSTONE.format(folder=folder, lifetime=lifetime))
    return file
