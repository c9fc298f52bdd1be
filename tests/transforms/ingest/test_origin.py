import ipaddress

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.ingest.origin import network_prefix


def prefix(text: str) -> str | None:
    return network_prefix(pl.Series([text]))[0]


@given(st.ip_addresses(v=4))
def test_ipv4_is_known_by_its_24(address: ipaddress.IPv4Address) -> None:
    assert prefix(str(address)) == str(ipaddress.ip_network((address, 24), strict=False))


@given(st.ip_addresses(v=6))
def test_ipv6_is_known_by_its_48(address: ipaddress.IPv6Address) -> None:
    if address.ipv4_mapped is None:
        assert prefix(str(address)) == str(ipaddress.ip_network((address, 48), strict=False))
    else:
        assert prefix(str(address)) == prefix(str(address.ipv4_mapped))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.9:443", "203.0.113.0/24"),
        ("[2001:db8::1]:443", "2001:db8::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("203.0.113.9, 10.0.0.1", "203.0.113.0/24"),
        ("203.0.113.256", None),
        ("203.0.113.09", None),
        ("proxy.example.com", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_addresses_as_logs_write_them(text: str, expected: str | None) -> None:
    assert prefix(text) == expected


def test_unknown_addresses_stay_unknown() -> None:
    assert network_prefix(pl.Series([None, "203.0.113.9", None], dtype=pl.String)).to_list() == [
        None,
        "203.0.113.0/24",
        None,
    ]
