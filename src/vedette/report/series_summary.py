"""What a person is told of a scored series."""

from typing import Final

from vedette.explain.numbers import plural
from vedette.report.forecast import budget_line, forecast_lines
from vedette.report.series import SeriesFindings
from vedette.report.shown import shown

SHOWN: Final = 10
"""Strongest anomalies that are listed."""


def summary(found: SeriesFindings, *, named: bool) -> list[str]:
    """Lines on one series: how much was judged, its strongest anomalies, and what could not be read.

    Args:
        found: What was found.
        named: Whether to name the series beside its file.
    """
    title = f"{found.source}: {found.name}" if named else found.source
    many = "anomaly" if len(found.anomalies) + found.anomalies_left_out == 1 else "anomalies"
    total = len(found.anomalies) + found.anomalies_left_out
    lines = [
        f"{shown(title, 80)}: {plural(found.points, 'point')}, {found.judged:,} judged, {total:,} {many}",
    ]
    if not found.judged:
        lines.append("  nothing was judged: so few points only teach what is normal")
    strongest = sorted(found.anomalies, key=lambda anomaly: -anomaly.peak.score)[:SHOWN]
    for anomaly in strongest:
        peak = anomaly.peak
        until = f" to {shown(anomaly.end, 40)}" if anomaly.points > 1 else ""
        lines.append(
            f"  {shown(anomaly.start, 40)}{until}: {peak.value:.6g}, expected {peak.expected:.6g} "
            f"({peak.lower:.6g} to {peak.upper:.6g}), score {peak.score:.3f}"
        )
    if len(found.anomalies) > len(strongest):
        lines.append(
            f"  and {len(found.anomalies) - len(strongest) + found.anomalies_left_out:,} weaker ones"
        )
    if found.forecast is not None:
        lines += forecast_lines(found.forecast)
    if found.error_budget is not None:
        lines.append(f"  {budget_line(found.error_budget)}")
    for name, count in found.skipped.items():
        sample = found.samples.get(name)
        lines.append(
            f"  {count:,} {name.replace('_', ' ')}" + (f" (first: {shown(sample, 80)})" if sample else "")
        )
    return lines
