"""Two made networks, a cloud's and a campus's with homes behind it; see `bench/quality/networks.py`."""
