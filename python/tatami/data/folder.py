"""Images of one's own: whatever Pillow reads, below a folder."""

import warnings
from pathlib import Path

import numpy as np

from .datasets.labelled import Labelled


def image_folder(folder, size=64, channels=3):
    """The images below ``folder``, cut to squares and scaled: x (N, channels, size, size), y (N,).

    x is float32 from 0 to 1. Subfolders are classes, in alphabetical order; without them all rows
    are of class 0. Files are read in the order of their names; hidden ones and what is no image
    by its name are left out, and a broken image is named in a warning and skipped. Needs Pillow:
    ``pip install "tatami[demo]"``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"image_folder: there is no folder {folder}")
    if channels not in (1, 3):
        raise ValueError(f"image_folder: channels must be 1 (grey) or 3 (colour), not {channels}")
    suffixes = set(_pillow().registered_extensions())
    files = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in suffixes]
    found = []
    for file in files:
        parts = file.relative_to(folder).parts
        if any(part.startswith(".") for part in parts):
            continue
        pixels = _read(file, size, channels)
        if pixels is not None:
            found.append((pixels, parts[0] if len(parts) > 1 else ""))
    if not found:
        raise ValueError(f"image_folder: none of {len(files)} files below {folder} is an image")
    classes = sorted({name for _, name in found})
    x = np.stack([pixels for pixels, _ in found])
    y = np.array([classes.index(name) for _, name in found], np.int64)
    return Labelled(x, y, classes)


def _pillow():
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('image_folder needs Pillow: pip install "tatami[demo]"') from error
    return Image


def _read(file, size, channels):
    """(channels, size, size) from 0 to 1: the middle square; None for a broken file."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB" if channels == 3 else "L")
            square = ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        warnings.warn(f"image_folder: {file} is skipped: {error}", stacklevel=3)
        return None
    pixels = np.asarray(square, np.float32).reshape(size, size, channels) / np.float32(255)
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
