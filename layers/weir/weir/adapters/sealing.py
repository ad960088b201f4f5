"""Sealing: what is stored sealed can be read only by whoever has the secret it was sealed with.

XChaCha20-Poly1305 of libsodium by PyNaCl, which is imported with the first use: only a request that
comes with an Idempotency-Key needs it (ADR 0011).
"""


class SealBrokenError(ValueError):
    """A sealed content was changed, or was sealed with another secret."""


def load_cipher() -> None:
    """Load what sealing needs: a process without it must fail before an answer is paid for."""
    import nacl.secret  # noqa: F401, PLC0415


def seal(content: bytes, *, secret: bytes) -> bytes:
    """Encrypt and authenticate a content.

    Args:
        content: What nobody may read.
        secret: 32 bytes.
    """
    from nacl.secret import Aead  # noqa: PLC0415

    return bytes(Aead(secret).encrypt(content))


def unseal(sealed: bytes, *, secret: bytes) -> bytes:
    """Return what was sealed.

    Raises:
        SealBrokenError: It is not what this secret sealed.
    """
    from nacl.exceptions import CryptoError  # noqa: PLC0415
    from nacl.secret import Aead  # noqa: PLC0415

    try:
        return Aead(secret).decrypt(sealed)
    except CryptoError as error:
        raise SealBrokenError("a sealed content cannot be opened") from error
