"""Throttling per token and per vault."""

from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone

from tests.factories import make_member, make_token, make_vault
from tests.portal.api.client import ApiClient, error_of

pytestmark = pytest.mark.usefixtures("probes")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still, or a slow machine would let a window pass."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def statuses(client: ApiClient, count: int) -> list[int]:
    return [client.get("/certificates").status_code for _ in range(count)]


def test_a_token_has_its_calls_and_then_waits(api, settings, clock) -> None:
    settings.API_CALLS_PER_TOKEN = 3
    vault = make_vault("throttled1")
    ada = make_member(vault)
    client = api(ada, vault)

    assert statuses(client, 4) == [200, 200, 200, 429]
    clock.shift(4)
    response = client.get("/certificates")
    assert error_of(response)["code"] == "Throttled"
    assert response["Retry-After"] == "6"
    clock.shift(6)
    assert statuses(client, 4) == [200, 200, 200, 429]


def test_another_token_goes_on(api, settings) -> None:
    settings.API_CALLS_PER_TOKEN = 1
    vault = make_vault("throttled2")
    ada = make_member(vault)
    first, second = api(ada, vault), api(ada, vault)

    assert [*statuses(first, 2), *statuses(second, 1)] == [200, 429, 200]


def test_a_vault_has_its_calls_whoever_makes_them(api, settings) -> None:
    settings.API_CALLS_PER_VAULT = 2
    vault, other = make_vault("throttled3"), make_vault("throttled4")
    ada = make_member(vault)
    make_member(other, user=ada)

    answers = [api(ada, vault).get("/certificates").status_code for _ in range(3)]

    assert answers == [200, 200, 429]
    assert api(ada, other).get("/certificates").status_code == 200


def test_making_keys_is_counted_apart(api, settings) -> None:
    settings.API_KEYS_PER_TOKEN = 2
    vault = make_vault("throttled5")
    client = api(make_member(vault), vault)

    assert [client.post("/certificates/create").status_code for _ in range(3)] == [202, 202, 429]
    assert client.get("/certificates").status_code == 200


def test_a_vault_makes_so_many_keys_whoever_asks(api, settings) -> None:
    settings.API_KEYS_PER_VAULT = 2
    vault = make_vault("throttled6")
    ada = make_member(vault)

    answers = [api(ada, vault).post("/certificates/create").status_code for _ in range(3)]

    assert answers == [202, 202, 429]


def test_without_a_good_token_nothing_counts_against_a_vault(api, settings) -> None:
    settings.API_CALLS_PER_VAULT = 1
    vault = make_vault("throttled7")
    stranger = ApiClient(vault)

    assert [stranger.get("/certificates").status_code for _ in range(3)] == [401] * 3
    assert api(make_member(vault), vault).get("/certificates").status_code == 200


def test_strangers_use_up_nothing_of_a_vault(api, settings) -> None:
    settings.API_CALLS_PER_VAULT = 1
    vault, elsewhere = make_vault("throttled8"), make_vault("elsewhere")
    stranger = ApiClient(vault, make_token(make_member(elsewhere), elsewhere))

    assert statuses(stranger, 3) == [404] * 3
    assert api(make_member(vault), vault).get("/certificates").status_code == 200
