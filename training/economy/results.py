"""What the economy of labels wrote down: rows as JSON, one table of rows, one of curves, CSV, and a plot."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from napari_wsss.core.files import publish
from training.economy.curves import (
    SHARES,
    Curve,
    Row,
    area,
    common_span,
    curves_of,
    full_mask_figure,
    seconds_until,
)
from training.scoring.tables import markdown

ROW_COLUMNS = (
    *("policy", "order", "learner", "images", "seed", "gestures, s", "waited, s", "seconds per image"),
    *("mIoU of all masks", "val mIoU", "val mIoU, CRF", "fit seconds", "CPU seconds"),
)
CURVE_COLUMNS = (
    *("policy", "order", "learner", "from, s", "to, s", "area, all masks", "area, val"),
    *(f"s to {share:.0%}" for share in SHARES),
    "s an image then",
)


def row_path(out: Path, policy: str, order: str, learner: bool, images: int, seed: int) -> Path:
    """Return where a row is kept."""
    return out / f"row-{policy}-{order}-{'learner' if learner else 'maps'}-{images}-{seed}.json"


def keep_row(out: Path, row: Row) -> None:
    """Write a row where `read_rows` finds it."""
    with publish(row_path(out, row.policy, row.order, row.learner, row.images, row.seed)) as file:
        file.write(json.dumps(asdict(row), indent=2).encode())


def read_rows(out: Path) -> list[Row]:
    """Return the rows kept in a folder, sorted."""
    rows = [Row(**json.loads(path.read_text(encoding="utf-8"))) for path in out.glob("row-*.json")]
    return sorted(rows, key=lambda row: (row.policy, row.order, row.learner, row.images, row.seed))


def write_results(out: Path) -> str:
    """Write `economy.md`, `economy.csv`, `curves.csv` and `economy.png` from the rows there are; return the text."""
    rows = read_rows(out)
    curves = curves_of(rows)
    measured = [list(ROW_COLUMNS), *(_row_cells(row) for row in rows)]
    compared = [list(CURVE_COLUMNS), *curve_cells(curves)]
    full = full_mask_figure(curves)
    said = "" if full is None else f"\nShares are of {100 * full:.1f}, what most full masks reach on val.\n"
    text = f"{markdown(measured)}\n\n{markdown(compared)}\n{said}"
    with publish(out / "economy.md") as file:
        file.write(text.encode())
    for name, cells in (("economy.csv", measured), ("curves.csv", compared)):
        with (out / name).open("w", newline="", encoding="utf-8") as table:
            csv.writer(table).writerows(cells)
    write_plot(out / "economy.png", curves)
    return text


def curve_cells(curves: Sequence[Curve]) -> list[list[str]]:
    """Return the table of curves; the areas of one policy's curves are over the seconds all of them cover."""
    full, found = full_mask_figure(curves), []
    for curve in curves:
        span = common_span([other for other in curves if other.policy == curve.policy])
        shared = (curve.everything, curve.held_out) if span[0] <= span[1] else ()
        areas = [f"{100 * area(curve.seconds, values, span):.1f}" for values in shared] or ["", ""]
        until = [None if full is None else seconds_until(curve.seconds, curve.held_out, full * s) for s in SHARES]
        found.append(
            [
                *(curve.policy, curve.order, _with(curve.learner), f"{span[0]:.0f}", f"{span[1]:.0f}"),
                *areas,
                *("" if at is None else f"{at:.0f}" for at in until),
                "" if until[-1] is None else f"{_each(curve, until[-1]):.1f}",
            ]
        )
    return found


def write_plot(path: Path, curves: Sequence[Curve]) -> None:
    """Write mIoU against a person's seconds as PNG: the held-out split, and all masks."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, title, name in zip(
        figure.subplots(1, 2), ("held out, labels given", "all masks"), ("held_out", "everything"), strict=True
    ):
        for curve in curves:
            values = [100 * value for value in getattr(curve, name)]
            axes.plot(curve.seconds, values, marker="o", linestyle="-" if curve.learner else "--", label=curve.name)
        axes.set(xscale="log", xlabel="seconds of a person", ylabel="mIoU (%)", title=title)
    axes.legend(loc="best", fontsize="small")
    with publish(path) as file:
        figure.savefig(file, format="png", dpi=110)


def _row_cells(row: Row) -> list[str]:
    each = row.seconds / max(row.images, 1)
    scores = [f"{100 * value:.1f}" if value is not None else "" for value in (row.held_out, row.refined)]
    return [
        *(row.policy, row.order, _with(row.learner), str(row.images), str(row.seed)),
        *(f"{row.gestures:.1f}", f"{row.waited:.1f}", f"{each:.1f}", f"{100 * row.everything:.1f}"),
        *(*scores, f"{row.fit:.1f}", f"{row.cpu:.0f}"),
    ]


def _each(curve: Curve, at: float) -> float:
    """Return the seconds per annotated image at a time of a curve."""
    place = next((place for place, seconds in enumerate(curve.seconds) if seconds >= at), len(curve.seconds) - 1)
    return curve.seconds[place] / max(curve.images[place], 1)


def _with(learner: bool) -> str:
    return "with" if learner else "without"
