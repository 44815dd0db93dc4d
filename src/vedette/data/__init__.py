r"""What ships in the package: a sample log to try things on.

`sample.log` is two hours of a small shop in Combined Log Format, mostly calm, with an error spike on one
route, a scanner that turns to SQL injection, and a brute force on the login form. It was written by::

    vedette simulate --minutes 120 --rate 0.4 --seed 38 --output src/vedette/data/sample.log \
      --inject 'error_spike@+75m+12m*1.6/p/{}' \
      --inject 'scanner@+95m+90s*0.25#intruder,sqli@+97m+3m*0.5#intruder' \
      --inject 'brute_force@+108m+3m*0.5/login'

and a test holds it to that.
"""

from importlib.resources import files
from pathlib import Path


def sample_path() -> Path:
    """Where the sample log lies."""
    return Path(str(files("vedette.data") / "sample.log"))
