"""The sites: what each is asked by day and night, and what its troubles do to it."""

from collections.abc import Callable

from hosted import calendar as on
from hosted.book import Book
from hosted.calendar import DAYS, END

HOUR, DAY = 3600.0, 86400.0


def chat(book: Book) -> None:
    """Long polls: an answer comes after half a minute, or when somebody says something."""
    draw = book.draw
    people = [(book.client(), book.browser()) for _ in range(45)]
    for client, agent in people:
        time = draw.random() * 40
        while time < END:
            if not book.chance(0.15 + 0.85 * book.awake(time)):
                time += draw.uniform(600, 3600)
                continue
            until = time + draw.expovariate(1 / 2400)
            channel = draw.randrange(40)
            while time < min(until, END):
                waited = 30.0 if book.chance(0.7) else draw.uniform(0.05, 30)
                if book.during(on.RECONNECT, time) and book.chance(0.3):
                    time = book.hit(time, on.CHAT, client, agent, "GET", "/api/v4/websocket", 502, 150, 0.01)
                if book.during(on.BUSY, time):
                    waited = draw.uniform(0.3, 1.2)
                status = 200 if waited < 30 else 204
                target = f"/poll?channel={channel}&since={int(time * 10)}"
                size = book.around(900) if status == 200 else 0
                time = book.hit(time, on.CHAT, client, agent, "GET", target, status, size, waited)
                if book.chance(0.15):
                    lost = book.during(on.LOST, time) and book.chance(0.5)
                    time = book.hit(
                        time + 1, on.CHAT, client, agent, "POST", "/messages", 500 if lost else 201, 60,
                        book.around(0.03),
                    )  # fmt: skip


def things(book: Book) -> None:
    """150 devices tell their state every five minutes, and all of them what they counted, on the hour."""
    draw = book.draw
    devices = [(f"10.{60 + n % 3}.0.{n + 2}", draw.uniform(0, 300), n % 3) for n in range(150)]
    for client, phase, network in devices:
        agent = "sensor/2.4.1 (esp-idf 5.1)"
        name = client.replace(".", "-")
        time = phase
        while time < END:
            time += 300 + draw.gauss(0, 0.4)
            if book.during(on.OFFLINE, time) and network == 0:
                continue
            refused = book.during(on.REFUSED, time)
            book.hit(
                time, on.THINGS, client, agent, "POST", f"/v1/devices/{name}/state", 413 if refused else 204, 0,
                book.around(0.012),
            )  # fmt: skip
        for hour in range(DAYS * 24):
            time = hour * HOUR + draw.uniform(0, 20)
            if not (book.during(on.OFFLINE, time) and network == 0):
                book.hit(time, on.THINGS, client, agent, "POST", f"/v1/devices/{name}/counts", 204, 0, 0.03)
        if book.troubled:
            time = on.UPDATE.span[0] + draw.uniform(0, 240)
            for target in ("/v1/time", f"/v1/devices/{name}/config", "/v1/firmware/2.5.0.bin"):
                size = 800_000 if target.endswith("bin") else 300
                time = book.hit(time, on.THINGS, client, agent, "GET", target, 200, size, 0.3)


def news(book: Book) -> None:
    """Pages with their pictures and styles; three alerts a day send many to one page within minutes."""
    draw = book.draw
    alerts = [day * DAY + draw.uniform(5, 19) * HOUR for day in range(DAYS) for _ in range(2)]
    if book.troubled:
        alerts.append(on.ALERT.span[0])
    for time in book.moments(0, END, 0.16):
        if book.chance(book.awake(time)):
            _reader(book, time, f"/politics/{draw.randrange(900)}-article", draw.randrange(1, 5))
    for alert in alerts:
        page = f"/breaking/{int(alert)}-story"
        for _ in range(int(book.around(900, 0.3))):
            _reader(book, alert + draw.expovariate(1 / 240), page, 1)
    for time in book.moments(0, END, 0.03):
        target = f"/politics/{draw.randrange(900)}-article"
        bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
        book.hit(
            time, on.NEWS, f"66.249.66.{draw.randrange(20)}", bot, "GET", target, 200, book.around(38e3), 0.08
        )
    for time in book.moments(0, END, 0.06):
        agent = f"Feedly/1.0 (+http://www.feedly.com/fetcher.html; {draw.randrange(5, 90)} subscribers)"
        book.hit(
            time, on.NEWS, "8.29.198.26", agent, "GET", "/feed.xml", 304 if book.chance(0.9) else 200, 0, 0.01
        )


