"""The same thing with programs: lines for az, curl, Python, JavaScript and Terraform, with real names filled in.

A token or a secret never stands in them: they take it from the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vault.models import Certificate, Operation
from vault.models.policy import PKCS12

API_VERSION: Final = "7.4"
_TOKEN: Final = "CHANCERY_TOKEN"  # noqa: S105 - the name of a variable
_TOKEN_CLASS: Final = f"""import os, time
from azure.core.credentials import AccessToken
{{imports}}

class Token:
    def get_token(self, *scopes, **options):
        return AccessToken(os.environ["{_TOKEN}"], int(time.time()) + 3600)

"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a vault is: its address, where applications sign in, the API's domain with its port, and the CA's file.

    `ca` is empty where clients trust the certificate without.
    """

    vault: str
    address: str
    login: str
    domain: str
    tenant: str
    ca: str

    @property
    def verify(self) -> str:
        """The option with which Azure's libraries for Python trust the CA."""
        return f', connection_verify="{self.ca}"' if self.ca else ""

    @property
    def bundle(self) -> tuple[str, ...]:
        """The line with which az trusts the CA."""
        return (f"export REQUESTS_CA_BUNDLE={self.ca}",) if self.ca else ()

    @property
    def curl(self) -> str:
        """The beginning of every line for curl."""
        trust = f" --cacert {self.ca}" if self.ca else ""
        return f'curl --fail{trust} -H "Authorization: Bearer ${_TOKEN}"'


