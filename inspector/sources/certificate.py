"""A certificate for the proxy's own port, for apps that insist on TLS. Made anew for each run, by ``trustme``."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path


def self_signed(names: Sequence[str], authority_file: Path) -> ssl.SSLContext:
    """Return the TLS context of a server, and write the certificate that its clients must trust.

    The authority's key is never written: whoever trusts the file trusts this run alone.

    Args:
        names: host names and addresses that the certificate is for.
        authority_file: where the authority's certificate (PEM) is written.

    Raises:
        OSError: it cannot be written.
    """
    import trustme

    authority = trustme.CA(organization_name="Realtime Inspector proxy, this run only")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    authority.issue_cert(*dict.fromkeys(names)).configure_cert(context)
    authority_file.write_bytes(authority.cert_pem.bytes())
    return context
