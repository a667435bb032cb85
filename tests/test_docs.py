"""The documentation names every setting, address, error code and command."""

import re
from pathlib import Path

import pytest
from django.urls import URLResolver, get_resolver

from vault import errors
from vault.lifecycle import merging
from vault.providers import base

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent
OPERATING = (ROOT / "docs/operating.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()


def settings_read() -> list[str]:
    sources = [ROOT / "portal/settings.py", *(ROOT / "portal").rglob("*.py"), *(ROOT / "vault").rglob("*.py")]
    found = {name for path in sources for name in re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', path.read_text())}
    return sorted(found)


def addresses(resolver: URLResolver | None = None, before: str = "/") -> list[str]:
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        address = before + re.sub(r"<\w+:(\w+)>", r"<\1>", str(entry.pattern))
        found += addresses(entry, address) if isinstance(entry, URLResolver) else [address]
    return found


def codes() -> set[str]:
    modules = (errors, base, merging)
    classes = [thing for module in modules for thing in vars(module).values() if isinstance(thing, type)]
    return {one.code for one in classes if issubclass(one, errors.VaultError)} - {"VaultError"}


def is_named(address: str) -> bool:
    if f"`{address}`" in ARCHITECTURE:
        return True
    for line in ARCHITECTURE.splitlines():
        whole, *parts = re.findall(r"`([^`]+)`", line) or [""]
        wholes = [whole, *[part for part in parts if part.startswith("/")]]
        if any(address == one + part for one in wholes for part in parts):
            return True
    return False


def test_settings_are_found_in_the_code() -> None:
    assert len(settings_read()) > 15


@pytest.mark.parametrize("name", settings_read())
def test_every_setting_is_in_the_operators_page(name: str) -> None:
    assert f"`{name}`" in OPERATING


@pytest.mark.parametrize("address", addresses())
def test_every_address_is_in_the_architecture_page(address: str) -> None:
    assert is_named(address)


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_error_code_is_in_the_architecture_page(code: str) -> None:
    assert f"`{code}`" in ARCHITECTURE


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/management/commands/[a-z]*.py")), ids=lambda path: path.stem)
def test_every_command_is_in_the_operators_page(path: Path) -> None:
    assert f"manage.py {path.stem}" in OPERATING


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []
