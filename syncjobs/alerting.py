"""What is wrong with jobs, queues and sources: what monitoring learns of this floor by settings."""

from datetime import timedelta

from monitoring import rules
from syncjobs.policies import POLICIES

# A run lasts until the last job that it put into the queue is final; these put none there.
ALONE = frozenset({"calculate_trending", "advance_shows", "backup_logs", "cleanup_old_data"})
LONGEST = timedelta(hours=12)  # of a run whose jobs ask the sources
IDLE = 3  # runs in a row that wrote nothing
MAY_BE_IDLE = ALONE | {"sync_artist_images", "finish_mysetlist_sync"}  # when there is nothing to do


def job_policies() -> dict[str, rules.Policy]:
    """What is usual of each job that has a schedule."""
    return {
        job: rules.Policy(
            failures=policy.failures,
            late=policy.start_margin,
            longest=policy.longest if job in ALONE else LONGEST,
            idle=None if job in MAY_BE_IDLE else IDLE,
        )
        for job, policy in POLICIES.items()
        if policy.schedule
    }
