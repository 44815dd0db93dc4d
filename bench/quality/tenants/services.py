"""The services: what each is asked by day and night, and what its troubles do to it."""

from collections.abc import Callable

from tenants import calendar as on
from tenants.book import BROWSERS, Book
from tenants.calendar import DAYS, END

HOUR, DAY = 3600.0, 86400.0
CRAWLERS = (
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "66.249.73.", 0.025),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "40.77.167.", 0.015),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "54.36.148.", 0.01),
    ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
     "20.171.206.", 0.02),
    ("CCBot/2.0 (https://commoncrawl.org/faq/)", "18.97.9.", 0.004),
)  # fmt: skip
CLAUDE = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
)


def blog(book: Book) -> None:
    """WordPress: pages that are made anew each time, a job of its own every minute or so, editors' heartbeats."""
    draw, host = book.draw, on.BLOG
    for time in book.moments(0, END, 0.08):
        if book.chance(book.awake(time)):
            _reader(book, time, _article(book))
    if book.troubled:
        for _ in range(1800):
            _reader(book, on.NEWSLETTER.span[0] + draw.expovariate(1 / 420), "/2026/10/autumn-letter/")
    for agent, network, rate in CRAWLERS:
        for time in book.moments(0, END, rate):
            page = draw.choice((_article(book), _article(book), "/robots.txt", "/sitemap_index.xml",
                                f"/tag/{draw.randrange(90)}/", f"/?p={draw.randrange(900)}"))  # fmt: skip
            status = 301 if page.startswith("/?p") else 404 if book.chance(0.03) else 200
            _page(book, time, network + str(draw.randrange(30)), agent, page, status)
    for _ in range(DAYS * 2):
        time, client = draw.random() * END, f"20.171.207.{draw.randrange(90)}"
        for _ in range(draw.randrange(150, 500)):
            time += draw.expovariate(0.8)
            _page(book, time, client, CRAWLERS[3][0], _article(book))
    for time in book.moments(0, END, 1 / 70):
        book.hit(time, host, "10.8.0.4", "WordPress/6.8.3; https://blog.example", "POST",
                 f"/wp-cron.php?doing_wp_cron={time:.10f}", 200, 0, book.around(0.3, 0.8))  # fmt: skip
    for number in range(3):
        client, agent = f"91.64.11.{40 + number}", book.browser()
        for day in (0, 1, 4):
            time = day * DAY + draw.uniform(6.5, 8) * HOUR
            time = book.hit(time, host, client, agent, "GET", "/wp-login.php", 200, 6e3, 0.2)
            time = book.hit(time + 9, host, client, agent, "POST", "/wp-login.php", 302, 0, 0.4)
            until = day * DAY + draw.uniform(13, 15.5) * HOUR
            while time < until:
                time = book.hit(time + 15 + draw.random(), host, client, agent, "POST", "/wp-admin/admin-ajax.php", 200,
                                book.around(120, 0.1), book.around(0.15))  # fmt: skip
                if book.chance(0.03):
                    book.hit(
                        time + 1,
                        host,
                        client,
                        agent,
                        "GET",
                        f"/wp-admin/post.php?post={draw.randrange(900)}&action=edit",
                        200,
                        90e3,
                        book.around(0.7),
                    )
    for time in book.moments(0, END, 1 / 900):
        book.hit(time, host, book.client(), book.browser(), "POST", draw.choice(("/wp-login.php", "/xmlrpc.php")), 200,
                 book.around(5e3, 0.1), book.around(0.3))  # fmt: skip
    for time in book.moments(0, END, 0.03):
        agent = f"Feedbin feed-id:{draw.randrange(9000)} - {draw.randrange(2, 30)} subscribers"
        book.hit(
            time,
            host,
            f"52.5.8.{draw.randrange(9)}",
            agent,
            "GET",
            "/feed/",
            304 if book.chance(0.93) else 200,
        )
    if not book.troubled:
        return
    for time in book.moments(*on.SQL.span, 1 / 120):
        value = draw.choice(
            (
                "1%20AND%20(SELECT%207%20FROM%20(SELECT(SLEEP(5)))x)",
                "1)%20UNION%20ALL%20SELECT%20NULL,user_pass,NULL%20FROM%20wp_users--%20-",
                "1%27%20OR%20%271%27=%271",
            )
        )
        book.hit(
            time,
            host,
            book.client(),
            book.browser(),
            "GET",
            f"/wp-content/plugins/shelf/list.php?id={value}",
            200,
            900,
            book.around(0.2),
        )
    for time in book.moments(*on.XMLRPC.span, 3):
        book.hit(
            time, host, "194.26.192.77", book.browser(), "POST", "/xmlrpc.php", 200, 403, book.around(0.4)
        )
    begin, end = on.CRAWLER.span
    for time in book.moments(begin, end, 1.2):
        _page(book, time, f"216.73.216.{draw.randrange(60)}", CLAUDE, _article(book))
    for number, time in enumerate(book.moments(*on.COPIED.span, 1 / 4)):
        _page(book, time, "51.81.166.20", BROWSERS[0], f"/2025/{number % 12 + 1:02d}/post-{number}/")


