"""What to do with a file once it is downloaded: a sentence and the lines of configuration, real names filled in."""

from __future__ import annotations

from dataclasses import dataclass

from vault.lifecycle import exporting
from vault.lifecycle.exporting import Format
from vault.models import Version


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one format is used: `title` says where the lines go, `note` what else there is to know."""

    format: Format
    title: str
    text: str
    lines: tuple[str, ...]
    note: str = ""

    @property
    def id(self) -> str:
        """Its element's id in the page."""
        return f"use-{self.format.value}"

    @property
    def code(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def recipes(version: Version) -> list[Recipe]:
    """The recipes of all formats, in the order in which they are offered."""
    return [_recipe(version, one) for one in Format]


def _recipe(version: Version, as_: Format) -> Recipe:
    name, file = version.certificate.name, exporting.name_with_key(version, as_)
    match as_:
        case Format.NGINX:
            return _nginx(name)
        case Format.APACHE:
            return _apache(name, has_chain=bool(version.chain))
        case Format.HAPROXY:
            return _haproxy(file)
        case Format.PFX:
            return _windows(file)
        case Format.JAVA:
            return _java(file)
        case Format.PFX_LEGACY:
            return _old_windows(file)
        case Format.PEM:
            return _pem(file)
        case Format.PEM_ENCRYPTED:
            return _pem_encrypted(file)


def _nginx(name: str) -> Recipe:
    return Recipe(
        format=Format.NGINX,
        title="In the server block of nginx",
        text="Unpack the ZIP in /etc/nginx/tls, add these lines, and reload nginx.",
        lines=(
            f"ssl_certificate     /etc/nginx/tls/{name}/fullchain.pem;",
            f"ssl_certificate_key /etc/nginx/tls/{name}/privkey.pem;",
        ),
    )


def _apache(name: str, *, has_chain: bool) -> Recipe:
    old = f"Apache before 2.4.8 also needs SSLCertificateChainFile /etc/apache2/tls/{name}/chain.pem."
    return Recipe(
        format=Format.APACHE,
        title="In the VirtualHost of Apache",
        text="Unpack the ZIP in /etc/apache2/tls, add these lines, and reload Apache.",
        lines=(
            f"SSLCertificateFile    /etc/apache2/tls/{name}/fullchain.pem",
            f"SSLCertificateKeyFile /etc/apache2/tls/{name}/privkey.pem",
        ),
        note=old if has_chain else "",
    )


def _haproxy(file: str) -> Recipe:
    return Recipe(
        format=Format.HAPROXY,
        title="In haproxy.cfg",
        text="Put the file into /etc/haproxy/certs, add the bind line to your frontend, and reload HAProxy.",
        lines=("frontend https", f"    bind :443 ssl crt /etc/haproxy/certs/{file}"),
    )


def _windows(file: str) -> Recipe:
    return Recipe(
        format=Format.PFX,
        title="In PowerShell, as administrator",
        text="These lines ask for the password and import the file. Then choose it in the bindings of the site in IIS.",
        lines=(
            "$password = Read-Host -AsSecureString",
            f"Import-PfxCertificate {file} -CertStoreLocation Cert:\\LocalMachine\\My -Password $password",
        ),
        note="On a Mac, open the file with Keychain Access. In Azure and on appliances, upload it as it is.",
    )


def _java(file: str) -> Recipe:
    return Recipe(
        format=Format.JAVA,
        title="In application.properties of Spring Boot",
        text="The file is the keystore. Its password goes into the environment, as SERVER_SSL_KEY_STORE_PASSWORD.",
        lines=(f"server.ssl.key-store=/etc/app/{file}", "server.ssl.key-store-type=PKCS12"),
        note="Tomcat takes it as certificateKeystoreFile. Java before 8u301 and 11.0.12 needs “Old Windows or Java”.",
    )


def _old_windows(file: str) -> Recipe:
    return Recipe(
        format=Format.PFX_LEGACY,
        title="In a command prompt, as administrator",
        text="This line asks for the password and imports the file. Delete the file afterwards.",
        lines=(f"certutil -importpfx {file}",),
    )


def _pem(file: str) -> Recipe:
    return Recipe(
        format=Format.PEM,
        title="In a shell",
        text="Nobody but its owner should be able to read this file.",
        lines=(f"chmod 600 {file}",),
        note="Inside: the private key, the certificate, then the certificates of its CA.",
    )


def _pem_encrypted(file: str) -> Recipe:
    return Recipe(
        format=Format.PEM_ENCRYPTED,
        title="In a shell",
        text="Programs that ask for the password read the file as it is. For others, this line takes out the key.",
        lines=(f"openssl pkey -in {file} -out privkey.pem",),
    )
