"""What a scan is called by what it tried."""


def scan_shape(hosts: int, ports: int) -> str:
    """Of one host it is vertical, of many hosts at up to three ports horizontal, else a strobe."""
    if hosts == 1:
        return "vertical"
    return "horizontal" if ports <= 3 else "strobe"