def _reader(book: Book, time: float, page: str, pages: int) -> None:
    draw, client, agent = book.draw, book.client(), book.browser()
    for number in range(pages):
        size = book.around(38e3, 0.2)
        time = book.hit(time, on.NEWS, client, agent, "GET", page, 200, size, book.around(0.06))
        for asset in ("/assets/app-4f1c.css", "/assets/app-4f1c.js", f"/img/{draw.randrange(3000)}.webp"):
            gone = asset.endswith("css") and book.during(on.STYLES, time)
            status = 404 if gone else 200 if number == 0 else 304
            book.hit(time + 0.2, on.NEWS, client, agent, "GET", asset, status, 150 if gone else 24e3, 0.004,
                     f"https://{on.NEWS}{page}")  # fmt: skip
        if number == 0 and book.chance(0.12):
            book.hit(
                time + 0.4,
                on.NEWS,
                client,
                agent,
                "GET",
                "/apple-touch-icon-precomposed.png",
                404,
                150,
                0.003,
            )
        time += draw.expovariate(1 / 40)
        if book.chance(0.15):
            down = book.during(on.SEARCH, time)
            word = draw.choice(("wahl", "bahn+streik", "wetter", "o%27brien", "5%25+mehr", "fußball"))
            time = book.hit(time, on.NEWS, client, agent, "GET", f"/search?q={word}", 500 if down else 200, 9e3,
                            book.around(0.25))  # fmt: skip
        page = f"/politics/{draw.randrange(900)}-article"


def git(book: Book) -> None:
    """Each fetch is refused first and let in then, as the protocol has it; builds clone, people look."""
    draw = book.draw
    runners = [f"172.31.7.{n}" for n in range(4, 12)]
    for time in book.moments(0, END, 0.12):
        saturday = book.during(on.SATURDAY, time)
        if not book.chance(1.0 if saturday else book.at_work(time)):
            continue
        project = f"/team/{draw.choice(('api', 'web', 'infra', 'app', 'docs'))}.git"
        for _ in range(draw.choice((1, 1, 3, 6))):
            client, agent = draw.choice(runners), "git/2.47.1"
            target = f"{project}/info/refs?service=git-upload-pack"
            start = time + draw.uniform(0, 20)
            start = book.hit(start, on.GIT, client, agent, "GET", target, 401, 26, 0.01)
            start = book.hit(start, on.GIT, client, agent, "GET", target, 200, 40e3, 0.06)
            book.hit(start, on.GIT, client, agent, "POST", f"{project}/git-upload-pack", 200,
                     book.around(8e6, 1.0), book.around(1.2, 0.6))  # fmt: skip
    for time in book.moments(0, END, 0.05):
        if book.chance(book.at_work(time)):
            client, agent = f"84.17.{draw.randrange(4)}.{draw.randrange(9)}", book.browser()
            target = draw.choice(
                ("/team/api", "/team/web/-/merge_requests/312", "/dashboard", "/team/api/-/pipelines")
            )
            book.hit(time, on.GIT, client, agent, "GET", target, 200, book.around(60e3), book.around(0.4))
            if book.chance(0.05):
                book.hit(time + 9, on.GIT, client, agent, "POST", "/users/sign_in", 302, 120, 0.2)
    if book.troubled:
        begin, end = on.GUESSED.span
        for time in book.moments(begin, end, 0.2):
            agent = "python-requests/2.32.3"
            book.hit(
                time, on.GIT, "45.155.205.99", agent, "POST", "/users/sign_in", 401, 4e3, book.around(0.25)
            )


