"""Views by who may use them."""

from collections.abc import Sequence
from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from mysetlist.rights import FanToken, IsFan, IsOperator, OperatorToken
from mysetlist.throttles import AddressThrottle, FanThrottle


class PublicView(APIView):
    """Open to all; who asks is not looked at."""

    authentication_classes: Sequence[type[BaseAuthentication]] = ()
    permission_classes = ()


class OperatorView(APIView):
    """For operators."""

    authentication_classes = (OperatorToken, SessionAuthentication)
    permission_classes = (IsOperator,)


class FanView(APIView):
    """For fans, at a measured pace."""

    authentication_classes = (FanToken, SessionAuthentication)
    permission_classes = (IsFan,)
    throttle_classes = (FanThrottle,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before tokens are looked up: whoever guesses them is slowed down, too.
        address = AddressThrottle()
        if not address.allow_request(request, self):
            self.throttled(request, address.wait() or 1)
        super().initial(request, *args, **kwargs)
