"""Which addresses are of the open internet, also where one is written inside another."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

_OPEN_V6 = ipaddress.ip_network("2000::/3")
"""All that was ever given out; what lies outside leads to this machine, its network, or through a gateway of it."""
_RELAYS = (ipaddress.ip_network("192.88.99.0/24"), ipaddress.ip_network("2001::/32"))
"""Anycast of 6to4, and Teredo: where they lead is decided by whoever answers first."""
_LAST_FOUR = (
    ipaddress.ip_network("::ffff:0:0/96"),
    ipaddress.ip_network("::ffff:0:0:0/96"),
    ipaddress.ip_network("64:ff9b::/96"),
)
"""An IPv4 address in the last four bytes: mapped, translated (SIIT), and behind NAT64."""
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_ISATAP = (0x00005EFE, 0x02005EFE)
_FOUR_BYTES = 0xFFFFFFFF


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet: not of this machine, its network, or a way round to them.

    An IPv6 address that holds one of IPv4 is public when both are.

    >>> is_public("93.184.215.14"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1"), is_public("169.254.169.254")
    (True, False, False, False)
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if not all(_is_open(inner) for inner in _within(found)):
        return False
    # What only translates has no address of its own.
    return any(found in network for network in _LAST_FOUR) or _is_open(found)


def _is_open(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if any(address in network for network in _RELAYS):
        return False
    if address in _SIX_TO_FOUR:
        # Python calls all of it private, or not, by its version.
        return True
    is_given_out = isinstance(address, ipaddress.IPv4Address) or address in _OPEN_V6
    return is_given_out and address.is_global and not address.is_multicast


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The addresses of IPv4 that one of IPv6 holds."""
    number = int(address)
    if isinstance(address, ipaddress.IPv4Address):
        return
    if any(address in network for network in _LAST_FOUR) or (number >> 32) & _FOUR_BYTES in _ISATAP:
        yield ipaddress.IPv4Address(number & _FOUR_BYTES)
    if address in _SIX_TO_FOUR:
        yield ipaddress.IPv4Address((number >> 80) & _FOUR_BYTES)
