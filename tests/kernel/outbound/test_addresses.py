"""Which addresses are public: every special range is refused, in every way of writing it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel.outbound.addresses import (
    PRIVATE_NETWORKS,
    AddressPolicy,
    is_numeric,
    is_public,
    read_address,
)

public_only = AddressPolicy()
private_too = AddressPolicy(PRIVATE_NETWORKS)

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.0.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"]
PRIVATE = ["10.0.0.1", "127.0.0.1", "127.255.255.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"]
PRIVATE_V6 = ["::1", "fc00::1", "fd00:ec2::254"]
NEVER = [
    "0.0.0.0",  # noqa: S104 - judged, not bound
    "0.1.2.3",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_address_is_allowed_to_everybody(text: str) -> None:
    assert public_only.allows(ip_address(text))
    assert private_too.allows(ip_address(text))


@pytest.mark.parametrize("text", [*PRIVATE, *PRIVATE_V6])
def test_private_address_is_allowed_by_the_operator_alone(text: str) -> None:
    assert not public_only.allows(ip_address(text))
    assert private_too.allows(ip_address(text))


@pytest.mark.parametrize("text", NEVER)
def test_special_address_is_never_allowed(text: str) -> None:
    assert not public_only.allows(ip_address(text))
    assert not private_too.allows(ip_address(text))


@given(st.ip_addresses())
def test_what_is_public_to_us_is_global_to_python_and_to_one_host(address: IPv4Address | IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(st.ip_addresses(v=4))
def test_address_behind_nat64_is_judged_as_what_it_carries(address: IPv4Address) -> None:
    carried = IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))
    assert public_only.allows(carried) == public_only.allows(address)


@given(st.ip_addresses(v=4))
def test_tunnels_and_mapped_forms_carry_nothing(address: IPv4Address) -> None:
    for carrier in (
        int(IPv6Address("::")) + int(address),
        int(IPv6Address("::ffff:0:0")) + int(address),
        int(IPv6Address("2002::")) + (int(address) << 80),
        int(IPv6Address("2001::")) + int(address),
    ):
        assert not public_only.allows(IPv6Address(carrier))


def test_operators_own_network_is_opened_and_its_neighbour_is_not() -> None:
    policy = AddressPolicy((ip_network("127.0.0.2/32"),))
    assert policy.allows(ip_address("127.0.0.2"))
    assert not policy.allows(ip_address("127.0.0.1"))
    assert not policy.allows(ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "0x7F000001", "017700000001", "0177.0.0.1", "127.0.0.1.", "1.", "0x"]
)
def test_odd_form_of_an_address_is_a_number_and_no_address(host: str) -> None:
    assert is_numeric(host)
    assert read_address(host) is None


@pytest.mark.parametrize("host", ["example.org", "1.example.org", "x7f.1x", "1e100.net", "0x7f.example", "a"])
def test_name_with_digits_is_no_number(host: str) -> None:
    assert not is_numeric(host)
    assert read_address(host) is None
