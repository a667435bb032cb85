"""What to do about a file that cannot be used, going by what it looks like. One sentence or two for a person."""

from __future__ import annotations

from vault.x509 import recognising
from vault.x509.found import Ignored

WANTED = "What is needed is a certificate, a private key, a PFX file, or a ZIP archive of these."
CUT_OFF = "This file was cut off: it is shorter than it says itself. Send the whole file."
_ADVICE = {
    recognising.EMPTY: f"This is an empty file. {WANTED}",
    recognising.CUT_OFF: CUT_OFF,
    recognising.JAVA: (
        "This looks like a Java keystore. Turn it into a PFX file and send that: keytool -importkeystore "
        "-srckeystore FILE -destkeystore new.p12 -deststoretype PKCS12"
    ),
    recognising.PGP: "This looks like a PGP file. PGP has no X.509 certificates, so nothing in it can be used here.",
    recognising.SSH: (
        f"This looks like an SSH key. SSH keys have no certificates of this kind, so it cannot be used here. {WANTED}"
    ),
    "an OpenSSH private key": (
        "This looks like an OpenSSH private key. If it belongs to a certificate, turn a copy of it into PEM and send "
        "that: ssh-keygen -p -m PKCS8 -f COPY"
    ),
    "a PuTTY private key": (
        "This looks like a PuTTY private key. If it belongs to a certificate, export it with PuTTYgen as an OpenSSH "
        "key, turn that into PEM with ssh-keygen -p -m PKCS8 -f FILE, and send it."
    ),
    "a JSON Web Key": "This looks like a JSON Web Key with a private part. Turn it into PEM (PKCS#8) and send that.",
    "an age key": "This looks like a key of the age program. It has no certificate, so it cannot be used here.",
    "an XML private key": "This looks like a private key in XML. Turn it into PEM (PKCS#8) and send that.",
    "a compressed file": "This looks like a compressed file. Unpack it, or pack it as ZIP, and send that.",
    "an encrypted message": "This looks like an encrypted message. Decrypt it, and send what was in it.",
    "an HTML page": f"This looks like an HTML page, perhaps of a sign-in or an error. {WANTED}",
}
_IGNORED = {
    recognising.PUBLIC_KEY: "It is neither a certificate nor a private key. The certificate has it inside.",
    recognising.REVOCATIONS: "It says which certificates are withdrawn; it is not needed here.",
    recognising.PARAMETERS: "They belong into a server's settings and are not part of a certificate.",
    "a secret": "It is neither a certificate nor a private key.",
    "something unknown": "It is of a kind that is not known here.",
    "a part that is sealed for somebody's certificate": "Only that person can open it.",
    "a certificate that is not X.509": "Servers and browsers use X.509 certificates only.",
    "a PEM block of another kind": "It is neither a certificate nor a private key.",
    "an attribute certificate": "It has no key. Servers and browsers do not use it.",
}


def refusal(kind: str) -> str:
    """Why a file of this kind cannot be used, and what to send."""
    return _ADVICE.get(kind) or f"This looks like {kind}. {WANTED}"


def ignored(what: str) -> Ignored:
    """Something that is left aside, with the reason."""
    return Ignored(what=what, why=_IGNORED.get(what, "It is not needed here."))
