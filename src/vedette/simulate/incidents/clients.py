"""Incidents that are one client's (or a few hundred clients') way of behaving."""

from typing import Final

import numpy as np

from vedette.schema.anomaly import AnomalyType
from vedette.simulate import people, site
from vedette.simulate.draws import Draws, Ints, cumulative, mix
from vedette.simulate.incidents.base import Incident, LoneClient, Scene, as_text
from vedette.simulate.rows import GET, HTTP_2, POST, SECOND, Rows
from vedette.simulate.serving import NOT_FOUND_SIZE, REDIRECT_SIZE
from vedette.simulate.traffic import Block

_LOGIN_PAGE: Final = b"https://shop.example/login"

_DIRECTORIES: Final = (
    "admin", "administrator", "backup", "backups", "old", "test", "tests", "dev", "staging", "tmp", "temp",
    "upload",
    "uploads", "files", "data", "db", "database", "sql", "logs", "log", "config", "conf", "cgi-bin",
    "scripts", "includes",
    "inc", "lib", "private", "secret", "hidden", "internal", "phpmyadmin", "pma", "mysql", "wp-admin",
    "wp-content",
    "wp-includes", "wordpress", "joomla", "drupal", "typo3", "manager", "console", "portal", "panel",
    "cpanel", "webmail",
    "intranet", "jenkins", "gitlab", "solr", "actuator", "api/v2", "api/internal", "swagger", "docs",
    "export", "dump",
    "archive", "bak", "copy", "new", "beta", "demo", "install", "setup", "server-status", "debug", "trace",
    "vendor",
)  # fmt: skip
_NAMES: Final = (
    "", "index.php", "login.php", "admin.php", "config.php", "info.php", "test.php", "backup.zip",
    "backup.sql",
    "dump.sql.gz", "config.bak", "web.config", ".htaccess", ".env", ".git/HEAD", "readme.txt", "users.csv",
    "shell.jsp",
    "default.aspx", "upload.php", "setup.php", "db.sqlite", "settings.py", "id_rsa", "console", "status",
)  # fmt: skip
_SCANNERS: Final = (
    b"gobuster/3.6",
    b"Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:map_codes)",
    b"DirBuster-1.0-RC1 (http://www.owasp.org/index.php/Category:OWASP_DirBuster_Project)",
    b"feroxbuster/2.10.4",
    b"Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
)
_SCAN_STATUSES: Final = np.array([404, 403, 301, 200])
_SCAN_WEIGHTS: Final = cumulative([91.0, 6.0, 2.0, 1.0])


class BruteForce(LoneClient):
    """One client tries one password after the other at the login form."""

    type = AnomalyType.BRUTE_FORCE
    lasts = 600
    per_second = 3.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._route = scene.route_or(("/login", POST))
        self._from = scene.world.add_text(_LOGIN_PAGE)
        self._agent = int(scene.world.agents.browsers[3 + scene.number % 5])

    def route(self) -> str | None:
        """The login form's."""
        return site.ROUTES[self._route].pattern

    def add(self, block: Block, draws: Draws) -> Rows:
        """401 after 401."""
        times = self.scene.arrivals(block, draws, self.per_second * self.scene.intensity)
        rows = self.scene.requests(times, self._route, draws)
        rows["client"] = self.client
        rows["agent"] = self._agent
        rows["from_arg"] = self._from
        _answer(rows, np.full(len(rows), 401))
        return rows


class CredentialStuffing(Incident):
    """Hundreds of clients try leaked passwords, a few attempts each; one in fifty fits."""

    type = AnomalyType.BRUTE_FORCE
    lasts = 900
    per_second = 5.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._route = scene.route_or(("/login", POST))
        self._rate = self.per_second * scene.intensity
        self._members = int(np.clip(self._rate * scene.seconds() / 5, 50, 20_000))

    def route(self) -> str | None:
        """The login form's."""
        return site.ROUTES[self._route].pattern

    def add(self, block: Block, draws: Draws) -> Rows:
        """Mostly 401."""
        scene = self.scene
        rows = scene.requests(scene.arrivals(block, draws, self._rate), self._route, draws)
        members = draws.below(len(rows), self._members)
        rows["client"] = people.botnet_address(members, scene.number)
        rows["agent"] = scene.world.agents.browser_of(members + 8_000_000)
        rows["protocol"] = HTTP_2
        _answer(rows, np.where(draws.uniform(len(rows)) < 0.02, 302, 401))
        return rows


