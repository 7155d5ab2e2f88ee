"""What Celery's transports do when their server fails them."""

import pytest
from kombu import Connection
from redis.exceptions import ConnectionError as RedisIsGone

from mysetlist.celery import app
from tests.syncjobs.stage import redis_server


def test_a_worker_that_could_not_tell_redis_that_it_is_done_asks_for_more() -> None:
    """Or, once Redis had been away while its last jobs ended, it would never work again."""
    assert app.main == "mysetlist"  # it names the transports
    with redis_server() as server, Connection(server.url) as link:
        queue = link.SimpleQueue("jobs")
        queue.put({})
        message = queue.get(timeout=5)
        places = message.channel.qos
        places.prefetch_count = 1
        assert not places.can_consume()
        server.kill()
        with pytest.raises(RedisIsGone):
            message.ack()
        assert places.can_consume()
        server.start()
