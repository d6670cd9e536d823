"""Drawn faces: people with looks of their own, in poses that key points tell.

Everything is a soft-edged shape in the face's own coordinates, from -1 to 1 to the right and down,
which the pose turns, moves and stretches. Freckles, strands of hair and stripes of the shirt are
fine: they tell a picture of a person from a blurred one.
"""

from typing import NamedTuple

import numpy as np

POINTS = 12  # key points of a face
FRECKLES = 12


class People(NamedTuple):
    """What does not change from frame to frame; a row each."""

    skin: np.ndarray  # (N, 3), as all colours from 0 to 1
    hair: np.ndarray
    eyes: np.ndarray
    shirt: np.ndarray  # (N, 2, 3): of its stripes
    wall: np.ndarray  # (N, 3)
    width: np.ndarray  # (N,) of the face, as all lengths in units of the face
    height: np.ndarray
    apart: np.ndarray  # the eyes
    fringe: np.ndarray  # where the hair ends on the forehead
    strands: np.ndarray  # (N, 2): how many and how slanted
    stripes: np.ndarray  # (N, 2)
    freckles: np.ndarray  # (N, FRECKLES, 2)

    def chosen(self, rows):
        return People(*(part[rows] for part in self))


class Poses(NamedTuple):
    """What changes from frame to frame, (N,) each."""

    right: np.ndarray
    down: np.ndarray
    tilt: np.ndarray  # radians
    turn: np.ndarray  # how far the features have moved across the face
    mouth: np.ndarray  # how far it is open
    lids: np.ndarray  # 0 closed, 1 open


def people(count, rng):
    """So many people at random."""
    grey = np.stack([0.35 + 0.6 * rng.random(count)] * 3, axis=1)
    skin = grey * [1.0, 0.82, 0.7] + 0.02 * rng.standard_normal((count, 3))
    place = rng.uniform([-0.6, 0.0], [0.6, 0.45], (count, FRECKLES, 2))
    return People(
        skin.clip(0, 1),
        rng.random((count, 3)) * [0.8, 0.6, 0.5],
        rng.random((count, 3)) * [0.4, 0.7, 0.9],
        rng.random((count, 2, 3)),
        0.5 + 0.5 * rng.random((count, 3)),
        rng.uniform(0.62, 0.78, count),
        rng.uniform(0.86, 1.0, count),
        rng.uniform(0.26, 0.36, count),
        rng.uniform(-0.7, -0.45, count),
        np.stack([rng.uniform(14, 22, count), rng.uniform(-0.5, 0.5, count)], axis=1),
        np.stack([rng.uniform(7, 12, count), rng.uniform(-0.6, 0.6, count)], axis=1),
        place,
    )


def poses(count, rng):
    """So many poses at random."""
    uniform = rng.uniform
    return Poses(
        uniform(-0.16, 0.16, count),
        uniform(-0.1, 0.1, count),
        uniform(-0.3, 0.3, count),
        uniform(-0.2, 0.2, count),
        uniform(0.0, 0.22, count),
        uniform(0.1, 1.0, count),
    )


