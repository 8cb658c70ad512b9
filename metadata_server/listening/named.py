"""Whether the files serve that the configuration names for the listeners."""

from __future__ import annotations

from blockstore.reader import Faults
from metadata_server.listening import certificate
from metadata_server.listening.settings import HttpSettings


def check(http: HttpSettings, faults: Faults) -> None:
    """Note each that does not, by its key."""
    for tls, path in ((http.instance_tls, "instance.tls"), (http.operator_tls, "operator.tls")):
        if tls is not None:
            certificate.check(tls, path, faults)
    for index, proxy in enumerate(http.proxies):
        if proxy.secret_file is not None and (problem := certificate.secret_fault(proxy.secret_file)):
            faults.add(f"instance.proxies[{index}].secret_file", problem)
