"""The page on live sources says what is true."""

import re
from pathlib import Path

import yaml

import vedette.sources
from vedette.config import Config

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "live-sources.md"
_COUNTED = re.compile(r"""(?:losses\.add|_count)\(\s*"(\w+)"|(?:dropped|_damage)\["(\w+)"\]|"(\w+_cut)":""")


def test_every_reason_of_a_loss_is_described_and_no_other():
    code = "".join(path.read_text() for path in Path(vedette.sources.__file__).parent.rglob("*.py"))
    reasons = {next(filter(None, groups)) for groups in _COUNTED.findall(code)}
    assert len(reasons) > 10
    table = PAGE.read_text().partition("## What was lost")[2]
    cells = re.findall(r"^\| (`\w+`(?:, `\w+`)*)", table, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"\w+", cell)} == reasons


def test_its_configuration_is_one(tmp_path):
    texts = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert texts
    for text in texts:
        path = tmp_path / "vedette.yaml"
        path.write_text(text)
        sources = Config.load(path).sources.model_dump(exclude_defaults=True)
        assert sources.keys() == yaml.safe_load(text)["sources"].keys()