def _article(book: Book) -> str:
    return (
        f"/20{book.draw.randrange(20, 27)}/{book.draw.randrange(1, 13):02d}/post-{book.draw.randrange(700)}/"
    )


def _page(book: Book, time: float, client: str, agent: str, page: str, status: int = 200) -> float:
    if book.during(on.LOOP, time) and not page.endswith((".txt", ".xml")):
        return book.hit(time, on.BLOG, client, agent, "GET", page, 301, 0, book.around(0.12))
    return book.hit(time, on.BLOG, client, agent, "GET", page, status, book.around(30e3), book.around(0.35))


def _reader(book: Book, time: float, page: str) -> None:
    draw, client, agent = book.draw, book.client(), book.browser()
    first = True
    while first or book.chance(0.4):
        for _ in range(20 if book.during(on.LOOP, time) else 1):
            time = _page(book, time, client, agent, page)
        if book.during(on.LOOP, time):
            return
        for asset in ("/wp-content/themes/leaf/style.css?ver=4.1", "/wp-includes/js/jquery/jquery.min.js?ver=3.7.1",
                      f"/wp-content/uploads/2026/{draw.randrange(1, 10):02d}/p{draw.randrange(400)}.jpg"):  # fmt: skip
            book.hit(time + draw.random(), on.BLOG, client, agent, "GET", asset, 200 if first else 304,
                     book.around(60e3, 0.8) if first else 0, 0.002)  # fmt: skip
        if book.chance(0.2):
            book.hit(
                time + 5,
                on.BLOG,
                client,
                agent,
                "POST",
                "/wp-admin/admin-ajax.php",
                200,
                400,
                book.around(0.2),
            )
        first, page = (
            False,
            draw.choice((_article(book), "/", f"/?s={draw.choice(('soup', 'bread', 'don%27t'))}")),
        )
        time += draw.expovariate(1 / 60)


def graph(book: Book) -> None:
    """One route is asked for everything, and answers 200 also when it fails."""
    draw, host = book.draw, on.GRAPH
    accounts = [(book.client(), book.browser()) for _ in range(400)]

    def ask(time: float, client: str, agent: str) -> float:
        heavy = book.chance(0.1)
        seconds, size = (
            (book.around(0.9), book.around(40e3)) if heavy else (book.around(0.05), book.around(1500, 0.9))
        )
        if book.during(on.TAIL, time) and book.chance(0.125):
            seconds = book.around(4, 0.2)
        if book.during(on.MANY, time):
            seconds = min(30.0, seconds * 8)
        status = 200 if not book.chance(0.0006) else 502
        if book.during(on.DEPLOY, time) and time % 60 < 9 and book.chance(0.3):
            status, seconds, size = 502, 0.001, 0
        return book.hit(
            time, host, client, agent, "POST", "/graphql", status, size, seconds, book.around(900, 0.3)
        )

    for start in book.moments(0, END, 0.03):
        if not book.chance(0.7 * book.at_work(start) + 0.3 * book.awake(start)):
            continue
        client, agent = draw.choice(accounts)
        time = book.hit(start, host, client, agent, "GET", "/", 200, 1800, 0.002)
        for asset in ("/assets/index-B7x2.js", "/assets/index-Kd0a.css", "/assets/chunk-board-9fQ1.js"):
            gone = "board" in asset and book.during(on.SCRIPT, time)
            status = 404 if gone else 304 if book.chance(0.7) else 200
            book.hit(
                time + 0.1, host, client, agent, "GET", asset, status, 200e3 if status == 200 else 0, 0.003
            )
        for _ in range(draw.randrange(3, 60)):
            begin = time
            for _ in range(draw.choice((1, 1, 2, 4))):
                time = max(time, ask(begin + draw.random() * 0.05, client, agent))
            time += draw.expovariate(1 / 25)
    if not book.troubled:
        return
    client, agent = accounts[7]
    for time in book.moments(*on.EXPORT.span, 0.25):
        book.hit(
            time, host, client, agent, "POST", "/graphql", 200, book.around(150e3, 0.1), book.around(0.8), 950
        )
    many = [book.client() for _ in range(2500)]
    for time in book.moments(*on.MANY.span, 50):
        book.hit(time, host, draw.choice(many), book.browser(), "POST", "/graphql", 200 if book.chance(0.6) else 504,
                 book.around(40e3), book.around(9), 1400)  # fmt: skip


