"""What part of the network an address is in, and from where a redirect may lead there.

A server that anybody can set up must not make us ask one that only we reach: the services of this machine, of its
network, or the credentials of a cloud (169.254.169.254).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal

Zone = Literal["public", "private", "loopback", "link-local"]

#: Where a redirect of a server in a zone may lead: outward, or to the same zone.
_LEADS_TO: Final[dict[Zone, frozenset[Zone]]] = {
    "public": frozenset({"public"}),
    "private": frozenset({"public", "private"}),
    "loopback": frozenset({"public", "private", "loopback"}),
    "link-local": frozenset({"public", "private", "link-local"}),
}
#: Networks whose last four bytes are an IPv4 address that a gateway asks (RFC 6052, RFC 8215).
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/96"))


def zone_of(address: str) -> Zone:
    """The zone of an IP address; what is neither public nor one of the others counts as private."""
    found = _inner(ip_address(address.partition("%")[0]))
    if found.is_loopback or found.is_unspecified:
        return "loopback"
    if found.is_link_local:
        return "link-local"
    return "public" if found.is_global and not found.is_multicast else "private"


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside of an IPv6 one, where it leads there."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def refused(seen: Iterable[Zone], zone: Zone) -> Zone | None:
    """The zone of those seen on the way from which no redirect may lead to ``zone``; None when it may."""
    return next((each for each in seen if zone not in _LEADS_TO[each]), None)


def zones_of_host(host: str, port: int) -> set[Zone]:
    """The zones of all addresses of a host. Raises OSError when it has none."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return {zone_of(str(address[0])) for *_, address in found}


def zone_of_peer(connected: socket.socket) -> Zone:
    """The zone of what a socket is connected to, whatever its name resolved to before."""
    return zone_of(str(connected.getpeername()[0]))
