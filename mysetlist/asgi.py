"""The door for ASGI servers."""

import asyncio
import os
import warnings

import django
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")
# WhiteNoise hands out static files synchronously; they are small, and read in a thread.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

AT_WORK = 10  # requests of one process


class InTurn(ASGIHandler):
    """Django's handler, with so many requests at work at once: each has a thread, and with it a connection.

    Else a crowd would take all connections that the database has. Nobody has a place while their request still
    comes in or their answer goes out: a slow client keeps none from working, nor does a stream.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places = asyncio.Semaphore(AT_WORK)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        async with self.places:
            response: HttpResponseBase = await super().get_response_async(request)
        return response


django.setup(set_prefix=False)
application = import_string("mysetlist.front.in_front")(InTurn())  # what it needs can be imported only now