def pay(book: Book) -> None:
    """Few partners with a key each; what was not answered is sent once more, cards are declined."""
    draw, host = book.draw, on.PAY
    partners = (("35.198.4.10", "shopcore/4.2", 0.25), ("52.29.7.81", "bookings-java/11", 0.15),
                ("18.184.2.6", "Stripe-like/2.0 ruby", 0.08), ("49.12.9.3", "till-php/8.3", 0.03),
                ("3.66.7.7", "donate/1.0", 0.015))  # fmt: skip
    for number, (client, agent, rate) in enumerate(partners):
        for time in book.moments(0, END, rate * 2):
            double = number == 1 and book.during(on.GOLIVE, time)
            if not book.chance((1.0 if double else 0.5) * book.awake(time)):
                continue
            if number == 1 and book.during(on.KEY, time):
                for attempt in range(3):
                    book.hit(
                        time + attempt * 2, host, client, agent, "POST", "/v1/charges", 401, 90, 0.004, 600
                    )
                continue
            seconds = book.around(0.45) * (5 if book.during(on.BANK, time) else 1)
            status = 402 if book.chance(0.08) else 201
            if book.chance(0.004):
                book.hit(time, host, client, agent, "POST", "/v1/charges", 504, 0, 10.0, 600)
                time += 12
            over = book.hit(
                time, host, client, agent, "POST", "/v1/charges", status, 800, min(seconds, 10), 600
            )
            if seconds > 8:
                book.hit(time + 8, host, client, agent, "POST", "/v1/charges", 409, 120, 0.01, 600)
            charge = f"/v1/charges/ch_{draw.getrandbits(64):016x}"
            for _ in range(draw.choice((0, 1, 1, 3))):
                over = book.hit(over + 2, host, client, agent, "GET", charge, 200, 800, book.around(0.03))
            if book.chance(0.03):
                book.hit(
                    over + 600,
                    host,
                    client,
                    agent,
                    "POST",
                    charge + "/refunds",
                    201,
                    300,
                    book.around(0.5),
                    80,
                )
    for day in range(DAYS):
        for page in range(1, 260):
            book.hit(
                day * DAY + 3 * HOUR + page * 0.9,
                host,
                "35.198.4.11",
                "shopcore-settle/1",
                "GET",
                f"/v1/balance/transactions?page={page}",
                200,
                book.around(60e3, 0.05),
                book.around(0.25),
            )


def tickets(book: Book) -> None:
    """Each noon something goes on sale: a crowd waits, asks every ten seconds for its turn, and is told 409."""
    draw, host = book.draw, on.TICKETS

    def buy(time: float, client: str, agent: str, event: str, crowd: bool) -> None:
        time = book.hit(time, host, client, agent, "GET", f"/events/{event}", 200, 26e3, book.around(0.08))
        if crowd:
            token, turn = f"{draw.getrandbits(48):012x}", time + draw.uniform(10, 500)
            while time < turn:
                time = book.hit(
                    time + 10, host, client, agent, "GET", f"/queue/status?t={token}", 200, 80, 0.004
                )
        for _ in range(draw.randrange(1, 4)):
            time = book.hit(
                time + 12, host, client, agent, "GET", f"/events/{event}/seats", 200, 70e3, book.around(0.2)
            )
            taken = book.chance(0.5 if crowd else 0.05)
            time = book.hit(
                time + draw.expovariate(1 / 15),
                host,
                client,
                agent,
                "POST",
                "/cart",
                409 if taken else 201,
                90,
                book.around(0.1),
                200,
            )
            if not taken:
                break
        else:
            return
        if book.chance(0.6):
            fails = book.during(on.PAYING, time + 60)
            book.hit(time + 60, host, client, agent, "POST", "/checkout", 504 if fails else 302, 0,
                     20.0 if fails else book.around(1.4), 900)  # fmt: skip

    for time in book.moments(0, END, 0.045):
        if book.chance(book.awake(time)):
            buy(time, book.client(), book.browser(), f"{draw.randrange(300)}-show", False)
    sales = [(day * DAY + 12 * HOUR - on.ahead(day * DAY + 12 * HOUR), 350) for day in range(DAYS)]
    if book.troubled:
        sales.append((on.ONSALE.span[0], 2500))
    for begin, many in sales:
        for _ in range(int(book.around(many, 0.15))):
            buy(begin + draw.gauss(0, 60) + draw.expovariate(1 / 200), book.client(), book.browser(),
                f"{int(begin) % 977}-big", True)  # fmt: skip
    if book.troubled:
        for number in range(40):
            client = f"104.234.7.{20 + number}"
            for time in book.moments(*on.SCALPERS.span, 0.12):
                book.hit(time, host, client, BROWSERS[0], "POST", "/cart", 409 if book.chance(0.8) else 201, 90,
                         book.around(0.1), 200)  # fmt: skip