@dataclass(frozen=True, kw_only=True)
class Program:
    """One way to do it: a title, lines, and what else there is to know."""

    key: str
    title: str
    lines: tuple[str, ...]
    note: str = ""

    @property
    def id(self) -> str:
        """Its element's id in the page."""
        return f"with-{self.key}"

    @property
    def code(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


# ------------------------------------------------------------------- a certificate
def for_certificate(certificate: Certificate, place: Place) -> list[Program]:
    """How programs fetch a certificate: with its key where that may leave, else the certificate alone."""
    version = certificate.current
    if version is None:
        return []
    with_key = version.key is not None and version.key.exportable
    name, is_pfx = certificate.name, version.content_type == PKCS12
    if not with_key:
        return _certificate_alone(name, place)
    file = f"{name}.{'pfx' if is_pfx else 'pem'}"
    secret = f"{place.address}/secrets/{name}"
    encoding = " --encoding base64" if is_pfx else ""
    decoded = " | base64 --decode" if is_pfx else ""
    value = (
        'base64.b64decode(client.get_secret("{name}").value)'
        if is_pfx
        else 'client.get_secret("{name}").value.encode()'
    )
    python = _TOKEN_CLASS.format(
        imports="from azure.keyvault.secrets import SecretClient" + ("\nimport base64" if is_pfx else "")
    )
    return [
        Program(
            key="az",
            title="Azure CLI",
            lines=(*place.bundle, f"az keyvault secret download --id {secret} --file {file}{encoding}"),
            note="Sign az in first, as an application: “Connect an application” says how.",
        ),
        Program(
            key="curl",
            title="curl",
            lines=(f'{place.curl} "{secret}?api-version={API_VERSION}" | jq -r .value{decoded} > {file}',),
        ),
        Program(
            key="python",
            title="Python",
            lines=(
                f'{python}\nclient = SecretClient("{place.address}", Token(){place.verify})',
                f'open("{file}", "wb").write({value.format(name=name)})',
            ),
            note="pip install azure-keyvault-secrets",
        ),
        _terraform(name, "secrets", place, "value"),
    ]


def _certificate_alone(name: str, place: Place) -> list[Program]:
    address = f"{place.address}/certificates/{name}"
    python = _TOKEN_CLASS.format(imports="from azure.keyvault.certificates import CertificateClient")
    return [
        Program(
            key="az",
            title="Azure CLI",
            lines=(*place.bundle, f"az keyvault certificate download --id {address} --file {name}.pem"),
            note="Sign az in first, as an application: “Connect an application” says how.",
        ),
        Program(
            key="curl",
            title="curl",
            lines=(f'{place.curl} "{address}?api-version={API_VERSION}" | jq -r .cer | base64 --decode > {name}.cer',),
        ),
        Program(
            key="python",
            title="Python",
            lines=(
                f'{python}\nclient = CertificateClient("{place.address}", Token(){place.verify})',
                f'open("{name}.cer", "wb").write(client.get_certificate("{name}").cer)',
            ),
            note="pip install azure-keyvault-certificates",
        ),
        _terraform(name, "certificates", place, "cer"),
    ]


def _terraform(name: str, kind: str, place: Place, field: str) -> Program:
    label = name.replace("-", "_") if name[0].isalpha() else f"c_{name.replace('-', '_')}"
    trust = (f'  ca_cert_pem     = file("{place.ca}")',) if place.ca else ()
    return Program(
        key="terraform",
        title="Terraform",
        lines=(
            'variable "token" {',
            "  type      = string",
            "  sensitive = true",
            "}",
            f'data "http" "{label}" {{',
            f'  url             = "{place.address}/{kind}/{name}?api-version={API_VERSION}"',
            '  request_headers = { Authorization = "Bearer ${var.token}" }',
            *trust,
            "}",
            "locals {",
            f"  {label} = sensitive(jsondecode(data.http.{label}.response_body).{field})",
            "}",
        ),
        note="With the provider hashicorp/http. What it reads stands in the state file: keep that like a key.",
    )


# --------------------------------------------------------------------- a request
def for_operation(operation: Operation, place: Place) -> list[Program]:
    """How programs follow a request."""
    name = operation.certificate.name
    address = f"{place.address}/certificates/{name}"
    pending = f"{address}/pending?api-version={API_VERSION}&request_id={operation.request_id.hex}"
    python = _TOKEN_CLASS.format(imports="from azure.keyvault.certificates import CertificateClient")
    return [
        Program(
            key="az",
            title="Azure CLI",
            lines=(*place.bundle, f"az keyvault certificate pending show --vault-name {place.vault} --name {name}"),
            note="Sign az in first, as an application: “Connect an application” says how.",
        ),
        Program(key="curl", title="curl", lines=(f'{place.curl} "{pending}"',)),
        Program(
            key="python",
            title="Python",
            lines=(
                f'{python}\nclient = CertificateClient("{place.address}", Token(){place.verify})',
                f'print(client.get_certificate_operation("{name}").status)',
            ),
            note="pip install azure-keyvault-certificates",
        ),
        _terraform(name, "certificates", place, "attributes"),
    ]


# ------------------------------------------------------------------- from nothing
def to_connect(place: Place) -> list[Program]:
    """Programs that list a vault's certificates, with a token and as an application."""
    token = _TOKEN_CLASS.format(imports="from azure.keyvault.certificates import CertificateClient")
    listing = ("for one in client.list_properties_of_certificates():", "    print(one.name, one.expires_on)")
    return [
        Program(
            key="python",
            title="Python, as an application",
            lines=(
                "import os",
                "from azure.identity import ClientSecretCredential",
                "from azure.keyvault.certificates import CertificateClient",
                "",
                "credential = ClientSecretCredential(",
                f'    "{place.tenant}", os.environ["CHANCERY_CLIENT_ID"], os.environ["CHANCERY_CLIENT_SECRET"],',
                f'    authority="{place.login}", disable_instance_discovery=True{place.verify},',
                ")",
                f'client = CertificateClient("{place.address}", credential{place.verify})',
                *listing,
            ),
            note="pip install azure-identity azure-keyvault-certificates",
        ),
        Program(
            key="python-token",
            title="Python, with a token",
            lines=(f'{token}\nclient = CertificateClient("{place.address}", Token(){place.verify})', *listing),
            note="pip install azure-keyvault-certificates",
        ),
        Program(
            key="curl",
            title="curl, with a token",
            lines=(f'{place.curl} "{place.address}/certificates?api-version={API_VERSION}"',),
        ),
        _az(place),
        _javascript(place),
    ]


def _az(place: Place) -> Program:
    management = f"https://management.{place.domain}/"
    return Program(
        key="az",
        title="Azure CLI, as an application",
        lines=(
            *place.bundle,
            "az cloud register -n Chancery --skip-endpoint-discovery \\",
            f"    --endpoint-active-directory {place.login} \\",
            f"    --endpoint-active-directory-resource-id {management} \\",
            f"    --endpoint-resource-manager {management} \\",
            f"    --suffix-keyvault-dns .{place.domain}",
            "az cloud set -n Chancery",
            "az config set core.instance_discovery=false",
            'az login --service-principal -u "$CHANCERY_CLIENT_ID" -p "$CHANCERY_CLIENT_SECRET" \\',
            f"    --tenant {place.tenant} --skip-subscription-discovery --allow-no-subscriptions",
            f"az keyvault certificate list --id {place.address}",
        ),
    )


def _javascript(place: Place) -> Program:
    return Program(
        key="javascript",
        title="JavaScript, with a token",
        lines=(
            'const { CertificateClient } = require("@azure/keyvault-certificates");',
            f"const token = process.env.{_TOKEN};",
            "const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600e3 }) };",
            f'const client = new CertificateClient("{place.address}", credential);',
            "(async () => {",
            "  for await (const one of client.listPropertiesOfCertificates()) console.log(one.name);",
            "})();",
        ),
        note=f"Node trusts the CA by NODE_EXTRA_CA_CERTS={place.ca}." if place.ca else "",
    )
