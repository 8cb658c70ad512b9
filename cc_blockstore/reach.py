"""How the document's metadata service is reached."""

from __future__ import annotations

from cc_blockstore.client import MetadataClient
from cc_blockstore.document.parse import Document
from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine


def client_of(document: Document, machine: Machine) -> MetadataClient | None:
    """The client of the document's metadata service; None in static mode. A PEM given as text is put into a file."""
    if not document.endpoint:
        return None
    return MetadataClient(document.endpoint, document.token, ca_cert=certificate_of(document, machine))


def certificate_of(document: Document, machine: Machine) -> str:
    """The path of the certificates that the service is known by, "" for the system's."""
    if not document.ca_cert.lstrip().startswith("-----BEGIN"):
        return document.ca_cert
    path = machine.paths.run / "ca.pem"
    files.write(path, document.ca_cert, 0o644)
    return str(path)
