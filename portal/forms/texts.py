"""Values with a shape, written as text that a person can edit, and read again."""

from __future__ import annotations

import re
from dataclasses import replace

from vault.errors import BadParameter
from vault.models.policy import AlternativeNames
from vault.x509.names import read_names
from vault.x509.visible import shown

MOST_COMMON_NAME = 64  # X.520 ub-common-name, counted in octets of UTF-8
_PREFIXES = {"upn": "UPN:", "uri": "URI:"}
_FIELDS = {"dns": "dns", "email": "emails", "upn": "upns", "uri": "uris", "ip": "ips"}
_KEY = re.compile(r"(?:\\.|[^\\=])*")
_ESCAPED = re.compile(r"\\([\\=])")


def write_names(names: AlternativeNames) -> tuple[str, AlternativeNames]:
    """Names, one a line, and those that no line can hold, such as an address with a comma in it."""
    lines, unwritable = [], []
    for kind, value in names.pairs():
        line = _PREFIXES.get(kind, "") + value
        read = [(found, name.lower()) for found, name in read_names(line).names.pairs()]
        if read == [(kind, value.lower())]:
            lines.append(line)
        else:
            unwritable.append((kind, value))
    return "\n".join(lines), _group(unwritable)


def join_names(names: AlternativeNames, more: AlternativeNames) -> AlternativeNames:
    """Both lists of names, each name once."""
    return _group(list(dict.fromkeys([*names.pairs(), *more.pairs()])))


def usual_subject(names: AlternativeNames) -> str:
    """`CN=` and the first name that fits a common name: a host, an e-mail address, an IP address; else empty."""
    for value in (*names.dns, *names.emails, *names.ips):
        if len(value.encode()) <= MOST_COMMON_NAME:
            return f'CN="{value}"' if re.search("[,+;]", value) else f"CN={value}"
    return ""


def name_of_subject(subject: str) -> str:
    """A certificate name from the first part of a subject, for a certificate without other names; perhaps empty."""
    first = re.split("[,+]", subject.partition("=")[2], maxsplit=1)[0]
    return re.sub("[^0-9A-Za-z]+", "-", first)[:127].strip("-")


def write_tags(tags: dict[str, str]) -> str:
    r"""Tags as lines `name=value`; an equals sign in a name is written `\=`."""
    return "\n".join(f"{_escape(name)}={value}" for name, value in tags.items())


def read_tags(text: str) -> dict[str, str]:
    """Read lines `name=value`; a line without `=` is a tag without a value. Raises BadParameter for a repeated name."""
    tags: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        key = _KEY.match(line)
        end = key.end() if key else 0
        name, value = _ESCAPED.sub(r"\1", line[:end].strip()), line[end + 1 :].strip()
        if name in tags:
            raise BadParameter(f"The tag “{shown(name)}” is given twice. Keep one of the two lines.", field="tags")
        tags[name] = value
    return tags


def _escape(name: str) -> str:
    return name.replace("\\", "\\\\").replace("=", "\\=")


def _group(pairs: list[tuple[str, str]]) -> AlternativeNames:
    kinds: dict[str, tuple[str, ...]] = {
        field: tuple(value for kind, value in pairs if kind == wanted) for wanted, field in _FIELDS.items()
    }
    return replace(AlternativeNames(), **kinds)
