"""Forms with holes, as the grammars here write them: `{name}` is a hole, `{{` and `}}` are single brackets."""

OPEN, CLOSE = "\x01", "\x02"


def set_aside(form: str) -> str:
    """A form whose doubled brackets are out of the way, so that no hole is seen in them.

    Of three closing brackets the first is the hole's, as of three opening ones the last is.
    """
    return form.replace("{{", OPEN)[::-1].replace("}}", CLOSE)[::-1]


def put_back(text: str) -> str:
    """The brackets that were set aside, single."""
    return text.replace(OPEN, "{").replace(CLOSE, "}")
