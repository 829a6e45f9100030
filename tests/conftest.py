"""What holds for every test."""

from hypothesis import HealthCheck, settings

# a machine that does other things at the same time must not turn a property red
settings.register_profile("harness", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("harness")
