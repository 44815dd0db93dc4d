"""The command line: one file per command."""

import os

# pydantic would look for plug-ins of its own in every package that is installed: 30 ms of each command, and none should
# have a say in how a configuration is read.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
