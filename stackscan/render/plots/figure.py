"""The curves as a picture: SVG, PNG or PDF, by the name of the file. matplotlib, which draws it, is an extra."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from stackscan.errors import MissingExtraError, OutputError
from stackscan.queueing.curves import Curves, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: 6.4 inches of 100 dots: 640 pixels, legible at 600.
_SIZE_INCHES: Final = (6.4, 5.6)
_DOTS: Final = 100
#: Blue and vermillion of Okabe and Ito, distinguished by their dashes as well, so that grey paper shows them.
_HELD: Final = "#b23c00"
_FREE: Final = "#0072b2"
_FORMATS: Final = {".svg": "svg", ".png": "png", ".pdf": "pdf"}


def format_of(name: str) -> str:
    """The format that a file's name asks for. Raises OutputError for one that is not drawn, and MissingExtraError
    without matplotlib: both before anything is computed."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in _FORMATS:
        raise OutputError(
            f"{name}: cannot draw a picture to {suffix if suffix[1:].isalnum() else 'a name without a suffix'}",
            hint="Use .svg or .png.",
        )
    try:
        import matplotlib as mpl  # noqa: F401 - to know it before the work
    except ImportError:
        raise MissingExtraError("--plot", library="matplotlib", extra="plots") from None
    return _FORMATS[suffix]


def draw(curves: Curves, *, picture_format: str) -> bytes:
    """The picture as the bytes of its file. The same curves make the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "stackscan", "font.size": 10, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS, layout="constrained")
        axes = figure.subplots(len(curves.panels), 1, sharex=True)
        for place, (panel, one) in enumerate(zip(curves.panels, axes, strict=True)):
            _panel(one, panel, curves, last=place == len(curves.panels) - 1)
        axes[-1].set_xlabel(curves.x_label)
        if curves.x_is_share:
            axes[-1].xaxis.set_major_formatter(lambda value, _: f"{value * 100:.3g}%")
        figure.suptitle(curves.title, fontsize=11)
        out = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(picture_format, {})
        figure.savefig(out, format=picture_format, metadata=undated)
    return out.getvalue()


def _panel(axes: Axes, panel: Panel, curves: Curves, *, last: bool) -> None:
    axes.plot(curves.x, panel.synchronous, color=_HELD, linewidth=2.2, label="closed in the worker")
    axes.plot(
        curves.x, panel.detached, color=_FREE, linewidth=2.2, linestyle=(0, (4, 2)), label="closed outside the pool"
    )
    if curves.saturation is not None:
        axes.axvline(curves.saturation, color="0.35", linewidth=1, linestyle=":", label="saturation")
    mark = curves.mark
    if mark is not None:
        least = "at least " if mark.high is None else ""
        end = curves.x[-1] if mark.high is None else mark.high
        if end > mark.low:
            axes.axvspan(mark.low, end, color="0.85", zorder=0, label=f"{mark.label}: 90% interval")
        at = f"{mark.x * 100:.3g}%" if curves.x_is_share else f"{mark.x:.3g} erlangs"
        axes.axvline(mark.x, color="0", linewidth=1.2, label=f"{mark.label}: {least}{at}")
    axes.set_ylabel(panel.label + ("" if panel.label.endswith("second") else " (%)"))
    if not panel.label.endswith("second"):
        axes.yaxis.set_major_formatter(lambda value, _: f"{value * 100:.0f}")
    top = max((*panel.synchronous, *panel.detached, 1e-12))
    axes.set_ylim(bottom=-0.03 * top, top=1.06 * top)
    axes.set_xlim(0, curves.x[-1])
    axes.grid(visible=True, color="0.9", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if last:  # where the curves leave room
        axes.legend(loc="lower left", fontsize=9, framealpha=0.9)