def tiles(book: Book) -> None:
    """A map's squares: many at once, half of them not changed since, the sea is empty; one file is read in ranges."""
    draw, host = book.draw, on.TILES

    def look(time: float, client: str, agent: str, around: tuple[int, int], often: int) -> None:
        zoom, known = draw.randrange(9, 16), book.chance(0.5)
        for _ in range(often):
            for number in range(draw.choice((6, 12, 12))):
                tile = f"/v2/streets/{zoom}/{around[0] + number % 4}/{around[1] + number // 4}.png"
                missed = book.chance(0.95 if book.during(on.CACHE, time) else 0.08)
                seconds = book.around(0.35, 0.6) if missed else 0.0015
                if known and book.chance(0.7) and not book.during(on.CACHE, time):
                    status, size = 304, 0.0
                elif book.chance(0.06) or (book.during(on.EMPTY, time) and book.chance(0.9)):
                    status, size = 204, 0.0
                else:
                    status, size = 200, book.around(14e3, 0.6)
                book.hit(time + number * 0.01, host, client, agent, "GET", tile, status, size, seconds)
            time += draw.expovariate(1 / 12)

    for time in book.moments(0, END, 0.03):
        if book.chance(book.awake(time)):
            place = (draw.randrange(500, 9000), draw.randrange(500, 9000))
            look(time, book.client(), book.browser(), place, draw.randrange(1, 5))
    for time in book.moments(0, END, 0.02):
        if book.chance(book.awake(time)):
            book.hit(time, host, book.client(), "hiker/3.1 (Android 15)", "GET", "/terrain.pmtiles", 206,
                     book.around(90e3), book.around(0.02))  # fmt: skip
    if not book.troubled:
        return
    for number, time in enumerate(book.moments(*on.BULK.span, 10)):
        book.hit(time, host, "88.198.44.12", "Mozilla/5.0 QGIS/33415", "GET",
                 f"/v2/streets/16/{34000 + number // 190}/{21000 + number % 190}.png", 200, book.around(14e3),
                 book.around(0.3))  # fmt: skip
    for _ in range(1500):
        look(on.NEWSPAPER.span[0] + draw.expovariate(1 / 500), book.client(), book.browser(), (4402, 2687), 1)


