"""A small CA on loopback and its offer, for tests of issuers: it knows accounts and organisations, and issues nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from vault.providers.base import (
    Can,
    CancelResult,
    CertRequest,
    Check,
    CheckLine,
    Checkpoint,
    FieldKind,
    FormField,
    Lookup,
    Offer,
    Outcome,
    Provider,
    ProviderError,
    Ref,
    Setup,
)
from vault.providers.web import Purpose, Web

KEY, ORGANISATIONS = "k3y-of-the-account", (("17", "Example AB"), ("18", "Other AB"))
CANARY = "c4nary-that-nobody-may-see"


class ExampleServer:
    """Answers `/me` and `/organisations` to whoever has the key; `wait` makes it hang until it is stopped."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.wait = False
        self.go_on = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                key = self.headers.get("X-Key", "")
                server.calls.append((self.path, key))
                if server.wait:
                    server.go_on.wait(20)
                found: Any = {"/me": {"account": "1122"}, "/organisations": ORGANISATIONS}[self.path]
                status, body = (200, found) if key == KEY else (401, {"error": f"bad key\u202e {CANARY[:6]}"})
                octets = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True, kw_only=True)
class ExampleCA(Provider):
    """Asks for an account and its organisations."""

    title: ClassVar[str] = "Example CA"
    can: ClassVar[Can] = Can.NONE
    give_up_after: ClassVar[timedelta | None] = None
    web: Web
    account: str

    @classmethod
    def build(cls, setup: Setup) -> Provider:
        headers = {"X-Key": setup.secrets.get("password", "")}
        web = Web(title=cls.title, base=setup.config["address"], rules=setup.rules, headers=headers)
        return cls(web=web, account=setup.config["account_id"])

    def check(self) -> Check:
        try:
            answer = self.web.call("GET", "me", purpose=Purpose.READ)
        except ProviderError as error:
            return Check(lines=(CheckLine(ok=False, text=str(error)),))
        found = self.web.json(answer, Purpose.READ)
        if answer.status != 200:
            return Check(lines=(CheckLine(ok=False, text=f"Example CA refuses the key: {found['error']}"),))
        same = found["account"] == self.account
        lines = (CheckLine(ok=True, text=f"The key belongs to the account {found['account']}."),)
        return Check(lines=lines if same else (*lines, CheckLine(ok=False, text="The account is another one.")))

    def choices(self, field_name: str) -> Sequence[tuple[str, str]]:
        assert field_name == "organisation_id"
        answer = self.web.call("GET", "organisations", purpose=Purpose.READ)
        return [(value, label) for value, label in self.web.json(answer, Purpose.READ)]

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        raise NotImplementedError

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        raise NotImplementedError

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        raise NotImplementedError

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        raise NotImplementedError


OFFER = Offer(
    key="Example",
    title="Example CA",
    about="Issues examples.",
    certificate_types=("OV-SSL",),
    fields=(
        FormField(name="address", label="Address", kind=FieldKind.ADDRESS, default="https://ca.example.org"),
        FormField(name="account_id", label="Account"),
        FormField(name="password", label="API key", kind=FieldKind.SECRET, help="From your account."),
        FormField(name="organisation_id", label="Organisation", dynamic=True, required=False),
        FormField(
            name="kind",
            label="Interface",
            kind=FieldKind.CHOICE,
            choices=(("rest", "REST"), ("soap", "SOAP")),
            default="rest",
        ),
        FormField(name="profile", label="Profile", only_when=("kind", "soap")),
        FormField(
            name="soap_address",
            label="SOAP address",
            kind=FieldKind.ADDRESS,
            default="https://soap.example.org",
            only_when=("kind", "soap"),
        ),
        FormField(name="terms", label="The terms", kind=FieldKind.BOOLEAN, default="yes", only_when=("kind", "soap")),
        FormField(name="fast", label="Skip approval", kind=FieldKind.BOOLEAN, required=False, default="yes", more=True),
        FormField(name="roots", label="Roots to trust", kind=FieldKind.PEM, required=False, more=True),
        FormField(name="client_key", label="Client key", kind=FieldKind.PEM, secret=True, required=False, more=True),
    ),
    build=ExampleCA.build,
    administrator=True,
    warning="It is an example.",
)

# An offer that the wire cannot fill: its address has no default and no name there.
DIRECTORY = Offer(
    key="Directory",
    title="Directory CA",
    about="Asks for a directory.",
    fields=(FormField(name="directory", label="Directory", kind=FieldKind.ADDRESS),),
    build=ExampleCA.build,
)
