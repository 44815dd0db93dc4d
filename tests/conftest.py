"""Settings for every test."""

from hypothesis import settings

# A first call may compile a kernel, which takes seconds: time per example says nothing here.
settings.register_profile("vedette", deadline=None)
settings.load_profile("vedette")