def mobile(book: Book) -> None:
    """An app whose token lasts an hour: each time it is opened it is refused once; thrice a day a push opens many."""
    draw, host = book.draw, on.MOBILE
    versions = (
        (25, "Fare/7.4.1 (Android 15; Pixel 8) okhttp/4.12.0"),
        (20, "Fare/7.5.0 (Android 14; SM-A546B) okhttp/4.12.0"),
        (12, "Fare/7.3.9 (Android 13; M2101K6G) okhttp/4.12.0"),
        (25, "Fare/7.4.1 (com.fare; build:2210; iOS 18.6.0) Alamofire/5.9.1"),
        (18, "Fare/7.5.0 (com.fare; build:2302; iOS 26.0.1) Alamofire/5.9.1"),
    )

    def opened(time: float) -> None:
        client = book.client()
        agent = draw.choices([name for _, name in versions], [many for many, _ in versions])[0]
        if book.during(on.ANDROID, time) and "Android" in agent:
            return
        renamed = 0.0
        if book.since(on.RENAMED, time):
            renamed = min(1.0, (time - on.RENAMED.span[0]) / 8000) * 0.8
            if book.chance(renamed):
                agent = agent.replace("7.5.0", "7.6.0").replace("7.4.1", "7.6.0")
        if book.chance(0.6):
            time = book.hit(time, host, client, agent, "GET", "/v3/me", 401, 60, 0.003)
            for attempt in range(8):
                failing = book.during(on.RENEWAL, time)
                status = 200 if not failing else 503
                time = book.hit(
                    time, host, client, agent, "POST", "/oauth/token", status, 900, book.around(0.07), 300
                )
                if not failing:
                    break
                time += 1.5 * (attempt + 1)
            else:
                return
        feed = "/v4/home" if "7.6.0" in agent else "/v3/feed"
        for route in ("/v3/me", feed, f"/v3/tickets/{draw.getrandbits(40):010x}", "/v3/banners"):
            broken = (
                route == "/v3/feed" and "7.5.0" in agent and "iOS" in agent and book.during(on.VERSION, time)
            )
            status = 500 if broken else 304 if route == "/v3/banners" and book.chance(0.8) else 200
            time = book.hit(time, host, client, agent, "GET", route, status, 70 if broken else book.around(3e3),
                            book.around(0.05))  # fmt: skip
        for _ in range(draw.randrange(6)):
            time += draw.expovariate(1 / 15)
            time = book.hit(time, host, client, agent, "GET", f"/v3/departures?stop={draw.randrange(4000)}", 200,
                            book.around(2e3), book.around(0.09))  # fmt: skip
        if book.chance(0.3):
            book.hit(time + 20, host, client, agent, "POST", "/v3/events", 202, 0, 0.005, book.around(2e3))

    for time in book.moments(0, END, 0.14):
        if book.chance(book.awake(time)):
            opened(time)
    for day in range(DAYS):
        for hour in (7, 12.5, 17.25):
            push = day * DAY + hour * HOUR - on.ahead(day * DAY + hour * HOUR) + draw.uniform(-300, 300)
            for _ in range(int(book.around(250, 0.2))):
                opened(push + draw.expovariate(1 / 70))


def login(book: Book) -> None:
    """Single sign-on: people are sent here and back; services ask for keys and renew, all day, by night too."""
    draw, host = book.draw, on.LOGIN

    def token(time: float, client: str, agent: str, body: int = 500) -> float:
        seconds = book.around(0.06) * (8 if book.during(on.NIGHT, time) else 1)
        status = 400 if book.chance(0.01) else 200
        return book.hit(time, host, client, agent, "POST", "/oauth2/token", status, 1700, seconds, body)

    for time in book.moments(0, END, 0.12):
        if not book.chance(0.6 * book.at_work(time) + 0.4 * book.awake(time)):
            continue
        client, agent, app = (
            book.client(),
            book.browser(),
            draw.choice(("graph", "files", "wiki", "mail", "hr")),
        )
        state, nonce = draw.getrandbits(60), draw.getrandbits(60)
        query = f"client_id={app}&response_type=code&state={state:015x}&nonce={nonce:015x}"
        known = book.chance(0.65)
        target = f"/oauth2/authorize?{query}&scope=openid%20profile"
        time = book.hit(time, host, client, agent, "GET", target, 302, 0, book.around(0.02))
        if not known:
            time = book.hit(time, host, client, agent, "GET", "/login", 200, 9e3, book.around(0.02))
            while book.chance(0.12):
                time = book.hit(
                    time + 12, host, client, agent, "POST", "/login", 401, 9e3, book.around(0.25), 120
                )
            time = book.hit(time + 15, host, client, agent, "POST", "/login", 302, 0, book.around(0.25), 120)
        time = token(time + 0.1, f"10.8.1.{draw.randrange(5)}", f"{app}-server/2")
        book.hit(
            time, host, f"10.8.1.{draw.randrange(5)}", f"{app}-server/2", "GET", "/userinfo", 200, 500, 0.01
        )
    for time in book.moments(0, END, 0.15):
        token(time, f"10.8.2.{draw.randrange(12)}", "svc-mesh-auth/1.4", 420)
    for time in book.moments(0, END, 0.02):
        gone = book.during(on.KEYS, time)
        book.hit(time, host, f"10.8.2.{draw.randrange(12)}", "jose/5.9", "GET", "/.well-known/jwks.json",
                 500 if gone else 200, 90 if gone else 1600, 0.003)  # fmt: skip
    if not book.troubled:
        return
    addresses = [book.client() for _ in range(500)]
    for time in book.moments(*on.STUFFED.span, 0.4):
        status = 302 if book.chance(0.008) else 401
        book.hit(
            time,
            host,
            draw.choice(addresses),
            book.browser(),
            "POST",
            "/login",
            status,
            9e3,
            book.around(0.25),
            120,
        )
    for time in book.moments(*on.CODES.span, 2):
        book.hit(
            time,
            host,
            "139.99.8.41",
            "python-httpx/0.28.1",
            "POST",
            "/oauth2/token",
            400,
            60,
            book.around(0.02),
            310,
        )