def registry(book: Book) -> None:
    """Images: every pull asks without a token first, layers that are there are not sent again."""
    draw = book.draw
    for time in book.moments(0, END, 0.05):
        client, agent = f"172.31.9.{draw.randrange(4, 60)}", "containerd/1.7.27"
        name = draw.choice(("shop/web", "shop/api", "tools/backup", "base/python"))
        pushes = book.chance(0.25 * book.at_work(time))
        target = f"/v2/{name}/manifests/{draw.randrange(400, 480)}"
        time = book.hit(time, on.REGISTRY, client, agent, "HEAD", target, 401, 0, 0.004)
        time = book.hit(
            time, on.REGISTRY, client, agent, "GET", f"/token?scope=repository:{name}:pull", 200, 1200, 0.03
        )
        time = book.hit(time, on.REGISTRY, client, agent, "HEAD", target, 404 if pushes else 200, 0, 0.01)
        for _ in range(draw.randrange(1, 6)):
            blob = f"/v2/{name}/blobs/sha256:{draw.getrandbits(256):064x}"
            if not pushes:
                time = book.hit(time, on.REGISTRY, client, agent, "GET", blob, 307, 0, 0.01)
                continue
            time = book.hit(time, on.REGISTRY, client, agent, "HEAD", blob, 404, 0, 0.01)
            upload = f"/v2/{name}/blobs/uploads/{draw.getrandbits(64):016x}"
            time = book.hit(time, on.REGISTRY, client, agent, "POST", upload, 202, 0, 0.02)
            full = book.during(on.FULL, time)
            time = book.hit(
                time, on.REGISTRY, client, agent, "PATCH", upload, 500 if full else 202, 0, book.around(4)
            )
            if full:
                break
            time = book.hit(time, on.REGISTRY, client, agent, "PUT", upload, 201, 0, 0.1)


def video(book: Book) -> None:
    """Segments of a few seconds each, to a few people for an hour or two."""
    draw = book.draw
    for time in book.moments(0, END, 0.004):
        if book.chance(book.awake(time)):
            _film(book, time, book.client(), draw.uniform(300, 5400))
    if not book.troubled:
        return
    client = book.client()
    for _ in range(4):
        _film(book, on.FILMS.span[0] + draw.random() * 60, client, 6000)
    begin, end = on.CATALOGUE.span
    film = part = 0
    for time in book.moments(begin, end, 4.0):
        film, part = (film + 1, 0) if part > 900 else (film, part + 1)
        book.hit(time, on.VIDEO, "185.220.101.44", "Lavf/60.16.100", "GET", f"/film/{2000 + film}/1080p/{part}.ts", 200,
                 book.around(2.2e6, 0.2), book.around(0.2))  # fmt: skip


def _film(book: Book, time: float, client: str, long: float) -> None:
    agent, film, until = book.browser(), book.draw.randrange(400), time + long
    book.hit(time, on.VIDEO, client, agent, "GET", f"/film/{film}/master.m3u8", 200, 900, 0.02)
    part = 0
    while time < until:
        part += 1
        slow = 8.0 if book.during(on.STORAGE, time) else 1.0
        status = 206 if book.chance(0.3) else 200
        book.hit(time, on.VIDEO, client, agent, "GET", f"/film/{film}/1080p/{part}.ts", status, book.around(2.2e6, 0.2),
                 book.around(0.12, 0.5) * slow)  # fmt: skip
        time += 6 + book.draw.gauss(0, 0.3)


