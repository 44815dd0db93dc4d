"""What a form's field holds before an attack that was put behind it: a name, a date, a number, a file."""

import random

_NAMES = ["Anna", "Smith", "Lopez", "Tom", "Weber", "Chen", "Maria", "Novak", "J. Doe", "Omar", "Acme"]
_WORDS = [
    "blue", "shoes", "berlin", "my", "report", "hello", "page", "main", "street", "order", "summer", "sale", "size",
    "new", "photo", "street", "user", "price", "news", "title", "red", "large", "hotel", "room", "the", "team", "kg",
    "stars", "version", "asc", "desc", "en", "de", "true", "yes", "none", "monthly", "draft", "item", "test", "tag",
]  # fmt: skip
_ENDINGS = ["jpg", "pdf", "png", "txt", "csv", "html", "php", "xml", "docx"]


def lead(drawn: random.Random) -> str:
    """One of them, mostly without a mark that means anything."""

    def number(most: int = 9999) -> int:
        return drawn.randint(0, most)

    def word() -> str:
        return drawn.choice(_WORDS)

    year, month, day = drawn.randint(1990, 2030), drawn.randint(1, 12), drawn.randint(1, 28)
    return drawn.choice(
        [
            word(),
            f"{word()} {word()}",
            f"{word()} {word()} {word()}",
            f"{drawn.choice(_NAMES)} {drawn.choice(_NAMES)}",
            f"{number()}",
            f"{number(99)}.{number(99)}",
            f"{number(99)} {word()}",
            f"{word()} {number()}",
            f"{word()}{number()}",
            f"{year}-{month:02}-{day:02}",
            f"{day}.{month}.{year}",
            f"{day:02}/{month:02}/{year}",
            f"{year}-{month:02}-{day:02}T{number(23):02}:{number(59):02}:00Z",
            f"{word()}@{word()}.example",
            f"{word()}-{number()}.{drawn.choice(_ENDINGS)}",
            f"{word()}_{word()}.{drawn.choice(_ENDINGS)}",
            f"{word()}/{word()}",
            f"{word()}-{word()}",
            f"{word()}:{word()}",
            f"{word()}={word()}",
            f"10.0.{number(255)}.{number(255)}",
            f"www.{word()}.example",
            f"https://{word()}.example/{word()}",
            f"+{number(99)} {number()} {number()}",
            f"{word()},{word()}",
            f"v{number(9)}.{number(9)}.{number(9)}",
        ]
    )


def behind(drawn: random.Random, attack: str) -> str:
    """An attack behind such a text; with a space between them or not, as it begins."""
    glued = not attack[:1].isalnum() and drawn.random() < 0.6
    return f"{lead(drawn)}{'' if glued else ' '}{attack}"
