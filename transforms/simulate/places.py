"""Where calls come from: networks, user agents, client fingerprints, keys and end users."""

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.simulate.calls import Calls
from transforms.simulate.chance import Flags, Ints, Keys, mixed

AGENTS: dict[str, tuple[str, ...]] = {
    "sdk": tuple(f"OpenAI/Python 1.{minor}.0" for minor in range(40, 72, 2))
    + tuple(f"OpenAI/JS 4.{minor}.1" for minor in range(60, 90, 3)),
    "script": ("python-requests/2.31.0", "python-requests/2.32.3", "aiohttp/3.9.5", "aiohttp/3.10.2", "Go-http-client/2.0",
               "curl/8.5.0", "axios/1.7.2", "okhttp/4.12.0", "python-httpx/0.27.0", "Java-http-client/21.0.2"),
    "browser": tuple(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/{v}.0.0.0 Safari/537.36" for v in range(128, 141))
    + tuple(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_{v}) Safari/605.1.15" for v in range(1, 7)),
    "app": tuple(f"VegaChat/6.{v} (iOS 18.{v % 5})" for v in range(9)) + tuple(f"VegaChat/6.{v} (Android 15)" for v in range(9)),
    "coder": (*tuple(f"pair-cli/1.{v}.0 node/20.{v % 7}.0" for v in range(20)), "opencrate/0.9.2", "opencrate/0.9.4"),
    "agent": ("lodestar/3.4.1 node/22.1.0", "lodestar/3.4.2 node/22.1.0"),
    "framework": (*tuple(f"chainweaver/0.{v}.0 python/3.12" for v in range(10)), "crewline/2.1.0", "crewline/2.2.3"),
}  # fmt: skip
"""User agents by family; an account keeps to a few of one family."""


def places(calls: Calls) -> pl.DataFrame:
    """source_ip, user_agent, client_fingerprint, api_key_id, end_user_id and conversation_id of each call."""
    chance = calls.chance
    day = (calls.seconds // 86_400).astype(np.int64)
    spot = np.where(calls.of("moves_daily"), day, chance.below("network", calls.of("networks")))
    # Sites are numbered apart from accounts.
    site = np.where(calls.of("site") >= 0, calls.of("site") + 2**40, calls.account)
    network = mixed(calls.seed, "network", site, spot) % np.uint64(65_536)
    address = network * np.uint64(256) + mixed(calls.seed, "host", calls.account, spot) % np.uint64(250)

    version = chance.below("client", calls.of("clients"))
    own = calls.of("fingerprint") >= 0
    variant = mixed(calls.account, "variant") % np.maximum(calls.of("fingerprints"), 1).astype(np.uint64)
    software = calls.of("fingerprint") + variant.astype(np.int64) * 2**33
    # Heads of one pool that share a fingerprint share the software as well.
    agents = _agents(calls, version, np.where(own, software, site))
    made = mixed(calls.seed, "fingerprint", software)
    common = mixed("fingerprint", agents.hash(0).to_numpy() % np.uint64(60))
    fingerprint = np.where(own, made, common)

    key = mixed(calls.seed, "key", calls.account, chance.below("key", calls.of("keys")))
    users = calls.of("end_users")
    user = mixed(
        calls.seed, "user", calls.account, (users * calls.session_chance.uniform("user") ** 2).astype(np.int64)
    )
    named = calls.session_chance.happens("conversation", calls.of("conversations"))
    return pl.DataFrame(
        {
            "source_ip": _dotted(address),
            "user_agent": agents,
            "client_fingerprint": hexadecimal("t13d1516h2_", fingerprint),
            "api_key_id": hexadecimal("", key),
            "end_user_id": hexadecimal("user-", user, users > 0),
            "conversation_id": hexadecimal("conv-", calls.session_chance.key("conversation name"), named),
        }
    )


def _agents(calls: Calls, version: Ints, whose: Ints) -> pl.Series:
    names = [(family, agent) for family, agents in AGENTS.items() for agent in agents]
    table = pl.Series([agent for _, agent in names])
    first = {family: next(i for i, (f, _) in enumerate(names) if f == family) for family in AGENTS}
    family = calls.names("client")
    start = family.replace_strict(first, return_dtype=pl.Int64).to_numpy()
    size = family.replace_strict({f: len(a) for f, a in AGENTS.items()}, return_dtype=pl.Int64).to_numpy()
    pick = mixed(calls.seed, "agent", whose, version) % size.astype(np.uint64)
    return table.gather(start + pick.astype(np.int64))


def _dotted(address: Keys) -> pl.Series:
    part = {
        name: pl.Series((address >> np.uint64(shift)) & np.uint64(255))
        for name, shift in (("b", 16), ("c", 8), ("d", 0))
    }
    return pl.DataFrame(part).select(pl.format("10.{}.{}.{}", pl.col("b"), pl.col("c"), pl.col("d") + 2).alias("ip"))[
        "ip"
    ]


def hexadecimal(prefix: str, keys: Keys, known: Flags | None = None) -> pl.Series:
    """The keys as 16 hex digits after a prefix; null where not known."""
    start = np.frombuffer(prefix.encode(), dtype=np.uint8)
    text = np.empty((len(keys), len(start) + 16), dtype=np.uint8)
    text[:, : len(start)] = start
    text[:, len(start) :] = _DIGITS[(keys[:, None] >> _SHIFTS) & np.uint64(15)]
    ends = np.arange(len(keys) + 1, dtype=np.int64) * text.shape[1]
    names = pl.Series(pa.LargeStringArray.from_buffers(len(keys), pa.py_buffer(ends), pa.py_buffer(text.ravel())))
    if known is None:
        return names
    return names.zip_with(pl.Series(known), pl.Series([None], dtype=pl.String).new_from_index(0, len(names)))


_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_SHIFTS = np.arange(60, -4, -4, dtype=np.uint64)
