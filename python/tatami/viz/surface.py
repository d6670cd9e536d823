"""Losses over two weights, and the ways of optimizers across them."""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from . import style


@dataclass
class Landscape:
    """A loss ``f(x, y)`` of arrays, and what is drawn of it.

    ``ways`` maps the name of an optimizer to the points (steps, 2) that it went through.
    """

    name: str
    f: Callable
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    ways: Mapping[str, np.ndarray] = field(default_factory=dict)


def surface(landscape, *, levels=20, ax=None, path=None):
    """Contours of the loss, dark where it is high, and the ways across. Returns the axes."""
    with style.axes(ax, path, (5.0, 4.0)) as ax:
        _ground(ax, landscape, levels)
        _lines(ax, landscape)
        ax.legend(frameon=True, framealpha=0.8)
    return ax


def race(landscapes, *, title=None, path=None):
    """Several landscapes side by side, under one legend. Returns the figure."""
    with _panels(landscapes, title, path) as (figure, _):
        pass
    return figure


def animation(landscapes, path, *, title=None, frames=60, fps=15, hold=15):
    """The :func:`race` step by step as a GIF; the last of the frames stays for ``hold`` more."""
    with _panels(landscapes, title, None, own=True) as (figure, moving):
        shares = np.arange(1, frames + 1) / frames
        pictures = list(_frames(figure, moving, shares))
    durations = [1000 // fps] * (frames - 1) + [1000 * (1 + hold) // fps]
    more = {"append_images": pictures[1:], "duration": durations, "loop": 0}
    pictures[0].save(path, save_all=True, **more)


def _frames(figure, moving, shares, dpi=75):
    """The figure at each share of the ways; what does not move is drawn once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    for line, end, _ in moving:
        line.set_animated(True)
        end.set_animated(True)
    canvas.draw()
    ground = canvas.copy_from_bbox(figure.bbox)
    for share in shares:
        canvas.restore_region(ground)
        for line, end, way in moving:
            until = max(1, round(share * len(way)))
            line.set_data(*way[:until].T)
            end.set_data(*way[until - 1 : until].T)
            line.axes.draw_artist(line)
            end.axes.draw_artist(end)
        yield Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])


@contextmanager
def _panels(landscapes, title, path, own=False):
    """The figure and, for every way in it, (its line, its end, its points)."""
    columns = 2 if len(landscapes) in (2, 4) else 3
    rows = -(-len(landscapes) // columns)
    with style.figure(path, (0.4 + 3.7 * columns, 0.6 + 3.4 * rows), own=own) as figure:
        moving = []
        grid = figure.subplots(rows, columns, squeeze=False).flat
        for ax, landscape in zip(grid, landscapes):
            _ground(ax, landscape, 20)
            moving += _lines(ax, landscape)
        handles = {line.get_label(): line for line, _, _ in moving}
        figure.legend(
            handles.values(), handles.keys(), loc="outside lower center", ncols=2 * columns + 1
        )
        if title is not None:
            figure.suptitle(title)
        yield figure, moving


def _ground(ax, landscape, levels):
    across = np.linspace(*landscape.xlim, 160), np.linspace(*landscape.ylim, 160)
    x, y = np.meshgrid(*across)
    height = landscape.f(x, y)
    ax.contourf(x, y, height, levels, cmap=style.GROUND, alpha=0.4)
    ax.contour(x, y, height, levels, colors="white", linewidths=0.5, linestyles="solid")
    ax.grid(False)
    ax.set(xlim=landscape.xlim, ylim=landscape.ylim)
    style.frame(ax, title=landscape.name, xlabel="weight 1", ylabel="weight 2", legend=False)


def _lines(ax, landscape):
    made = []
    for (name, way), look in zip(landscape.ways.items(), style.styles()):
        way = np.asarray(way)
        (line,) = ax.plot(*way.T, label=name, **look)
        (end,) = ax.plot(*way[-1:].T, "o", color=look["color"], mec="white", ms=7, zorder=4)
        ax.plot(*way[:1].T, "o", color="white", mec=style.INK, ms=6, zorder=3)
        made.append((line, end, way))
    return made
