"""Settings for every test."""

from hypothesis import HealthCheck, settings

# A first call may compile a kernel, which takes seconds: time per example says nothing here.
# How long something takes says more of a shared machine than of the code.
settings.register_profile("vedette", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vedette")
