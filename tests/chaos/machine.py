"""Whatever happens to queue jobs, in orders that nobody chose."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.ground import Ground, Toll, figures
from tests.syncjobs.machine import Queue, watched

STEPS = 50


def r30(ground: Ground, size: float) -> Toll:
    """Steps of programs, workers and operators in any order, with crashes: no rule is broken, tokens only rise."""
    orders = max(int(80 * size), 1)
    chosen = settings(
        max_examples=orders,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    with watched():
        run_state_machine_as_test(Queue, settings=chosen)  # raises with the steps that broke a rule
        (jobs,) = figures("SELECT nextval(pg_get_serial_sequence('queue_jobs', 'id'))")
    return Toll(
        killed="workers, commits",
        jobs=jobs,
        lost=0,
        twice=0,
        remark=f"{orders} orders of {STEPS} steps; no rule broken",
    )
