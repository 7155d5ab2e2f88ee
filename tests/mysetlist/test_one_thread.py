"""Under ASGI a request's middleware is one trip to a thread, and what can be awaited still is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, async_to_sync
from django.http import HttpRequest, StreamingHttpResponse
from django.test import AsyncClient
from django.urls import path


async def counting(request: HttpRequest) -> StreamingHttpResponse:
    """Something that a thread could not do: it has no running loop."""
    asyncio.get_running_loop()

    async def numbers() -> AsyncIterator[bytes]:
        for number in range(3):
            await asyncio.sleep(0)
            yield b"%d " % number

    return StreamingHttpResponse(numbers())


urlpatterns = [path("counting/", counting)]


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was sent to a thread."""
    seen: list[Any] = []
    go = SyncToAsync.__call__

    async def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(self.func)
        return await go(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", noted)
    return seen


@pytest.mark.urls(__name__)
def test_all_middleware_is_one_trip_to_a_thread(async_client: AsyncClient, trips: list[Any]) -> None:
    response = async_to_sync(async_client.get)("/counting/")
    assert response.status_code == 200
    assert response["X-Frame-Options"] == "DENY"
    assert len(trips) <= 3  # a signal, the middleware, and the CSRF check that knows the view


@pytest.mark.urls(__name__)
def test_an_asynchronous_stream_is_still_one(async_client: AsyncClient) -> None:
    async def read() -> bytes:
        response = await async_client.get("/counting/")
        return b"".join([part async for part in response.streaming_content])

    assert async_to_sync(read)() == b"0 1 2 "
