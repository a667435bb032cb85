"""Adapters of both platforms, built for a stand-in, and requests to give them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.pki.authority import make_csr
from tests.vault.lifecycle.cas import _webs
from vault.providers.base import AddressRules, Administrator, CertRequest, Names, Provider, Ref, Setup
from vault.providers.globalsign import OFFER
from vault.simulators.kit import Simulator
from vault.x509.requests import describe_csr

ADA = Administrator(first_name="Ada", last_name="Lind", email="pki@example.org", phone="+46 8 123 456")

_built: list[Provider] = []


class Nothing:
    """What these adapters do not use."""

    def load(self) -> None: ...
    def keep(self, before: Any, now: Any) -> bool: ...
    def put_up(self, token: str, key_authorization: str) -> None: ...
    def take_down(self, token: str) -> None: ...


class Clock:
    """The adapter's clock: the real time, moved by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def build(simulator: Simulator, *, clock: Clock | None = None, contact: Administrator = ADA, **values: str) -> Provider:
    defaults = {field.name: field.default for field in OFFER.fields}
    given = {**defaults, **simulator.values(), **values}
    secret = {field.name for field in OFFER.fields if field.secret}
    adapter = OFFER.build(
        Setup(
            config={name: value for name, value in given.items() if name not in secret},
            secrets={name: value for name, value in given.items() if name in secret},
            administrators=(contact,),
            rules=AddressRules(loopback=True),
            memory=Nothing(),
            board=Nothing(),
            now=clock or Clock(),
        )
    )
    _built.append(adapter)
    return adapter


def close_connections() -> None:
    """Close what adapters keep open; one that is used again opens new connections."""
    for adapter in _built:
        for web in _webs(adapter):
            if pool := web._kept.pop("pool", None):
                pool.close()


def request(*dns: str, subject: str = "", csr: bytes = b"", **facts: Any) -> CertRequest:
    dns = dns or ("www.example.org",)
    csr = csr or make_csr(*dns, subject=subject or f"CN={dns[0]}")
    start = datetime.now(UTC)
    values = {
        "operation_id": "5b1f3c2e",
        "csr": csr,
        "not_before": start,
        "not_after": start + timedelta(days=90),
        "spki_sha256": describe_csr(csr).spki_sha256,
        "names": Names(common_name=dns[0], dns=dns),
        "validity_days": 90,
    }
    return CertRequest(**{**values, **facts})


def order(adapter: Provider, asked: CertRequest) -> tuple[Any, Ref]:
    """Order, and return the outcome and the one reference that was saved."""
    saved: list[Ref] = []
    outcome = adapter.submit(asked, saved.append)
    assert len(saved) == 1
    return outcome, saved[0]


def poll(adapter: Provider, asked: CertRequest, ref: Ref) -> Any:
    return adapter.poll(asked, ref, lambda _: None)
