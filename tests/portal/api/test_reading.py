"""Reading what a client sends."""

from io import BytesIO

import pytest
from django.test import RequestFactory

from portal.api.models import bodies
from portal.api.reading import body_of, drain
from vault.errors import BadParameter

pytestmark = pytest.mark.no_database


def request_with(body: bytes) -> object:
    return RequestFactory().post("/", data=body, content_type="application/json")


def test_a_refusal_names_the_property_and_not_what_was_sent() -> None:
    body = b'{"policy": {"x509_props": {"validity_months": "hunter2"}}}'

    with pytest.raises(BadParameter) as caught:
        body_of(request_with(body), bodies.CertificateCreateParameters)

    assert caught.value.field == "policy"
    assert str(caught.value) == "x509_props.validity_months: Input should be a valid integer."


@pytest.mark.parametrize("body", [b'{"value": ["s3cret"], "alg": 1}', b'{"value": "s3cret"', b'"s3cret"'])
def test_what_was_sent_is_in_no_refusal(body: bytes) -> None:
    with pytest.raises(BadParameter) as caught:
        body_of(request_with(body), bodies.KeyOperationParameters)

    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_null_counts_as_absent() -> None:
    given = body_of(request_with(b'{"policy": null, "tags": null}'), bodies.CertificateCreateParameters)

    assert given == bodies.CertificateCreateParameters()


def test_secrets_are_not_in_a_repr() -> None:
    given = bodies.CertificateImportParameters(value="MIII", pwd="hunter2hunter2")

    assert "hunter2" not in repr(given)
    assert "MIII" not in repr(given)


@pytest.mark.parametrize(("size", "left"), [(0, 0), (100_000, 0), (9_000_000, 9_000_000 - 8_060_928)])
def test_what_is_left_of_a_refused_body_is_read_up_to_a_limit(size: int, left: int) -> None:
    request = request_with(b" " * size)

    drain(request)

    assert len(request.read()) == left


def test_a_sender_that_has_gone_away_is_let_go() -> None:
    class Gone(BytesIO):
        def read(self, *_: int) -> bytes:
            raise ConnectionResetError

    request = request_with(b" ")
    request._stream = Gone()

    drain(request)