def nodding(count):
    """The poses of a film of one head: it looks around, speaks and blinks."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return Poses(
        0.1 * np.sin(t),
        0.05 * np.sin(2 * t),
        0.2 * np.sin(t + 1),
        0.18 * np.sin(t),
        0.11 + 0.11 * np.sin(5 * t),
        0.55 + 0.45 * np.cos(3 * t),
    )


def points(who, pose):
    """The key points (N, POINTS, 2) in the picture, x and y from -1 to 1.

    Eyes, upper lids, nose, corners, top and bottom of the mouth, chin, ears.
    """
    zero, eye = np.zeros_like(who.width), 0.1 * pose.lids
    at = [
        (pose.turn - who.apart, zero - 0.08),
        (pose.turn + who.apart, zero - 0.08),
        (pose.turn - who.apart, -0.08 - eye),
        (pose.turn + who.apart, -0.08 - eye),
        (1.4 * pose.turn, zero + 0.2),
        (pose.turn - 0.25, zero + 0.5),
        (pose.turn + 0.25, zero + 0.5),
        (pose.turn, 0.5 - pose.mouth / 2),
        (pose.turn, 0.5 + pose.mouth / 2),
        (0.5 * pose.turn, who.height),
        (-who.width, zero),
        (who.width, zero),
    ]
    x, y = (np.stack(axis, axis=1) for axis in zip(*at))
    cos, sin = np.cos(pose.tilt)[:, None], np.sin(pose.tilt)[:, None]
    right = _SCALE * (cos * x - sin * y) + pose.right[:, None]
    down = _SCALE * (sin * x + cos * y) + pose.down[:, None] + _DOWN
    return np.stack([right, down], axis=2).astype(np.float32)


_SCALE, _DOWN = 0.62, -0.05  # of a face in the picture


def draw(who, pose, size=64):
    """Pictures (N, 3, size, size) of the people in the poses, float32 from 0 to 1."""
    line = (np.arange(size) + 0.5) / size * 2 - 1
    across, along = line[None, None, :], line[None, :, None]
    right, down = across - _of(pose.right), along - _of(pose.down) - _DOWN
    cos, sin = _of(np.cos(pose.tilt)), _of(np.sin(pose.tilt))
    x, y = (cos * right + sin * down) / _SCALE, (cos * down - sin * right) / _SCALE
    brush = _Brush(who.wall, size)
    _body(brush, who, pose, across + 0 * along, along + 0 * across)
    _head(brush, who, x, y)
    _features(brush, who, pose, x - _of(pose.turn), y)
    return brush.picture.astype(np.float32)


def _body(brush, who, pose, across, along):
    """The shirt, which moves with the head but does not tilt."""
    x, y = across - _of(pose.right), along - _of(pose.down)
    shoulders = brush.inside(x / 0.8, (y - 1.15) / 0.55)
    wave = 0.5 + 0.5 * np.sin(_of(who.stripes[:, 0]) * np.pi * (x + _of(who.stripes[:, 1]) * y))
    brush.paint(who.shirt[:, 0], shoulders)
    brush.paint(who.shirt[:, 1], shoulders * (wave > 0.5))
    brush.paint(0.85 * who.skin, brush.inside(x / 0.2, (y - 0.55) / 0.25))


def _head(brush, who, x, y):
    wide, high = _of(who.width), _of(who.height)
    count, slant = _of(who.strands[:, 0]), _of(who.strands[:, 1])
    strands = 0.5 + 0.5 * np.sin(count * np.pi * (x + slant * y))
    hair = brush.inside(x / (wide + 0.16), (y + 0.12) / (high + 0.1))
    brush.paint(who.hair, hair)
    for side in (-1, 1):
        brush.paint(0.9 * who.skin, brush.inside((x - side * wide) / 0.12, y / 0.2))
    face = brush.inside(x / wide, y / high)
    brush.paint(who.skin, face)
    for k in range(FRECKLES):
        place = who.freckles[:, k]
        dot = brush.inside((x - _of(place[:, 0])) / 0.045, (y - _of(place[:, 1])) / 0.045)
        brush.paint(0.55 * who.skin, dot * face)
    fringe = face * brush.below(_of(who.fringe) - y)
    brush.paint(who.hair, fringe)
    brush.paint(0.35 * who.hair, (hair - face).clip(0) * strands)
    brush.paint(0.35 * who.hair, fringe * strands)


def _features(brush, who, pose, x, y):
    for side in (-1, 1):
        right, down = x - side * _of(who.apart), y + 0.08
        lid = 0.02 + 0.1 * _of(pose.lids)
        white = brush.inside(right / 0.15, down / lid)
        brush.paint(np.full_like(who.skin, 0.97), white)
        brush.paint(who.eyes, white * brush.inside(right / 0.08, down / 0.08))
        brush.paint(0.1 * who.eyes, white * brush.inside(right / 0.035, down / 0.035))
        brush.paint(who.hair, brush.inside(right / 0.2, (down + 0.22) / 0.035))
    brush.paint(0.75 * who.skin, brush.inside((x - 0.4 * _of(pose.turn)) / 0.07, (y - 0.2) / 0.1))
    open_ = 0.035 + _of(pose.mouth) / 2
    brush.paint(who.skin * [0.85, 0.4, 0.4], brush.inside(x / 0.28, (y - 0.5) / (open_ + 0.05)))
    brush.paint(0.15 * who.skin, brush.inside(x / 0.22, (y - 0.5) / open_) * (open_ > 0.05))


class _Brush:
    """Paints shapes one over the other, with edges of about a pixel."""

    def __init__(self, colour, size):
        self.picture = np.repeat(np.repeat(_colour(colour), size, axis=2), size, axis=3)
        self.sharp = size / 2.5

    def inside(self, x, y):
        """1 within the ellipse x^2 + y^2 = 1, 0 outside."""
        radius = np.sqrt(x * x + y * y)
        steep = np.maximum(np.hypot(*np.gradient(radius, axis=(1, 2))), 1e-6)  # a pixel's share
        return ((1 - radius) / steep + 0.5).clip(0, 1)

    def below(self, distance):
        """1 where the distance (in faces) is positive."""
        return (distance * self.sharp + 0.5).clip(0, 1)

    def paint(self, colour, mask):
        self.picture += mask[:, None] * (_colour(colour) - self.picture)


def _of(values):
    """(N,) beside (N, height, width)."""
    return np.asarray(values)[:, None, None]


def _colour(values):
    return np.array(values, np.float64)[:, :, None, None]
