"""Where a call came from: the network a caller's address lies in."""

import ipaddress

import polars as pl

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PLAIN = rf"^({_OCTET}\.{_OCTET}\.{_OCTET})\.{_OCTET}$"


def network_prefix(addresses: pl.Series) -> pl.Series:
    """The /24 of an IPv4 and the /48 of an IPv6 address (String); null where the text is no address.

    Ports, brackets, zones and IPv4 mapped into IPv6 are understood; of a list (`X-Forwarded-For`) the first counts.

    >>> network_prefix(pl.Series(["203.0.113.9", "[2001:db8:7::1]:443", "unknown"])).to_list()
    ['203.0.113.0/24', '2001:db8:7::/48', None]
    """
    known = addresses.drop_nulls().unique()
    prefixes = known.str.replace(_PLAIN, "${1}.0/24")
    others = prefixes == known
    if others.any():
        made = pl.Series([_prefix(address) for address in known.filter(others)], dtype=pl.String)
        prefixes = prefixes.scatter(others.arg_true(), made)
    return addresses.replace_strict(known, prefixes, default=None, return_dtype=pl.String)


def _prefix(text: str) -> str | None:
    text = text.split(",", 1)[0].strip()
    if text.startswith("["):
        text = text[1:].split("]", 1)[0]
    elif text.count(":") == 1:
        text = text.split(":", 1)[0]
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 48), strict=False))
        address = address.ipv4_mapped
    head, _, _ = str(address).rpartition(".")
    return f"{head}.0/24"
