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
    if channels not in (1, 3):
        raise ValueError(f"image_folder: channels must be 1 (grey) or 3 (colour), not {channels}")
    if not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"image_folder: size must be a number of pixels, not {size!r}")
    pillow = _pillow()
    found, names = labelled_files(
        "image_folder",
        "an image",
        folder,
        set(pillow.registered_extensions()),
        lambda file: _read(file, size, channels),
        (OSError, ValueError, SyntaxError, pillow.DecompressionBombError),
    )
    classes = sorted(set(names))
    y = np.array([classes.index(name) for name in names], np.int64)
    return Labelled(np.stack(found), y, classes)


def labelled_files(caller, kind, folder, suffixes, read, errors):
    """What ``read`` makes of every file below ``folder``, and the subfolder that each is in.

    A file that gives one of the ``errors`` is named in a warning and skipped.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{caller}: there is no folder {folder}")
    files = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in suffixes]
    found, names = [], []
    for file in files:
        parts = file.relative_to(folder).parts
        if any(part.startswith(".") for part in parts):
            continue
        try:
            found.append(read(file))
        except errors as error:
            warnings.warn(f"{caller}: {file} is skipped: {error}", stacklevel=3)
            continue
        names.append(parts[0] if len(parts) > 1 else "")
    if not found:
        raise ValueError(f"{caller}: none of {len(files)} files below {folder} is {kind}")
    return found, names


def _pillow():
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('image_folder needs Pillow: pip install "tatami[demo]"') from error
    return Image


def _read(file, size, channels):
    """(channels, size, size) from 0 to 1: the middle square."""
    from PIL import Image, ImageOps

    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):  # grey of 16 bits, which convert() would cut off at 255
            upright = Image.fromarray((np.asarray(upright) >> 8).clip(0, 255).astype(np.uint8))
        upright = upright.convert("RGB" if channels == 3 else "L")
        square = ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS)
    pixels = np.asarray(square, np.float32).reshape(size, size, channels) / np.float32(255)
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