def saas(book: Book) -> None:
    """An API of many customers: one asks every other second, one imports by night, one is often limited."""
    draw = book.draw
    agents = ("axios/1.7.9", "python-httpx/0.27.2", "Zapier", "okhttp/4.12.0")
    customers = [(book.client(), draw.choice(agents), draw.randrange(1000, 9999)) for _ in range(60)]
    routes = (("GET", "/api/contacts/{}"), ("GET", "/api/deals?sort=-updated&page={}"), ("POST", "/api/deals"),
              ("PATCH", "/api/contacts/{}"), ("GET", "/api/tasks?assignee={}"))  # fmt: skip
    for time in book.moments(0, END, 1.1):
        if not book.chance(0.15 + 0.85 * book.at_work(time)):
            continue
        client, agent, _ = draw.choice(customers)
        if book.during(on.VERSION, time) and agent.startswith("okhttp"):
            agent = "okhttp/5.1.0"
        method, route = draw.choices(routes, (40, 20, 8, 8, 24))[0]
        target = route.format(draw.randrange(100_000))
        seconds, status = book.around(0.08, 0.5), 201 if method == "POST" else 200
        if method != "GET" and book.chance(0.08):
            status = 422
        elif book.chance(0.002):
            status = 500
        if book.during(on.LOCKED, time) and method != "GET":
            status, seconds = (504, 30.0) if book.chance(0.5) else (status, draw.uniform(5, 29))
        book.hit(time, on.SAAS, client, agent, method, target, status, book.around(1800, 0.7), seconds)
    time = 0.0
    while time < END:
        time += 2.0
        status = 200 if book.chance(0.02) else 304
        time = book.hit(time, on.SAAS, "91.210.7.7", "erp-bridge/1.9", "GET", "/api/changes", status, 0, 0.01)
    for day in range(DAYS):
        begin = day * DAY + draw.uniform(0, 2) * HOUR
        _import(book, begin, begin + draw.uniform(600, 1200))
        for hour in range(6, 16):
            start = day * DAY + hour * HOUR + 300
            for number in range(60):
                status = 429 if number > 40 else 200
                book.hit(start + number * 0.4, on.SAAS, "78.46.3.3", "crm-sync", "GET", f"/api/contacts?page={number}",
                         status, 9000 if status == 200 else 40, 0.1)  # fmt: skip
    for time in book.moments(0, END, 0.02):
        if book.chance(book.at_work(time)):
            status = 401 if book.chance(0.12) else 200
            book.hit(
                time, on.SAAS, book.client(), book.browser(), "POST", "/login", status, 300, book.around(0.3)
            )
    if not book.troubled:
        return
    _import(book, *on.LOOP.span)
    for time in book.moments(*on.TRICKLE.span, 1 / 180):
        value = draw.choice(("(SELECT%20sleep(4))", "id%20AND%201=(SELECT%20count(*)%20FROM%20users)",
                             "1%27%20UNION%20SELECT%20null,version()--"))  # fmt: skip
        book.hit(
            time,
            on.SAAS,
            book.client(),
            book.browser(),
            "GET",
            f"/api/deals?sort={value}&page=1",
            500,
            80,
            0.05,
        )
    for time in book.moments(*on.STOLEN.span, 0.5):
        status = 200 if book.chance(0.01) else 401
        book.hit(
            time, on.SAAS, book.client(), book.browser(), "POST", "/login", status, 300, book.around(0.3)
        )


def _import(book: Book, begin: float, end: float) -> None:
    for time in book.moments(begin, end, 12):
        status = 422 if book.chance(0.05) else 201
        book.hit(
            time,
            on.SAAS,
            "62.4.19.8",
            "nightly-import/3",
            "POST",
            "/api/contacts",
            status,
            400,
            book.around(0.06),
        )


def office(book: Book) -> None:
    """Eight people, in office hours."""
    draw = book.draw
    for time in book.moments(0, END, 0.05):
        if book.chance(book.at_work(time)):
            target = draw.choice(
                ("/orders", "/orders/{}", "/customers/{}", "/reports/today", "/export?kind=orders")
            )
            size = 400e3 if target.startswith("/export") else 20e3
            book.hit(time, on.OFFICE, f"10.20.0.{draw.randrange(10, 18)}", book.browser(), "GET",
                     target.format(draw.randrange(9999)), 200, book.around(size), book.around(0.2))  # fmt: skip
    if book.troubled:
        for time in book.moments(*on.ABROAD.span, 0.25):
            target = f"/export?kind=customers&page={draw.randrange(400)}"
            book.hit(
                time, on.OFFICE, "102.129.153.8", "curl/8.9.1", "GET", target, 200, book.around(400e3), 0.3
            )


def school(book: Book) -> None:
    """Everybody looks at the same hours: when lessons change."""
    draw = book.draw
    bells = (7.9, 9.5, 11.3, 13.0, 15.1)

    def look(time: float) -> None:
        down = book.during(on.DOWN, time)
        client, agent = book.client(), book.browser()
        for target in ("/plan", "/plan/changes.json", "/style.css"):
            time = book.hit(time, on.SCHOOL, client, agent, "GET", target, 502 if down else 200,
                            150 if down else book.around(7e3, 0.2), 0.002 if down else book.around(0.05))  # fmt: skip

    for day in range(3):
        for bell in bells:
            for _ in range(int(book.around(350, 0.2))):
                look(day * DAY + bell * HOUR - on.AHEAD + draw.gauss(0, 200))
    for time in book.moments(0, END, 0.02):
        if book.chance(book.awake(time)):
            look(time)
    if book.troubled:
        many = [book.client() for _ in range(3000)]
        for time in book.moments(*on.FLOODED.span, 70):
            book.hit(time, on.SCHOOL, draw.choice(many), book.browser(), "GET", f"/?{draw.getrandbits(32):x}", 200, 7e3,
                     book.around(0.08))  # fmt: skip


