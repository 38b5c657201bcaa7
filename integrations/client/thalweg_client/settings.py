"""Where a server is, and how it is asked."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from thalweg_client.errors import SettingError


@dataclass(frozen=True)
class Settings:
    """Where a server is, and how it is asked. Proxies and authorities of the environment are not used.

    :param address: ``https://host:port``, with the path of a proxy if there is one.
    :param token: What ``thalweg serve token`` has shown; absent where the server has none.
    :param verify: Whether its certificate has to be one of a known authority, or a file with authorities.
    :param timeout: Seconds that a connection, and each part of an answer, may take. A server waits ten for an engine.
    :param plaintext: Whether the token may go unencrypted to another machine.
    :param dashboard: Where people find the dashboard, if not at the address.
    """

    address: str
    token: str = field(default="", repr=False)
    verify: bool | str = True
    timeout: float = 15.0
    plaintext: bool = False
    dashboard: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingError(f"address: {self.address!r} is no http:// or https:// address")
        if parts.username is not None or parts.query or parts.fragment:
            # Named without its value: what stands before the @ is a secret.
            raise SettingError("address: it holds a user, a query or a fragment, and takes none of them")
        if any(character.isspace() or ord(character) < 33 or ord(character) > 126 for character in self.token):
            raise SettingError("token: it holds blanks or signs that no token has")
        if not self.timeout > 0:
            raise SettingError(f"timeout: {self.timeout} is not more than 0 seconds")
        if isinstance(self.verify, str) and not Path(self.verify).is_file():
            raise SettingError(f"verify: there is no file {self.verify}")
        if self.token and parts.scheme == "http" and not self.plaintext and not _is_here(parts.hostname):
            raise SettingError(
                f"address: the token would go unencrypted to {parts.hostname}; take https, or allow it with plaintext"
            )

    def url(self, path: str) -> str:
        """The address of a path."""
        return self.address.rstrip("/") + path

    def page(self, engine: str = "", topology: str = "") -> str:
        """The address of the dashboard, or of a topology's page in it, by the topology's id."""
        base = (self.dashboard or self.address).rstrip("/")
        if engine and topology:
            return f"{base}/topologies/{quote(engine, safe='')}/{quote(topology, safe='')}"
        return f"{base}/engines" if engine else base + "/"


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
