"""How often fans may write: counted in Redis if there is one, else by each process for itself."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from django.conf import settings
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

logger = logging.getLogger(__name__)

PATIENCE = 0.25  # seconds for Redis to answer; a vote shall not wait for what only counts
PAUSE = 10.0  # seconds in which a Redis that did not answer is not asked


class Limiter:
    """Counts calls; goes on by itself while the shared count does not answer."""

    def __init__(self, redis_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.shared: RedisStorage | None = None
        if redis_url:
            self.shared = RedisStorage(
                redis_url, wrap_exceptions=True, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
            )
        self.asks_again = 0.0
        self.forget()

    def forget(self) -> None:
        """Start this process's own count anew."""
        self.own = MovingWindowRateLimiter(MemoryStorage())

    def wait(self, rate: str, *who: str) -> float | None:
        """Count one call. None: go on; else how many seconds to wait."""
        item = parse(rate)
        if self.shared is not None and self.clock() >= self.asks_again:
            try:
                return _wait(MovingWindowRateLimiter(self.shared), item, who)
            except StorageError:
                logger.warning("Redis does not answer; each process counts calls for itself", exc_info=True)
                self.asks_again = self.clock() + PAUSE
        return _wait(self.own, item, who)


def _wait(strategy: MovingWindowRateLimiter, item: RateLimitItem, who: tuple[str, ...]) -> float | None:
    if strategy.hit(item, *who):
        return None
    return max(1.0, strategy.get_window_stats(item, *who).reset_time - time.time())


limiter = Limiter(settings.REDIS_URL)


class Throttle(BaseThrottle, ABC):
    """A limit for whoever `who` names."""

    rate: str
    seconds: float | None = None

    @abstractmethod
    def who(self, request: Request) -> tuple[str, str]:
        """Whose calls are counted together."""

    def allow_request(self, request: Request, view: object) -> bool:
        self.seconds = limiter.wait(self.rate, *self.who(request))
        return self.seconds is None

    def wait(self) -> float | None:
        return self.seconds


class FanThrottle(Throttle):
    """Calls of one fan."""

    rate = settings.FAN_RATE

    def who(self, request: Request) -> tuple[str, str]:
        return "fan", str(request.user.pk)


class AddressThrottle(Throttle):
    """Calls from one address; TRUSTED_PROXIES says whose word for it counts."""

    rate = settings.ADDRESS_RATE

    def who(self, request: Request) -> tuple[str, str]:
        return "address", self.get_ident(request) or ""
