"""The secret that keys every fingerprint, as a value; where it is kept is the shell's matter."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from schemas.errors import StillwatchError

ALGORITHM = b"stillwatch/1"
"""Version of every keyed fingerprint: a change of any of their definitions changes this, and with it all of them."""

_SECRET_BYTES = 32


@dataclass(frozen=True)
class FingerprintKey:
    """A key of 32 secret bytes.

    The secret never shows in `repr`. Two keys are equal when their secrets are.

    Raises:
        StillwatchError: the secret does not have 32 bytes.

    >>> FingerprintKey(bytes(32)).id
    '53f44235edc65b69'
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _SECRET_BYTES:
            raise StillwatchError(
                "fingerprint key", f"it has {len(self.secret)} bytes, not {_SECRET_BYTES}", "use the key file as made"
            )

    @property
    def id(self) -> str:
        """Sixteen hex digits that name the key and say nothing about it; a lake remembers them."""
        return self.derive("id")[:8].hex()

    def derive(self, purpose: str) -> bytes:
        """Thirty-two secret bytes for one purpose, independent of those for any other."""
        return self._stream(purpose, 0)[:32]

    def multipliers(self, purpose: str, count: int) -> npt.NDArray[np.uint64]:
        """`count` secret odd 64-bit integers for one purpose."""
        blocks = b"".join(self._stream(purpose, 1 + block) for block in range(-(-count // 8)))
        return np.frombuffer(blocks, dtype="<u8")[:count].astype(np.uint64) | np.uint64(1)

    def _stream(self, purpose: str, block: int) -> bytes:
        message = block.to_bytes(8, "little") + purpose.encode()
        return hashlib.blake2b(message, key=self.secret, person=ALGORITHM).digest()