def models(book: Book) -> None:
    """Answers that are written word by word for a minute; who asks for too much is told 429, and some always do."""
    draw, host = book.draw, on.MODELS
    customers = [
        (
            book.client(),
            draw.choice(("openai-python/1.99.1", "openai-node/5.12.2", "langchain/0.3", "curl/8.9.1")),
        )
        for _ in range(40)
    ]

    def chat(time: float, client: str, agent: str, long: float = 1.0) -> float:
        words = min(2000.0, book.around(450, 0.8) * long)
        slow = book.during(on.STOLEN, time)
        if slow and book.chance(0.3):
            return book.hit(
                time, host, client, agent, "POST", "/v1/chat/completions", 503, 110, book.around(2.0), 4e3
            )
        seconds = 0.4 + words / 38 * (1.6 if slow else 1)
        if book.during(on.CUT, time) and book.chance(0.8):
            words, seconds = 20, book.around(0.9, 0.2)
        if seconds > 8 and book.during(on.LONG, time) and book.chance(1 / 4):
            return book.hit(time, host, client, agent, "POST", "/v1/chat/completions", 504, 90, 60.0, 4e3)
        return book.hit(time, host, client, agent, "POST", "/v1/chat/completions", 200, words * 190, min(seconds, 60),
                        book.around(4e3, 0.9))  # fmt: skip

    for time in book.moments(0, END, 0.22):
        if book.chance(0.25 + 0.75 * book.at_work(time)):
            chat(time, *customers[int(40 * draw.random() ** 2)])
    for time in book.moments(0, END, 0.25):
        if book.chance(0.3 + 0.7 * book.at_work(time)):
            client, agent = draw.choice(customers)
            book.hit(
                time,
                host,
                client,
                agent,
                "POST",
                "/v1/embeddings",
                200,
                book.around(20e3),
                book.around(0.12),
                2e3,
            )
    for begin in book.moments(0, END, 1 / 3000):
        client, agent = customers[3 + draw.randrange(4)]
        for time in book.moments(begin, begin + draw.uniform(60, 240), 2):
            if book.chance(0.6):
                book.hit(time, host, client, agent, "POST", "/v1/chat/completions", 429, 140, 0.003, 4e3)
            else:
                chat(time, client, agent, 0.4)
    for day in range(DAYS):
        begin = day * DAY + 21.5 * HOUR
        for time in book.moments(begin, begin + draw.uniform(1.5, 2) * HOUR, 0.5):
            book.hit(time, host, "34.141.9.9", "batch/0.9", "POST", "/v1/embeddings", 200, book.around(90e3, 0.1),
                     book.around(0.5), 30e3)  # fmt: skip
    if not book.troubled:
        return
    client = book.client()
    for time in book.moments(*on.STOLEN.span, 1.5):
        chat(time, client, "python-requests/2.32.5", 4)
    for time in book.moments(*on.LOAD.span, 4):
        book.hit(
            time,
            host,
            "91.64.11.9",
            "k6/1.2.3 (https://k6.io/)",
            "POST",
            "/v1/embeddings",
            200,
            book.around(20e3),
            book.around(0.13),
            2e3,
        )


