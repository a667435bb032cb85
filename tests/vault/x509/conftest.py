"""Properties are tried on enough examples to mean something, and never fail because the machine is busy."""

from hypothesis import HealthCheck, settings

settings.register_profile("steady", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
