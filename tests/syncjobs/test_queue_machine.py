"""R30, smaller: whatever happens to queue jobs in whatever order, crashes included, no rule of theirs is broken."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.syncjobs.machine import Queue, watched

pytestmark = pytest.mark.usefixtures("effects")


def test_no_order_of_events_breaks_the_rules_of_the_queue() -> None:
    with watched():
        run_state_machine_as_test(Queue, settings=settings(max_examples=8, stateful_step_count=40))
