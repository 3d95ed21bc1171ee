"""The plot of a run: losses above, validation figures below, as PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.files import publish

SMOOTHING = 0.9
NOT_PLOTTED = ("learning_rate", "gradient_norm", "seconds")


def write_plot(path: Path, events: Sequence[Mapping[str, Any]], title: str) -> None:
    """Write the curves of a run's events (`RunFolder.events`) as PNG.

    Parameters
    ----------
    path : Path
        Replaced atomically.
    events : sequence of mapping
        Records with ``done`` and ``metrics``. Figures noted together with ``loss`` are its parts and go above
        (smoothed); all others are validation figures in [0, 1] and go below.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curves = curves_of(events)
    parts = {name for event in events if "loss" in event.get("metrics", {}) for name in event["metrics"]}
    losses = {name: points for name, points in curves.items() if name in parts}
    figures = {name: points for name, points in curves.items() if name not in losses}
    figure = Figure(figsize=(8, 6), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    for name, points in losses.items():
        steps, values = zip(*points, strict=True)
        above.plot(steps, values, alpha=0.25, linewidth=0.8)
        above.plot(steps, smoothed(values), label=name, color=above.lines[-1].get_color())
    for name, points in figures.items():
        below.plot(*zip(*points, strict=True), marker="o", label=name)
    above.set(title=title, ylabel="loss")
    below.set(xlabel="step", ylabel="validation", ylim=(0, 1))
    for axes, drawn in ((above, losses), (below, figures)):
        if drawn:
            axes.legend(loc="best", fontsize="small")
    with publish(path) as file:
        figure.savefig(file, format="png", dpi=110)


def curves_of(events: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Return (step, value) points per figure name; a step noted twice counts once, with its last value."""
    curves: dict[str, dict[int, float]] = {}
    for event in events:
        for name, value in dict(event.get("metrics", {})).items():
            if name not in NOT_PLOTTED:
                curves.setdefault(name, {})[int(event.get("done", 0))] = float(value)
    return {name: sorted(points.items()) for name, points in curves.items()}


def smoothed(values: Sequence[float], keep: float = SMOOTHING) -> list[float]:
    """Return the bias-corrected running mean of `values`."""
    result, mean, share = [], 0.0, 0.0
    for value in values:
        mean, share = keep * mean + (1 - keep) * value, keep * share + (1 - keep)
        result.append(mean / share)
    return result
