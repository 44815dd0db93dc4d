"""Ordinary values made up by a grammar: what people and programs send that has marks in it and means no harm."""

import base64
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

_WORDS = [
    "garden",
    "table",
    "select",
    "union",
    "order",
    "river",
    "letter",
    "update",
    "paper",
    "window",
    "drop",
    "music",
    "house",
    "light",
    "travel",
    "coffee",
    "script",
    "image",
    "value",
    "from",
    "where",
    "and",
    "or",
    "not",
    "the",
    "of",
    "for",
    "with",
    "like",
    "all",
    "new",
    "best",
    "cheap",
    "hotel",
    "berlin",
    "paris",
    "alert",
    "system",
    "exec",
    "summary",
    "sleep",
    "cat",
    "dog",
    "food",
    "review",
    "insert",
    "coin",
    "delete",
    "account",
    "password",
    "reset",
    "login",
    "admin",
    "panel",
    "java",
    "python",
    "error",
    "document",
    "cookie",
    "recipe",
    "script",
    "writing",
    "movie",
    "case",
    "when",
    "then",
    "else",
    "group",
    "by",
    "having",
    "fun",
    "limit",
    "speed",
    "is",
    "null",
    "island",
]
_NAMES = [
    "O'Brien",
    "D'Angelo",
    "O'Neil",
    "L'Oréal",
    "McDonald's",
    "Levi's",
    "N'Golo",
    "O'Reilly",
    "D'Artagnan",
    "Xi'an",
    "Hawai'i",
    "Conan O'Brien",
    "Sinead O'Connor",
    "Ka'ahupahau",
    "Rock'n'Roll",
    "Guns N' Roses",
    "ol' school",
    "'90s",
    "mother's day",
    "women's shoes",
]
_DOCS = Path(__file__).parents[2] / "docs"


