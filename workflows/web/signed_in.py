"""Who has signed in, read on every request by statements that are made once.

`SESSION_ENGINE` and `AUTHENTICATION_BACKENDS` name this module. The tables, what they hold
and what is refused are Django's own.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from workflows.storage.prepared import Prepared

_SESSION = Prepared(
    "FROM django_session s WHERE s.session_key = %s AND s.expire_date > %s", s=Session
)
_PERSON = Prepared("FROM auth_user u WHERE u.id = %s", u=User)


class SessionStore(db.SessionStore):
    """Sessions in the database."""

    def _get_session_from_db(self) -> Session | None:
        now = _SESSION.wrapper.ops.adapt_datetimefield_value(timezone.now())
        found: Session | None = _SESSION.first(self.session_key, now)
        if found is None:
            self._session_key = None
        return found


class Backend(ModelBackend):
    """People of Django's own `User`, with a password."""

    def get_user(self, user_id: Any) -> User | None:
        """The person of that number, where they may still come in."""
        found: User | None = _PERSON.first(user_id)
        may_enter = found is not None and self.user_can_authenticate(found)
        return found if may_enter else None