def forms(book: Book) -> None:
    """An authority's: in office hours mostly, step by step, with papers sent up and letters fetched."""
    draw, host = book.draw, on.FORMS
    for begin in book.moments(0, END, 0.12):
        share = 0.25 if not book.during(on.DEADLINE, begin) else 1.0
        if not book.chance(share * (0.75 * book.at_work(begin) + 0.25 * book.awake(begin))):
            continue
        client, agent, time = book.client(), book.browser(), begin
        time = book.hit(time, host, client, agent, "GET", "/", 200, 15e3, book.around(0.06))
        for asset in ("/static/gov.css", "/static/gov.js"):
            book.hit(time, host, client, agent, "GET", asset, 304 if book.chance(0.3) else 200, 90e3, 0.003)
        if book.chance(0.35):
            letter = f"/letters/{draw.randrange(100_000, 900_000)}.pdf"
            book.hit(
                time + 20, host, client, agent, "GET", letter, 200, book.around(700e3, 0.6), book.around(0.6)
            )
            continue
        form = draw.choice(("housing", "housing", "parking", "childcare"))
        for step in range(1, 6):
            time = book.hit(
                time + draw.expovariate(1 / 70),
                host,
                client,
                agent,
                "GET",
                f"/forms/{form}/{step}",
                200,
                12e3,
                book.around(0.08),
            )
            if book.chance(0.1):
                break
            if step == 4:
                time = book.hit(time + 30, host, client, agent, "POST", "/uploads", 201, 60, book.around(2.5),
                                book.around(2e6, 0.7))  # fmt: skip
            fails = step == 3 and book.during(on.STEP, time + 60)
            status = 500 if fails else 422 if book.chance(0.12) else 303
            time = book.hit(
                time + 60,
                host,
                client,
                agent,
                "POST",
                f"/forms/{form}/{step}",
                status,
                400,
                book.around(0.15),
                900,
            )
            if fails:
                break
    if not book.troubled:
        return
    holes = [
        f"{folder}{name}"
        for folder in ("/", "/old/", "/admin/", "/backup/", "/api/", "/test/")
        for name in (
            "backup.zip",
            "db.sql",
            ".env",
            "config.php.bak",
            "login",
            "phpinfo.php",
            "console",
            "users",
            "dump.tar.gz",
            "web.config",
            ".git/HEAD",
            "server-status",
            "swagger.json",
            "id_rsa",
            "debug",
            "upload",
            "shell.php",
        )
    ]
    begin, end = on.HOLES.span
    for number, hole in enumerate(holes):
        time = begin + (end - begin) * (number + draw.random()) / len(holes)
        book.hit(time, host, "185.189.12.6", BROWSERS[2], "GET", hole, 404, 900, 0.004)
    for number, time in enumerate(book.moments(*on.LETTERS.span, 4)):
        book.hit(time, host, "77.111.247.30", BROWSERS[0], "GET", f"/letters/{410_000 + number}.pdf",
                 200 if book.chance(0.7) else 404, book.around(700e3, 0.6), book.around(0.6))  # fmt: skip


def packages(book: Book) -> None:
    """Builds ask for what they may not need: a fifth is not there, most has not changed, some comes from elsewhere."""
    draw, host = book.draw, on.PACKAGES

    def build(time: float, client: str, cold: bool) -> None:
        maven = book.chance(0.5)
        agent = (
            "Apache-Maven/3.9.9 (Java 21.0.4; Linux 6.1.0)" if maven else "npm/10.8.2 node/v22.9.0 linux x64"
        )
        for _ in range(draw.randrange(15, 90)):
            name, version = (
                f"lib-{int(draw.paretovariate(0.7)) % 3000}",
                f"{draw.randrange(9)}.{draw.randrange(20)}.0",
            )
            missed = book.chance(0.5 if cold else 0.08)
            status, size, seconds = 200, book.around(60e3, 1.2), book.around(0.3 if missed else 0.01)
            if maven:
                file = draw.choice(
                    (
                        "maven-metadata.xml",
                        f"{version}/{name}-{version}.pom",
                        f"{version}/{name}-{version}.jar",
                    )
                )
                target = f"/maven/org/acme/{name}/{file}"
                if file.endswith("xml") and book.chance(0.6):
                    status, size = 404, 150.0
            else:
                target = f"/npm/{name}" if book.chance(0.5) else f"/npm/{name}/-/{name}-{version}.tgz"
                if not cold and book.chance(0.5):
                    status, size = 304, 0.0
            if missed and book.during(on.UPSTREAM, time):
                status, size, seconds = 502, 180.0, 5.0
            time = book.hit(
                time + draw.expovariate(8), host, client, agent, "GET", target, status, size, seconds
            )

    for time in book.moments(0, END, 0.012):
        if book.chance(0.1 + 0.9 * book.at_work(time)):
            build(time, f"10.9.0.{draw.randrange(4, 24)}", book.chance(0.1))
    for day in range(DAYS):
        for _ in range(25):
            build(day * DAY + 1 * HOUR + draw.random() * 400, f"10.9.0.{draw.randrange(4, 24)}", False)