def hooks(book: Book) -> None:
    """What others tell us; one of our customers' ends fails always, and is tried again and again."""
    for name, client, rate in (
        ("pay", "3.18.12.63", 0.12),
        ("ship", "54.88.130.119", 0.05),
        ("mail", "167.89.118.52", 0.2),
    ):
        for time in book.moments(0, END, rate):
            if name == "pay" and book.during(on.PROVIDER, time):
                continue
            if book.chance(0.1 + 0.9 * book.awake(time)):
                broken = book.chance(0.04)
                book.hit(time, on.HOOKS, client, f"{name}-hooks/1.0", "POST", f"/in/{name}", 500 if broken else 200, 2,
                         book.around(0.05))  # fmt: skip


def social(book: Book) -> None:
    """Other servers deliver what their people write; a post that is shared is fetched by thousands of them."""
    draw = book.draw
    servers = [
        (book.client(), f"Mastodon/4.4.{n % 7} (http.rb/5.3.1; +https://m{n}.example/)") for n in range(1500)
    ]
    for time in book.moments(0, END, 0.9):
        if book.chance(0.3 + 0.7 * book.awake(time)):
            client, agent = servers[int(len(servers) * draw.random() ** 3)]
            signed = not book.chance(0.03) and not book.during(on.SIGNED, time)
            book.hit(
                time,
                on.SOCIAL,
                client,
                agent,
                "POST",
                "/inbox",
                202 if signed else 401,
                30,
                book.around(0.05),
            )
    shared = [day * DAY + draw.uniform(6, 20) * HOUR for day in range(DAYS)]
    for number, post in enumerate([*shared, on.VIRAL.span[0]] if book.troubled else shared):
        reached = 1500 if book.troubled and number == len(shared) else 250
        for client, agent in draw.sample(servers, reached):
            time = post + draw.expovariate(1 / 90)
            book.hit(time, on.SOCIAL, client, agent, "GET", f"/@ana/{1000 + number}", 200, 3e3, 0.04)


def soap(book: Book) -> None:
    """Slow by nature, and restarted each night at four."""
    for time in book.moments(0, END, 0.25):
        if book.chance(0.1 + 0.9 * book.at_work(time)):
            restarts = 7200 <= time % DAY < 7240
            slow = 3.0 if book.during(on.SOAPY, time) else 1.0
            seconds = 0.01 if restarts else book.around(2.5, 0.3) * slow
            client, agent = f"10.30.0.{book.draw.randrange(4, 9)}", "Apache-CXF/3.5.6"
            book.hit(
                time,
                on.SOAP,
                client,
                agent,
                "POST",
                "/ws/StockService",
                502 if restarts else 200,
                4e3,
                seconds,
            )


def strangers(book: Book) -> None:
    """What comes to any address there is: looks for holes, and those who ask whether a site is up."""
    draw = book.draw
    hosts = (on.CHAT, on.NEWS, on.GIT, on.SAAS, on.SCHOOL, on.HOOKS, on.SOCIAL)
    for time in book.moments(0, END, 0.02):
        target = draw.choice(
            ("/.env", "/wp-login.php", "/.git/config", "/", "/robots.txt", "/cgi-bin/luci", "/login.aspx")
        )
        agent = draw.choice(("-", "Mozilla/5.0", "Go-http-client/1.1", "Mozilla/5.0 zgrab/0.x"))
        book.hit(time, draw.choice(hosts), book.client(), agent, "GET", target, 404, 150, 0.003)
    for host in hosts:
        for minute in range(int(END // 60)):
            book.hit(
                minute * 60 + 7, host, "5.9.8.7", "Uptime-Kuma/1.23.16", "GET", "/healthz", 200, 2, 0.003
            )
            time = minute * 60 + 33.0
            if book.troubled and time >= on.MONITOR.span[0]:
                book.hit(time, host, "138.201.4.4", "Pingdom.com_bot_version_1.4", "GET", "/", 200, 2e3, 0.02)


SITES: tuple[Callable[[Book], None], ...] = (
    chat, things, news, git, registry, video, saas, office, school, hooks, social, soap, strangers,
)  # fmt: skip
