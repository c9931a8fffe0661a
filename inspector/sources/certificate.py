"""A TLS certificate for the proxy's own port, for apps that accept only ``wss``. Created by ``trustme`` for each run."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path


def self_signed(names: Sequence[str], authority_file: Path) -> ssl.SSLContext:
    """Return the TLS context of a server, and write the certificate that its clients must trust.

    The authority's private key is never written, so that a client that trusts the file trusts this run only.

    Args:
        names: host names and addresses of the server.
        authority_file: the file for the authority's certificate (PEM).

    Raises:
        OSError: the file cannot be written.
    """
    import trustme  # here: imports cryptography, which is slow to load

    authority = trustme.CA(organization_name="Realtime Inspector proxy, this run only")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])  # the proxy does not speak HTTP/2
    authority.issue_cert(*dict.fromkeys(names)).configure_cert(context)
    authority_file.write_bytes(authority.cert_pem.bytes())
    return context
