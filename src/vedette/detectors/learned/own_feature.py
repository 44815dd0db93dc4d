"""A feature that a user adds, as the configuration holds it."""

import msgspec


class OwnFeature(msgspec.Struct, frozen=True):
    """A feature as it was written. It is part of each model that was fitted with it.

    Attributes:
        name: As explanations name it. unit: Of the expression's values. doc: What it tells.
    """

    name: str
    unit: str
    doc: str
    expression: str
