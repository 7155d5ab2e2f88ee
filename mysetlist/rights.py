"""Who may do what: fans what is theirs, operators what keeps the house running; the rest is public."""

import hashlib
import hmac
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class Operator(str):
    """`request.auth` of a call with a bearer token: the token's name."""


def digest(token: str) -> bytes:
    """What settings keep of a token."""
    return hashlib.new("sha512_256", token.encode()).digest()


def token_name(token: str) -> Operator | None:
    """The name of an operators' token; None when it is unknown. Takes as long for any token."""
    given, found = digest(token), None
    for name, known in settings.OPERATOR_TOKENS.items():
        if hmac.compare_digest(given, known):
            found = Operator(name)
    return found


class OperatorToken(BaseAuthentication):
    """`Authorization: Bearer <token>`, one of CRON_TOKENS or CRON_SECRET."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Operator] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        name = token_name(token.strip())
        if name is None:
            raise AuthenticationFailed("This bearer token is not known here.")
        return AnonymousUser(), name

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class FanToken(TokenAuthentication):
    """`Authorization: Token <key>`, made with manage.py drf_create_token."""

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        if not key.isalnum():
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(key)


class IsFan(BasePermission):
    """Somebody who has an account here."""

    message = "Sign in, or send your token: Authorization: Token <key>."

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated)


class IsOperator(BasePermission):
    """A bearer of an operators' token, or a member of staff who has signed in."""

    message = "This is for operators."

    def has_permission(self, request: Request, view: Any) -> bool:
        return is_operator(request)


def is_operator(request: Request) -> bool:
    if isinstance(request.auth, Operator):
        return True
    # A fan's token opens the doors of fans, even if the fan is a member of staff.
    return request.auth is None and bool(getattr(request.user, "is_staff", False)) and request.user.is_active