class Ordinary:
    """Draws ordinary values. The sentences are this project's own documentation."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        text = " ".join(
            file.read_text() for file in sorted(_DOCS.rglob("*.md")) if "signatures" not in file.name
        )
        prose = re.sub(r"```.*?```|`[^`]*`|\|[^\n]*\||[#>*]", " ", text, flags=re.DOTALL)
        self._sentences = [
            " ".join(s.split()) for s in re.split(r"(?<=[.!?:])\s", prose) if 20 < len(s) < 260
        ]
        self._forms: list[Callable[[], str]] = [
            self._search,
            self._search,
            self._sentence,
            self._sentence,
            self._json,
            self._json,
            self._url,
            self._url,
            self._filter,
            self._filter,
            self._name,
            self._maths,
            self._code,
            self._measure,
            self._list,
            self._encoded,
            self._markup_free,
            self._colour,
            self._quoted,
            self._quoted,
            self._mail,
            self._version,
            self._odata,
            self._graphql,
            self._lucene,
            self._path,
            self._path,
            self._tracking,
            self._smile,
            self._modules,
            self._identifier,
            self._back_to,
            self._torn,
        ]

    def __call__(self, count: int) -> Iterator[str]:
        """So many values."""
        for _ in range(count):
            yield self._random.choice(self._forms)()

    def _words(self, most: int = 5) -> str:
        return " ".join(self._random.choice(_WORDS) for _ in range(self._random.randint(1, most)))

    def _number(self) -> str:
        return str(self._random.randint(0, 10 ** self._random.randint(1, 10)))

    def _token(self, size: int = 16) -> str:
        return "".join(self._random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(size))

    def _search(self) -> str:
        joint = self._random.choice(
            [
                " & ",
                " | ",
                ", ",
                "? ",
                "! ",
                " (",
                ") ",
                " - ",
                "; ",
                "' ",
                " / ",
                " = ",
                "... ",
                " -- ",
                " * ",
                " # ",
                "$",
            ]
        )
        return self._words() + joint + self._words()

    def _sentence(self) -> str:
        one = self._random.choice(self._sentences)
        return one if self._random.random() < 0.7 else f"{one}\r\n\r\n{self._random.choice(self._sentences)}"

    def _value(self, depth: int = 0) -> object:
        draw = self._random.randint(0, 7 if depth < 2 else 4)
        if draw <= 1:
            return self._words()
        if draw == 2:
            return self._random.randint(-5, 100000)
        if draw == 3:
            return self._random.choice([True, False, None, "", "asc", "desc", 1.5])
        if draw == 4:
            return self._token(self._random.randint(4, 24))
        if draw == 5:
            return [self._value(depth + 1) for _ in range(self._random.randint(0, 4))]
        return {
            self._random.choice(
                [
                    "id",
                    "name",
                    "type",
                    "page",
                    "sort",
                    "filter",
                    "where",
                    "select",
                    "from",
                    "ids",
                    "user",
                    "$id",
                    "q",
                    "from_date",
                ]
            ): self._value(depth + 1)
            for _ in range(self._random.randint(1, 4))
        }

    def _json(self) -> str:
        value = (
            self._value()
            if self._random.random() < 0.3
            else {"q": self._value(), self._token(4): self._value()}
        )
        return json.dumps(value, separators=self._random.choice([(",", ":"), (", ", ": ")]))

    def _url(self) -> str:
        query = "&".join(
            f"{self._token(3)}={self._token(self._random.randint(1, 9))}"
            for _ in range(self._random.randint(0, 4))
        )
        scheme = self._random.choice(
            ["https://", "http://", "//", "", "https%3A%2F%2F", "android-app://", "market://"]
        )
        server = self._random.choice(["www", "shop", "api", "cdn"])
        host = f"{server}.{self._token(7)}.{self._random.choice(['example', 'com', 'org', 'de'])}"
        path = "/".join(self._words(2).replace(" ", "-") for _ in range(self._random.randint(0, 4)))
        end = self._random.choice(["", "#top", "#/" + self._token(4), "?utm_source=a&utm_medium=b", "/"])
        return f"{scheme}{host}/{path}{'?' + query if query else ''}{end}"

    def _filter(self) -> str:
        name = self._random.choice(["price", "size", "colour", "date", "type", "brand", "stock"])
        return self._random.choice(
            [
                f"{name}:{self._words(1)};{self._words(1)}:{self._number()}",
                f"{name}>={self._number()}",
                f"({name},{self._words(1)})",
                f"{name}=={self._words(1)}",
                f"{name}[gte]={self._number()}",
                f"[{self._number()} TO {self._number()}]",
                f"{name}|{self._words(1)}|{self._words(1)}",
                f"{{{name}}}",
                f"{name}~{self._words(1)}^{self._number()}",
                f"{self._words(1)}*",
                f"!{name}",
                f"{name}<{self._number()}",
                f"-{name},+{self._words(1)}",
                f"{name} eq '{self._words(1)}'",
                f"fields=({name},id,(a,b))",
                f"{name}!={self._words(1)}",
                f"{name}({self._number()[:3]},{self._number()[:3]})|crop({self._number()[:2]})",
                f"*/{self._number()[:1]} * * * {self._number()[:1]}",
                f"+{self._number()[:2]} ({self._number()[:3]}) {self._number()[:3]}-{self._number()[:4]}",
                f"{self._words(2)} ({self._number()[:1]}) [{self._words(1)}].pdf",
                f"{{{name}:{{$gt:{self._number()}}}}}",
                f"{self._number()[:1]}+{self._number()[:1]}={self._number()[:2]}",
                f"{name}=in=({self._words(1)},{self._words(1)})",
            ]
        )

    def _name(self) -> str:
        before = self._random.choice(["", self._words(2) + " "])
        return before + self._random.choice(_NAMES) + self._random.choice(["", " " + self._words(2)])

    def _maths(self) -> str:
        a, b = self._number()[:4], self._number()[:4]
        return self._random.choice(
            [
                f"{a}*{b}",
                f"f(x)={a}x^2+{b}",
                f"({a}+{b})/{b}",
                f"{a} > {b}",
                f"x = {a}",
                f"{a}% of {b}",
                f"{a}:{b}:{a}",
                f"({a}, {b})",
                f"{a}-{b}={a}",
                f"sqrt({a})",
                f"1<x<{a}",
                "y=mx+b",
                f"{a}!={b}",
                f"[{a},{b}]",
                f"{a}..{b}",
                f"log({a})*{b}",
            ]
        )

    def _code(self) -> str:
        word = self._words(1)
        return self._random.choice(
            [
                f"c++ vector<int> {word}",
                f"c# list<string> {word}",
                f"how to use {word}() in python",
                f"array[{self._number()}]",
                f"if (x == {self._number()[:2]}) {word}",
                f"java.lang.NullPointerException: {word}",
                f"error: '{word}' was not declared",
                f"TypeError: Cannot read property '{word}' of undefined",
                f"std::{word}<t>",
                f"mysql {word} vs {word}",
                f"#{word}",
                f"@{word} #{word}",
                f"$('.{word}')",
                f"{word}.map(x => x)",
                f"regex ^{word}.*$",
                f"Map<String, List<{word}>>",
                f"git {word} --help",
                f"sql select {word} from two tables",
                f"html <{word}> tag",
                f"console.log {word}",
                f"{word}[] {word}",
                f"npm install {word}@^{self._number()[:1]}",
                f"a && b {word}",
                f"sed {word} example",
                f"'{word}' is not recognized",
                f"bash for loop {word}; done",
                f"what does ; do in {word}?",
                f"css {{ {word} }}",
            ]
        )

    def _measure(self) -> str:
        a = self._number()[:2]
        return self._random.choice(
            [
                f'{a}" monitor',
                f"{a}' {a}\" tall",
                f"size {a} 1/2",
                f"${a}.99",
                f"{a}€ - {a}0€",
                f"{a}°C",
                f'{a}"x{a}"',
                f"5'{a}\"",
                f"{a}% off!",
                f"{a} & up",
                f"#{a}",
                f"({a}) 555-0{a}00",
                f"{a}+",
                f"<{a} mb",
                f">{a} kg",
                f"~{a} km",
                f"{a}th st. & 5th ave.",
            ]
        )

    def _list(self) -> str:
        joint = self._random.choice([",", ";", "|", "||", ", ", "~", "$", "!", "*", "^", "&"])
        return joint.join(
            self._random.choice([self._words(1), self._number(), self._token(6)])
            for _ in range(self._random.randint(2, 9))
        )

    def _encoded(self) -> str:
        data = bytes(self._random.randrange(256) for _ in range(self._random.randint(6, 60)))
        return self._random.choice(
            [
                base64.b64encode(data).decode(),
                base64.urlsafe_b64encode(data).decode(),
                data.hex(),
                "v1." + data.hex() + "==",
                f"{{{data.hex()[:8]}-{data.hex()[:4]}}}",
                "!" + base64.b64encode(data).decode() + "!1d1",
            ]
        )

    def _markup_free(self) -> str:
        mark = self._random.choice(["<3", "->", "=>", "<-", ">>", "<<", ">", "<", "&", "©", "™", "…"])
        return f"{self._words(3)} {mark} {self._words(3)}"

    def _colour(self) -> str:
        return (
            f"#{self._token(6)}"
            if self._random.random() < 0.5
            else f"rgba({self._number()[:3]},0,0,0.{self._number()[:1]})"
        )

    def _quoted(self) -> str:
        mark = self._random.choice(['"', "'", "“", "«"])
        joint = self._random.choice(["or", "and", "vs"])
        close = {"“": "”", "«": "»"}.get(mark, mark)
        return self._random.choice(
            [
                f"{mark}{self._words(3)}{close}",
                f"{self._words(2)} {mark}{self._words(2)}{close}",
                f"{mark}{self._words(1)}{close} {joint} {mark}{self._words(1)}{close}",
                f"{mark}{self._words(2)}{close}, {self._words(2)}",
            ]
        )

    def _mail(self) -> str:
        return self._random.choice(
            [
                f"{self._token(5)}+{self._token(3)}@{self._token(6)}.example",
                f'"{self._words(2)}" <{self._token(4)}@a.example>',
                f"{self._token(5)}@a.example;{self._token(4)}@b.example",
            ]
        )

    def _version(self) -> str:
        a = self._number()[:1]
        return self._random.choice(
            [
                f">={a}.0,<{a}.9",
                f"^{a}.2.0",
                f"~{a}.1",
                f"v{a}.0-rc.1+build#{a}",
                f"{a}.x || {a}.y",
                f"=={a}.*",
                f"{a}.0 (build {a}00)",
            ]
        )

    def _odata(self) -> str:
        return self._random.choice(
            [
                f"contains(name,'{self._words(1)}')",
                f"price gt {self._number()[:3]} and stock eq true",
                f"startswith(title,'{self._words(1)}') or id in (1,2)",
                f'project = ABC AND status = "In {self._words(1)}" ORDER BY created DESC',
                f"name like '*{self._words(1)}*'",
                f"date ge {self._number()} and date le {self._number()}",
                f"(type:{self._words(1)} OR type:{self._words(1)}) AND NOT {self._words(1)}",
            ]
        )

    def _graphql(self) -> str:
        inner = f"{{id,{self._words(1)}{{id}}}}"
        return self._random.choice(
            [
                f"query{{{self._words(1)}(id:{self._number()[:4]}){inner}}}",
                f"{{{self._words(1)}(id:{self._number()[:4]}){{name {self._words(1)}(first:10){{title}}}}}}",
                f"query Get({'$'}id: ID!){{{self._words(1)}(id: {'$'}id) {inner}}}",
            ]
        )

    def _lucene(self) -> str:
        return (
            f'title:"{self._words(2)}" AND (body:{self._words(1)} OR {self._words(1)}*) -{self._words(1)}~2'
        )

    def _path(self) -> str:
        return "/" + "/".join(
            self._random.choice(
                [
                    self._words(2).replace(" ", self._random.choice(["-", "_", "+", " "])),
                    f"({self._words(1)})",
                    f"{self._words(1)}!",
                    f"{self._number()};{self._token(4)}={self._token(8)}",
                    f"{self._words(1)},{self._number()}",
                    f"@{self._token(5)}",
                    f"{self._words(1)}'s-{self._words(1)}",
                    f"{self._words(1)}&{self._words(1)}",
                    f"[{self._words(1)}]",
                    "~" + self._token(4),
                    "~" + self._words(1),
                    f"{self._words(1)}=={self._number()[:2]}",
                    f"{self._token(8)}$${self._number()[:3]}",
                    f"#{self._words(1)}",
                    f"{self._words(1)}..{self._words(1)}",
                    f"{self._words(1)}/../{self._words(1)}",
                    f"{self._words(1)}/../../{self._words(1)}",
                ]
            )
            for _ in range(self._random.randint(1, 4))
        )

    def _tracking(self) -> str:
        return self._random.choice(
            [
                f"!1m18!1m12!1m3!1d{self._number()}.{self._number()}!2d{self._number()}",
                f"GA1.2.{self._number()}.{self._number()}",
                f"*|{self._token(5)}|*",
                f"%%{self._token(5)}%%",
                f"${{{self._token(6)}}}",
                f"[{self._token(6).upper()}]",
                f"{{{{{self._words(1)}.{self._words(1)}}}}}",
                f"e30={self._token(5)}~{self._token(12)}*{self._token(4)}",
                f"{self._token(6)}:{self._number()}|{self._token(5)}#{self._number()}",
                "(not set)",
                f"{{{self._token(8)}-{self._token(4)}-{self._token(4)}}}",
            ]
        )

    def _modules(self) -> str:
        """Names of parts, as programs ask for several at once."""
        stems = [self._dotted() for _ in range(3)]
        joint = self._random.choice(["|", ",", "!", "|", " ", ";"])
        return joint.join(
            self._random.choice(stems)
            + self._random.choice(["", ".", ".", "-", ","])
            + self._random.choice([self._words(1), self._part(), self._part() + "." + self._part()])
            for _ in range(self._random.randint(2, 16))
        )

    def _identifier(self) -> str:
        """What programs call tables, classes, branches and fields."""
        a, b = self._words(1), self._part()
        return self._random.choice(
            [
                f"{a[:1]}${b}_{a}",
                f"{a}${b}",
                f"{self._dotted()}${b.title()}",
                f"{a.title()}\\{b.title()}\\{a.title()}",
                f"{a.title()}::{b}",
                f"@{a}/{b}-{a}",
                f"refs/heads/{a}/{b}#{self._number()[:3]}",
                f"#/definitions/{a.title()}/{b}",
                f"__{a}__",
                f"%{a}_{b}%",
                f"{a}[{b}][]",
                f"{self._dotted()}:{b}@{self._number()[:1]}.2",
                f"{a}-{b}->{a}",
                f"urn:{a}:{b}:{self._number()}",
                f"arn:{a}:{b}::{self._number()}:{a}/*",
            ]
        )

    def _back_to(self) -> str:
        """Where a form came from, as it is sent with the form."""
        pairs = "&".join(
            f"{self._part()}={self._random.choice([self._words(1), self._number(), '', self._token(10)])}"
            for _ in range(self._random.randint(1, 6))
        )
        end = self._random.choice([".php", ".aspx", "", "/", ".html"])
        page = f"/{self._words(1)}-{self._part()}/{self._part()}{end}"
        inner = self._random.choice(["", "", f"&back={quote(page, safe='')}"])
        host = self._random.choice(["", "", f"https://{self._token(6)}.example"])
        return f"{host}{page}?{pairs}{inner}"

    def _torn(self) -> str:
        """A link as a robot tears it out of a page, a style sheet or a script, with what stood behind it."""
        page = f"/{self._words(1)}/{self._part()}-{self._words(1)}"
        return self._random.choice(
            [
                f'{page}.ttf) format("truetype"',
                f"{page}.woff2') format('woff2')",
                f'{page}.eot?#iefix") format("embedded-opentype"',
                f"{page}.png)",
                f"{page}.png) no-repeat 0 0",
                f'{page}.html">{self._words(2)}',
                f"{page}.html'",
                f'{page}"',
                f"{page}).",
                f"{page};",
                f"{page}]",
                f"{page}>",
                f"{page}</a>",
                f"{page}.html&quot;",
                f"{page}' + {self._words(1)} + '",
                f'{page}", "{self._words(1)}',
                f"{page}.html](/{self._words(1)}",
                f"{page}*{self._words(1)}*",
                f"{page}.jpg 2x, {page}.jpg",
                f"{page}#{self._words(1)}')",
                f"{page}{{{self._words(1)}}}",
            ]
        )

    def _part(self) -> str:
        parts = [
            "styles",
            "ui",
            "core",
            "icons",
            "edit",
            "view",
            "user",
            "page",
            "widget",
            "helpers",
            "legacy",
        ]
        return self._random.choice([*parts, self._words(1), f"{self._words(1)}_{self._random.choice(parts)}"])

    def _dotted(self) -> str:
        return ".".join(
            self._random.choice([self._words(1), self._part()]) for _ in range(self._random.randint(1, 4))
        )

    def _smile(self) -> str:
        face = self._random.choice(
            [":-)", ";)", ":(", ":D", "<3", "))))", "!!!", "???", ":*", "=)", "o_O", "(^_^)", "^^"]
        )
        return f"{self._words(3)} {face}"
