"""From paths to an ordered list of inputs."""

import gzip
import os
import random
import socket
import sys
from pathlib import Path

import pytest

from vedette.sources.discover import discover
from vedette.sources.errors import SourceError, SourceProblem


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(directory: Path, *names: str, data: bytes = b"a line\n") -> None:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def names(*paths: str) -> list[str]:
    return [found.name for found in discover(paths).inputs]


def refusal(*paths: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        discover(paths)
    return caught.value


def test_rotated_files_in_any_order_are_read_oldest_first(logs: Path) -> None:
    expected = ["access.log.10.gz", "access.log.9.gz", "access.log.2.gz", "access.log.1", "access.log"]
    put(logs, *expected)
    shuffled = expected[:]
    random.Random(5).shuffle(shuffled)
    assert names(*shuffled) == expected


def test_groups_keep_the_order_in_which_they_were_named(logs: Path) -> None:
    put(logs, "shop.log", "shop.log.1", "blog.log", "blog.log.1")
    assert names("shop.log", "blog.log", "blog.log.1", "shop.log.1") == [
        "shop.log.1",
        "shop.log",
        "blog.log.1",
        "blog.log",
    ]


def test_files_of_one_name_in_two_directories_are_two_groups(logs: Path) -> None:
    put(logs, "a/access.log", "a/access.log.1", "b/access.log", "b/access.log.1")
    found = discover(["a", "b"]).inputs
    assert [item.name for item in found] == [
        "a/access.log.1",
        "a/access.log",
        "b/access.log.1",
        "b/access.log",
    ]
    assert found[0].group == found[1].group != found[2].group == found[3].group


def test_a_file_named_twice_is_read_once(logs: Path) -> None:
    put(logs, "access.log")
    (logs / "link.log").symlink_to("access.log")
    assert names("access.log", "./access.log", str(logs / "access.log"), "link.log", ".") == ["access.log"]


def test_standard_input_is_an_input_like_others(logs: Path) -> None:
    put(logs, "access.log")
    found = discover(["access.log", "-", "-"]).inputs
    assert [(item.name, item.path) for item in found] == [("access.log", Path("access.log")), ("-", None)]


def test_a_named_file_is_taken_whatever_its_name(logs: Path) -> None:
    put(logs, "requests.json")
    assert names("requests.json") == ["requests.json"]


def test_a_pipe_is_an_input(logs: Path) -> None:
    os.mkfifo("pipe")
    assert names("pipe") == ["pipe"]


def test_a_pattern_is_expanded(logs: Path) -> None:
    put(logs, "access.log", "access.log.1", "access.log.2.gz", "other.log")
    assert names("access.log*") == ["access.log.2.gz", "access.log.1", "access.log"]


def test_a_pattern_reaches_into_directories(logs: Path) -> None:
    put(logs, "pods/a/0.log", "pods/b/c/0.log", "pods/b/c/state.db")
    assert names("pods/**/*.log") == ["pods/a/0.log", "pods/b/c/0.log"]


def test_a_name_that_looks_like_a_pattern_but_exists_is_a_file(logs: Path) -> None:
    put(logs, "access[1].log", "access1.log")
    assert names("access[1].log") == ["access[1].log"]


def test_a_file_that_was_found_is_told_from_one_that_was_named(logs: Path) -> None:
    put(logs, "d/access.log", "d/shop.log")
    assert [(i.name, i.found) for i in discover(["d"]).inputs] == [
        ("d/access.log", True),
        ("d/shop.log", True),
    ]
    assert [(i.name, i.found) for i in discover(["d", "d/shop.log"]).inputs] == [
        ("d/access.log", True),
        ("d/shop.log", False),
    ]


def test_hostile_file_names_are_read_and_shown_escaped(logs: Path) -> None:
    for name in (b"a\x1b[31m.log", b"\xff\xfe.log", b"new\nline.log"):
        (logs / os.fsdecode(name)).write_bytes(b"a line\n")
    found = discover(["."]).inputs
    assert [item.name for item in found] == ["a\\x1b[31m.log", "new\\nline.log", "\\xff\\xfe.log"]
    assert all(item.path is not None and item.path.read_bytes() == b"a line\n" for item in found)
    assert "\x1b" not in str(refusal("gone\x1b.log"))


class TestDirectory:
    def test_takes_what_is_named_like_a_log_and_tells_what_it_leaves_out(self, logs: Path) -> None:
        put(logs, "d/access.log", "d/sub/u_ex240501.log", "d/other_vhosts_access.log.1", "d/access.jsonl")
        put(
            logs,
            "d/error.log",
            "d/labels.json",
            "d/access.log.labels.json",
            "d/notes.txt",
            "d/.access.log.swp",
        )
        put(logs, "d/traffic-log.pcap", "d/traffic-log2.pcap.gz")
        put(logs, "d/empty.log", data=b"")
        put(logs, "d/lastlog", data=bytes(3000))
        put(logs, "d/access.log.2.gz", data=gzip.compress(b"a line\n"))
        put(logs, "d/backup.log.gz", data=gzip.compress(b"SQLite format 3\0" + bytes(100)))
        put(logs, "d/rotated.log.gz", data=gzip.compress(b""))
        put(logs, "d/broken.log.gz", data=gzip.compress(b"a line\n")[:8])
        put(logs, "d/catalog.bin", data=b"SQLite format 3\0" + bytes(100))
        found = discover(["d"])
        assert [item.name for item in found.inputs] == [
            "d/access.jsonl",
            "d/access.log.2.gz",
            "d/access.log",
            "d/other_vhosts_access.log.1",
            "d/sub/u_ex240501.log",
        ]
        assert {skip.name: skip.reason.split(";")[0] for skip in found.skipped} == {
            "d/error.log": "an error log by its name",
            "d/labels.json": ".json files are not taken for logs",
            "d/access.log.labels.json": ".json files are not taken for logs",
            "d/notes.txt": "its name speaks of no log (log, access)",
            "d/.access.log.swp": "a hidden file",
            "d/traffic-log.pcap": ".pcap files are not taken for logs",
            "d/traffic-log2.pcap.gz": ".pcap files are not taken for logs",
            "d/empty.log": "empty",
            "d/lastlog": "holds nothing but NUL bytes",
            "d/backup.log.gz": "looks like an SQLite database, not a log",
            "d/rotated.log.gz": "empty",
            "d/broken.log.gz": "the gzip data ends early: the file is incomplete",
            "d/catalog.bin": "looks like an SQLite database, not a log",
        }

    def test_of_cpanel_holds_logs_that_are_called_after_domains(self, logs: Path) -> None:
        put(
            logs, "access-logs/shop.example", "access-logs/shop.example-ssl_log", "access-logs/shop.error.log"
        )
        put(logs, "old/shop.example-May-2024", "old/shop.example", "old/shop.example-Mai-2024")
        found = discover(["access-logs", "old"])
        assert [item.name for item in found.inputs] == [
            "access-logs/shop.example",
            "access-logs/shop.example-ssl_log",
            "old/shop.example-May-2024",
        ]
        assert len(found.skipped) == 3

    def test_that_is_empty_is_refused(self, logs: Path) -> None:
        (logs / "d").mkdir()
        error = refusal("d")
        assert error.problem is SourceProblem.EMPTY
        assert str(error) == "d: is an empty directory; name one that holds logs, or a log file"

    def test_with_only_empty_logs_is_empty(self, logs: Path) -> None:
        put(logs, "d/access.log", data=b"")
        assert refusal("d").problem is SourceProblem.EMPTY

    def test_with_nothing_usable_is_refused_with_reasons(self, logs: Path) -> None:
        put(logs, "d/a.json", "d/b.txt", "d/c.txt", "d/d.txt", "d/e.txt")
        error = refusal("d")
        assert error.problem is SourceProblem.NOTHING_USABLE
        assert str(error) == (
            "d: holds no log to read (a.json: .json files are not taken for logs; name it to read it; "
            "b.txt: its name speaks of no log (log, access); name it to read it; "
            "c.txt: its name speaks of no log (log, access); name it to read it; and 2 more); "
            "name the files themselves to read them"
        )

    def test_with_a_link_to_itself_ends(self, logs: Path) -> None:
        put(logs, "d/access.log")
        (logs / "d/loop").symlink_to(logs / "d", target_is_directory=True)
        assert names("d") == ["d/access.log"]

    def test_deeper_than_the_limit_is_told(self, logs: Path) -> None:
        deep = "/".join(["d", *"12345678"])
        put(logs, f"{deep}/access.log", f"{deep}/9/access.log")
        found = discover(["d"])
        assert [item.name for item in found.inputs] == [f"{deep}/access.log"]
        assert [skip.name for skip in found.skipped] == [f"{deep}/9"]

    def test_with_too_many_logs_is_told(self, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.modules["vedette.sources.discover"], "MAX_FILES", 2)
        put(logs, "d/a.log", "d/b.log", "d/c.log")
        found = discover(["d"])
        assert [item.name for item in found.inputs] == ["d/a.log", "d/b.log"]
        assert found.skipped[0].reason == "the directory holds more than 2 logs; name it to read it"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_with_a_file_that_may_not_be_read_tells_so(self, logs: Path) -> None:
        put(logs, "d/access.log", "d/secret.log")
        (logs / "d/secret.log").chmod(0)
        assert discover(["d"]).skipped[0].reason == "no permission to read it"


class TestRefusal:
    def test_of_no_paths(self) -> None:
        assert "name a log file, a directory, or - for standard input" in str(refusal())

    def test_of_a_missing_file_names_one_that_is_like_it(self, logs: Path) -> None:
        put(logs, "access.log")
        error = refusal("acess.log")
        assert error.problem is SourceProblem.MISSING
        assert str(error) == "acess.log: no such file or directory; did you mean 'access.log'?"

    def test_of_a_missing_file_in_a_missing_directory_says_which(self, logs: Path) -> None:
        put(logs, "var/x")
        assert str(refusal("var/nginx/access.log")).endswith("there is no 'nginx' in var")

    def test_of_a_path_through_a_file(self, logs: Path) -> None:
        put(logs, "access.log")
        assert refusal("access.log/x").problem is SourceProblem.MISSING

    def test_of_a_dangling_link(self, logs: Path) -> None:
        (logs / "access.log").symlink_to("nowhere")
        error = refusal("access.log")
        assert error.problem is SourceProblem.MISSING
        assert str(error) == (
            "access.log: is a link to nowhere, which does not exist; mend it, or name the log that it is to lead to"
        )

    def test_of_an_empty_name(self) -> None:
        assert str(refusal("")).startswith("'': is an empty name, of a variable that is not set perhaps")

    def test_of_an_address_says_how_to_read_it(self) -> None:
        error = refusal("https://logs.example/access.log")
        assert str(error).endswith("fetch it and pipe it in: `curl -s ADDRESS | vedette scan -`")

    def test_of_a_link_that_leads_to_itself(self, logs: Path) -> None:
        (logs / "access.log").symlink_to("access.log")
        assert str(refusal("access.log")).startswith(
            "access.log: is a link that leads back to itself; mend it"
        )

    def test_of_a_name_that_is_too_long(self, logs: Path) -> None:
        assert str(refusal("x" * 300)).endswith("cannot be looked up: File name too long; check the name")

    def test_of_a_pattern_without_match(self, logs: Path) -> None:
        assert str(refusal("*.log")).startswith("*.log: no file matches this pattern")

    def test_of_a_device(self) -> None:
        error = refusal("/dev/null")
        assert error.problem is SourceProblem.NOT_A_FILE
        assert str(error).startswith("/dev/null: is a device; give a regular file")

    def test_of_a_socket(self, logs: Path) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("s.log")
            assert "is a socket" in str(refusal("s.log"))

    def test_of_a_name_with_a_nul(self) -> None:
        assert refusal("a\0b").problem is SourceProblem.UNREADABLE

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_of_what_may_not_be_read(self, logs: Path) -> None:
        put(logs, "access.log")
        (logs / "access.log").chmod(0)
        assert refusal("access.log").problem is SourceProblem.FORBIDDEN

    def test_of_what_may_not_be_read_by_the_systems_word(
        self, logs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(logs, "access.log")
        monkeypatch.setattr(os, "access", lambda *_: False)
        error = refusal("access.log")
        assert error.problem is SourceProblem.FORBIDDEN
        assert "no permission to read it; run as a user who may" in str(error)


def test_error_logs_are_not_what_a_pattern_means_unless_it_says_so(logs: Path) -> None:
    put(logs, "access.log", "error.log", "shop-error.log.1", "shop.log")
    found = discover(["*.log*"])
    assert sorted(item.name for item in found.inputs) == ["access.log", "shop.log"]
    assert [skip.name for skip in found.skipped] == ["error.log", "shop-error.log.1"]
    assert names("err*") == ["error.log"]
    assert names("error.log") == ["error.log"]
    assert str(refusal("e?ror.log", "shop-[e]rror*")).startswith(
        "e?ror.log: holds no log to read (error.log: an error log by its name; name it to read it)"
    )


def test_how_many_files_there_are_instead_is_counted_in_words_that_fit(logs: Path) -> None:
    put(logs, "shop.log")
    assert str(refusal("nothing-like-it")).endswith("check the name (. holds 1 other file)")
    put(logs, "blog.log")
    assert str(refusal("nothing-like-it")).endswith("check the name (. holds 2 other files)")
