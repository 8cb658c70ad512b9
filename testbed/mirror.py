"""Where the guests' packages come from: the Debian archive that this machine's apt already uses."""

from testbed.command import run

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_FORMAT = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"


class NoDebianArchive(Exception):
    """apt on this machine has no Debian archive among its sources."""


def sources(suite: str, index_targets: str) -> str:
    """The guest's sources.list for `suite`, from lines of `origin|label|URI` as apt gives them.

    The security archive is taken along where the host has it: without it a guest's cloud-init is older than its users'.
    """
    archives: dict[str, str] = {}
    for line in index_targets.splitlines():
        origin, label, uri = line.split("|", 2)
        if origin == "Debian":
            archives.setdefault(label, uri)
    if "Debian" not in archives:
        raise NoDebianArchive("apt's sources name no Debian archive (add one, then run `apt-get update`)")
    wanted = [(archives["Debian"], suite), (archives["Debian"], f"{suite}-updates")]
    if "Debian-Security" in archives:
        wanted.append((archives["Debian-Security"], f"{suite}-security"))
    return "".join(f"deb [signed-by={KEYRING}] {uri} {release} main\n" for uri, release in wanted)


def host_sources(suite: str) -> str:
    """`sources` for this machine."""
    listing = run(["apt-get", "indextargets", "--format", _FORMAT, "Created-By: Packages", "Component: main"])
    return sources(suite, listing.decode())
