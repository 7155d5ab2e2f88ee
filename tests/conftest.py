"""What every test shares."""

from hypothesis import HealthCheck, settings

# The same examples on every machine: a red run can be run again.
settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("suite")
