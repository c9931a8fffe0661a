"""A certificate for this machine's own servers, made anew for each run. ``trustme`` is imported when one is asked for.

The authority that signs it lives for that run only; its certificate is what clients are told to trust, and all that is
written to disk. The private keys are not.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from pathlib import Path

from inspector.errors import ConnectError

MODE = 0o644
"""A certificate is public."""
_NAMES = ("localhost", "127.0.0.1", "::1")


class LocalCertificate:
    """What a server shows, and what its clients must trust."""

    def __init__(self, host: str) -> None:
        """Make one.

        Args:
            host: the name or address that the server listens on, besides those of loopback.

        Raises:
            ConnectError: the library that makes certificates is not installed.
        """
        try:
            import trustme
        except ImportError as error:
            raise ConnectError(
                "a certificate cannot be made: trustme is not installed",
                code="no_tls",
                hint="pip install trustme",
            ) from error
        authority = trustme.CA(organization_name="Realtime Inspector")
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        """For the listening socket."""
        own = () if _is_every_address(host) else (host,)
        authority.issue_cert(*dict.fromkeys((*own, *_NAMES))).configure_cert(self.context)
        self._pem: bytes = authority.cert_pem.bytes()

    def write(self, path: Path) -> None:
        """Write what clients must trust, as PEM; a file of an earlier run is replaced.

        Raises:
            ConnectError: the disk refuses.
        """
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(self._pem)
            draft.chmod(MODE)
            draft.replace(path)
        except OSError as error:
            raise ConnectError(
                f"cannot write the certificate to {path}: {error.strerror or error}", code="no_tls"
            ) from error


def _is_every_address(host: str) -> bool:
    """Tell whether a host stands for all addresses of the machine, which no certificate can be for."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host
