"""Whether the portal says that it can work."""

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

HEALTH = reverse("health")


def test_health_is_plain_text_for_whoever_asks_and_costs_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        answer = client.get(HEALTH)

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"ok", "text/plain")


def test_health_is_503_while_the_database_does_not_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OperationalError("secret address of the database")

    monkeypatch.setattr(connection, "cursor", broken)

    answer = client.get(HEALTH)

    assert answer.status_code == 503
    assert b"secret" not in answer.content
