"""Under ASGI, one thread for all of a request's middleware."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


def one_thread(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """The last middleware. It cannot be awaited, and so Django calls those before it one by one as well.

    Else each of Django's own would go to a thread and back, twice: a third of what a request takes. An
    asynchronous view is awaited all the same, and its stream is read after all middleware is done.
    """

    def pass_on(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    return pass_on