def files(book: Book) -> None:
    """Machines ask every half minute whether anything changed, each time refused first; a backup reads all by night."""
    draw, host = book.draw, on.FILES
    machines = [
        (f"93.104.{n % 5}.{n + 3}", f"Mozilla/5.0 (Windows) mirall/3.13.{n % 4} (Nextcloud)", n)
        for n in range(25)
    ]

    def change(time: float, client: str, agent: str, user: int) -> None:
        path = f"/remote.php/dav/files/u{user}/{draw.choice(('Photos', 'Work', 'Notes'))}/{draw.randrange(9000)}.bin"
        kind = draw.choices(("GET", "PUT", "MOVE", "DELETE", "MKCOL", "LOCK"), (50, 35, 3, 6, 3, 3))[0]
        status = {"GET": 200, "PUT": 201, "MOVE": 201, "DELETE": 204, "MKCOL": 405, "LOCK": 423}[kind]
        if kind == "PUT" and book.during(on.FULL, time):
            status = 507
        sent = book.around(300e3, 1.2) if kind == "PUT" else 0
        book.hit(time, host, client, agent, kind, path, status, book.around(300e3, 1.2) if kind == "GET" else 200,
                 book.around(0.2), sent)  # fmt: skip

    for client, agent, user in machines:
        home = user % 3 == 0
        time, asleep = draw.random() * 30, 0.02
        while time < END:
            here = book.awake(time) if home else book.at_work(time)
            if not book.chance(max(asleep, here)):
                time += draw.uniform(300, 1500)
                continue
            until = time + draw.uniform(1200, 5400)
            time = book.hit(
                time, host, client, agent, "PROPFIND", f"/remote.php/dav/files/u{user}/", 401, 200, 0.01
            )
            while time < min(until, END):
                time = book.hit(time + 30 + draw.gauss(0, 0.3), host, client, agent, "PROPFIND",
                                f"/remote.php/dav/files/u{user}/", 207, 1100, book.around(0.06))  # fmt: skip
                while book.chance(0.06):
                    for number in range(draw.randrange(1, 12)):
                        change(time + number * 0.3, client, agent, user)
    for day in range(DAYS):
        for number in range(1500):
            book.hit(day * DAY + 1.5 * HOUR + number * 0.4, host, "10.8.0.99", "rclone/v1.68.1", "GET",
                     f"/remote.php/dav/files/u{number % 25}/Work/{number}.bin", 200, book.around(300e3, 1.2),
                     book.around(0.1))  # fmt: skip
    if not book.troubled:
        return
    client, agent, user = machines[9]
    for number, time in enumerate(book.moments(*on.ENCRYPTED.span, 1)):
        path = f"/remote.php/dav/files/u{user}/Work/{number}.bin"
        over = book.hit(
            time,
            host,
            client,
            agent,
            "PUT",
            path + ".lock3d",
            201,
            0,
            book.around(0.3),
            book.around(300e3, 1.2),
        )
        book.hit(over, host, client, agent, "DELETE", path, 204, 0, 0.05)
    client, agent, user = "93.104.9.77", "Mozilla/5.0 (Macintosh) mirall/3.14.1 (Nextcloud)", 4
    for number in range(4000):
        time = on.MACHINE.span[0] + number * 0.4
        book.hit(time, host, client, agent, "GET", f"/remote.php/dav/files/u{user}/Work/{number}.bin", 200,
                 book.around(300e3, 1.2), book.around(0.15))  # fmt: skip


def strangers(book: Book) -> None:
    """What comes to any address there is: looks for holes, and those who ask whether a service is up."""
    draw = book.draw
    for time in book.moments(0, END, 0.012):
        target = draw.choice(
            (
                "/.env",
                "/wp-login.php",
                "/.git/config",
                "/",
                "/robots.txt",
                "/favicon.ico",
                "/actuator/health",
                "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
            )
        )
        agent = draw.choice(
            (
                "Mozilla/5.0",
                "Go-http-client/1.1",
                "Mozilla/5.0 (compatible; CensysInspect/1.1)",
                "curl/7.88.1",
            )
        )
        book.hit(time, draw.choice(on.HOSTS), book.client(), agent, "GET", target, 404, 150, 0.003)
    for number, host in enumerate(on.HOSTS):
        for minute in range(int(END // 60)):
            time = minute * 60 + 3.0 + number
            book.hit(
                time, host, "5.161.7.8", "Better Stack Better Uptime Bot", "GET", "/health", 200, 2, 0.002
            )
            if book.since(on.MONITOR, time):
                agent = "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"
                book.hit(time + 20, host, "216.144.250.150", agent, "HEAD", "/", 200, 0, 0.02)


SERVICES: tuple[Callable[[Book], None], ...] = (
    blog, graph, pay, tickets, tiles, mobile, login, models, forms, packages, files, strangers,
)  # fmt: skip