class Scanner(LoneClient):
    """One client asks for hundreds of paths that were never there, and says what it is."""

    type = AnomalyType.SCANNER
    per_second = 10.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._agent = self._choose_agent(scene)
        draws = Draws(scene.world.seed, 6, scene.number)
        texts = [f"/{d}/{n}".encode() for d in _DIRECTORIES for n in _NAMES]
        order = np.argsort(draws.raw(len(texts)), kind="stable").tolist()
        self._texts = np.array([scene.world.add_text(texts[i]) for i in order], dtype=np.int64)

    def _choose_agent(self, scene: Scene) -> int:
        return scene.world.agents.intern(_SCANNERS[(scene.world.seed + scene.number) % len(_SCANNERS)])

    def add(self, block: Block, draws: Draws) -> Rows:
        """404 after 404, no path twice before all were tried."""
        rate = self.per_second * self.scene.intensity
        times = self.scene.arrivals(block, draws, rate)
        rows = self.scene.requests(times, self.scene.route_or(("/", 0)), draws)
        rows["client"] = self.client
        rows["agent"] = self._agent
        rows["method"] = GET
        turn = ((times - self.scene.start) / SECOND * rate).astype(np.int64)
        as_text(rows, slice(None), self._texts[turn % len(self._texts)])
        _answer(rows, _SCAN_STATUSES[draws.choose(len(rows), _SCAN_WEIGHTS)])
        rows["duration"] = 600 + draws.below(len(rows), 6000)
        return rows


class SlowScan(Scanner):
    """The same with a browser's user agent, four requests a minute."""

    lasts = 3600
    per_second = 1 / 15

    def _choose_agent(self, scene: Scene) -> int:
        return int(scene.world.agents.browsers[9])


class BotActivity(LoneClient):
    """A scraper that calls itself a browser: every product in turn, evenly, without images or scripts."""

    type = AnomalyType.BOT_ACTIVITY
    lasts = 900
    per_second = 2.5

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._route = scene.route_or(("/product/%b", 0), ("/api/v1/products/%b", 0))
        self._agent = int(scene.world.agents.browsers[0])

    def add(self, block: Block, draws: Draws) -> Rows:
        """One product every 0.4 seconds."""
        scene = self.scene
        step = round(SECOND / (self.per_second * scene.intensity))
        first, last = max(block.start, scene.start), min(block.end, scene.end)
        turn = np.arange(
            -(-(first - scene.start) // step), max(0, -(-(last - scene.start) // step)), dtype=np.int64
        )
        rows = scene.requests(
            scene.start + turn * step + draws.below(len(turn), step // 10 + 1), self._route, draws
        )
        rows["client"] = self.client
        rows["agent"] = self._agent
        rows["arg"] = turn % site.ROUTES[self._route].things
        return rows


class DataExfiltration(LoneClient):
    """One client downloads, in well-formed requests, hundreds of times what others do."""

    type = AnomalyType.DATA_EXFILTRATION
    lasts = 900
    per_second = 0.5
    size = 9_000_000
    bandwidth = 25_000_000
    """Bytes per second."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._route = scene.route_or(("/api/v1/users/%b/orders?limit=20", 0), ("/account/orders/%b", 0))
        self._agent = int(scene.world.agents.apps[4])

    def add(self, block: Block, draws: Draws) -> Rows:
        """A large answer every two seconds."""
        rows = self.scene.requests(self.scene.arrivals(block, draws, self.per_second), self._route, draws)
        rows["client"] = self.client
        rows["agent"] = self._agent
        size = self.size * self.scene.intensity * draws.lognormal(len(rows), 0.5)
        rows["status"] = 200
        rows["size"] = size.astype(np.int64)
        rows["duration"] += np.minimum(size / self.bandwidth * SECOND, 55 * SECOND).astype(np.int64)
        return rows


def _answer(rows: Rows, status: Ints) -> None:
    """Set statuses, except where a saturated site has refused; sizes follow."""
    kept = rows["status"] == 503
    rows["status"] = np.where(kept, 503, status)
    plain = 300 + (mix(rows["arg"], 51) % np.uint64(40)).astype(np.int64)
    rows["size"] = np.select(
        [kept, status == 404, (status >= 300) & (status < 400)],
        [rows["size"], NOT_FOUND_SIZE, REDIRECT_SIZE],
        default=plain,
    )
