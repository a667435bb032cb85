"""One way to turn what the cryptography library raises into our refusals.

The library answers bad input with ValueError, TypeError, UnsupportedAlgorithm, InternalError, InvalidVersion,
DuplicateExtension and others, and a panic in its Rust half arrives as `PanicException`, a BaseException that
`except Exception` does not see.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import (
    InternalError,
    InvalidSignature,
    UnsupportedAlgorithm,
)

from vault.errors import VaultError

_REFUSALS = (
    ValueError,
    TypeError,
    OverflowError,
    LookupError,
    NotImplementedError,
    AssertionError,
    UnsupportedAlgorithm,
    InternalError,
    InvalidSignature,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def is_refusal(error: BaseException) -> bool:
    """Whether `error` is the library's way of saying no, a Rust panic included."""
    return isinstance(error, _REFUSALS) or type(error).__name__ == "PanicException"


@contextlib.contextmanager
def refusing(refusal: VaultError) -> Iterator[None]:
    """Raise `refusal` for whatever the library raises inside.

    Our own refusals pass unchanged. The library's words are dropped with its traceback, for they may quote input.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, VaultError) or not is_refusal(error):
            raise
        raise refusal from None
