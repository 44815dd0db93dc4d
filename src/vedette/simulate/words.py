"""The words a made-up shop is made of."""

from typing import Final

COLOURS: Final = (
    "amber",
    "black",
    "blue",
    "cream",
    "forest",
    "grey",
    "indigo",
    "linen",
    "olive",
    "red",
    "rust",
    "white",
)
MATERIALS: Final = ("canvas", "cotton", "cork", "felt", "leather", "merino", "oak", "steel", "waxed", "wool")
THINGS: Final = (
    "apron", "backpack", "basket", "belt", "blanket", "boots", "candle", "cap", "coat", "cushion",
    "desk-lamp", "flask",
    "gloves", "jacket", "kettle", "lantern", "mug", "notebook", "pan", "pillow", "rucksack", "scarf",
    "shelf", "shirt",
    "socks", "stool", "teapot", "throw", "tray", "wallet",
)  # fmt: skip
CATEGORIES: Final = (
    "bags", "bath", "bedding", "books", "boots", "coats", "decor", "garden", "gifts", "hats", "kids",
    "kitchen",
    "knitwear", "lighting", "men", "new-in", "office", "outdoor", "sale", "storage", "tableware", "travel",
    "women",
    "workwear",
)  # fmt: skip
POSTS: Final = (
    "a-day-at-the-mill", "caring-for-wool", "choosing-a-backpack", "five-soups-for-winter",
    "how-we-dye-linen",
    "meet-the-weavers", "mending-not-spending", "our-select-few-from-the-drop", "packing-light",
    "union-street-store-opens",
    "the-case-for-cast-iron", "what-is-waxed-cotton", "where-our-wool-comes-from",
    "why-we-stopped-black-friday",
    "script-and-lettering-workshop", "update-on-delivery-times",
)  # fmt: skip
TOPICS: Final = (
    "delivery", "returns", "sizes", "payment", "warranty", "gift-cards", "contact", "privacy",
    "accessibility", "stores",
)  # fmt: skip
SEARCHES: Final = (
    # As browsers send them: encoded, with the odd apostrophe and the odd word that looks like SQL or a shell.
    b"wool+scarf", b"rucksack", b"women%27s+coat", b"men%27s+boots", b"desk+lamp",
    b"select+comfort+pillow", b"kettle",
    b"union+jack+mug", b"drop+leaf+table", b"children%27s+apron", b"blanket+%26+throw", b"oak+shelf+60cm",
    b"caf%C3%A9+cups",
    b"black+or+white+cap", b"gift+under+%2430", b"o%27neill+jacket", b"table+from+oak", b"insert+for+boots",
    b"update+kit", b"cat+bed", b"echo+lamp", b"script+notebook", b"alert+bell", b"100%25+cotton+socks",
    b"t-shirt+%28m%29",
    b"50%25+sale", b"tea+%3D+teapot%3F", b"size+%3E+44", b"st%C3%BChle", b"%C3%A9tag%C3%A8re",
    b"rock+%27n%27+roll+tee",
    b"where+is+my+order", b"candle%2C+large", b"b%C3%BCro+lampe", b"merino+-+grey", b"a4+notebook",
    b"stool", b"flask+1l",
    b"kids+socks+3-5", b"group+by+brand", b"order+by+phone", b"and+1+more+mug", b"%22cast+iron%22+pan",
    b"ls-20+lantern",
)  # fmt: skip
OUTSIDE: Final = (
    # Where visitors come from, with weights.
    (b"-", 46.0),
    (b"https://www.google.com/", 28.0),
    (b"https://www.bing.com/", 5.0),
    (b"https://duckduckgo.com/", 3.0),
    (b"https://www.google.co.uk/", 3.0),
    (b"https://www.google.de/", 2.0),
    (b"https://m.facebook.com/", 3.0),
    (b"https://l.instagram.com/", 2.0),
    (b"https://t.co/q8ZkPw3Rxa", 1.0),
    (b"https://www.pinterest.com/", 2.0),
    (b"https://newsletter.shop.example/?utm_source=newsletter&utm_medium=email&utm_campaign=spring", 3.0),
    (b"https://search.example.org/?q=women%27s+coat&hl=en", 1.0),
    (b"android-app://com.google.android.googlequicksearchbox/", 1.0),
)
SOCIAL: Final = b"https://news.example.net/item?id=40812233"
"""Where a flash crowd comes from."""
