"""MongoDB's URLs, as far as they can be told without its driver."""

import re


def shown(url: str) -> str:
    """The URL without its passwords, whatever characters they have."""
    url = re.sub(r"(?i)([?&](?!password_file)[a-z]*password[a-z]*=)[^&]*", r"\1hidden", url)
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
