"""A store's password from a file."""

from pathlib import Path

from vedette.storage.errors import StoreError, StoreProblem


def read_password(file: str, store: str) -> str:
    """The first line of a file.

    Args:
        file: Its path. store: What errors call the store.

    Raises:
        StoreError: The file cannot be read, or its first line is empty.
    """
    try:
        lines = Path(file).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = f"password_file {file} cannot be read ({getattr(error, 'strerror', None) or 'no text'})"
        raise StoreError(store, StoreProblem.BAD_URL, reason) from None
    if not lines or not lines[0]:
        raise StoreError(
            store, StoreProblem.BAD_URL, f"password_file {file} has no password in its first line"
        )
    return lines[0]
