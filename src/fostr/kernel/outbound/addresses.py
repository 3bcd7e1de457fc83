"""Which network addresses may be connected to: the public internet, and what the operator adds to it."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Spelt out, after the registries of special-purpose addresses at IANA: the standard library's is_global says
# different things in different versions of Python, and yes to multicast.
_REFUSED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host, this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' private
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform, from inside its machines
        "169.254.0.0/16",  # link-local: metadata of cloud machines
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, among them metadata at Oracle
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnelling
        "192.88.99.0/24",  # former 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, among them Teredo, which carries any IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
# An IPv6-only network reaches IPv4 through these, so they count as the address that they carry.
_NAT64: Final = IPv6Network("64:ff9b::/96")

PRIVATE_NETWORKS: Final[tuple[Network, ...]] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
)
"""What `allow_private_addresses` opens. Link-local stays closed: a cloud machine's credentials live there."""

# 127.1, 0x7f.1, 017700000001 and 2130706433 are addresses to some resolvers and names to others.
_NUMERIC_HOST: Final = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)\.?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses may be connected to: public ones, and those in the operator's networks."""

    networks: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Say whether this address may be connected to."""
        meant = _unwrap(address)
        return is_public(meant) or any(meant in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Say whether an address belongs to one host on the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _REFUSED_V6)


def read_address(host: str) -> Address | None:
    """Return the address that a host is written as, in its usual form, or None for anything else."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_numeric(host: str) -> bool:
    """Say whether a host is a number rather than a name, in however odd a form."""
    return _NUMERIC_HOST.fullmatch(host) is not None


def _unwrap(address: Address) -> Address:
    if isinstance(address, IPv6Address) and address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
