from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from vault import tasks


@pytest.mark.django_db(transaction=True)
def test_tidying_removes_sessions_that_have_ended_and_no_others() -> None:
    moment = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=moment - timedelta(days=1))
    Session.objects.create(session_key="new", session_data="", expire_date=moment + timedelta(days=1))

    tasks.tidy()

    assert Session.objects.get().session_key == "new"
