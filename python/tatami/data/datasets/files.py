"""Files of data sets: where they are looked for, and how they get there."""

import gzip
import os
import zlib
from pathlib import Path


def data_folder(name, folder=None):
    """``folder``, or the set's own below ``$TATAMI_DATA`` (by default ``~/.cache/tatami``)."""
    if folder is not None:
        return Path(folder)
    return Path(os.environ.get("TATAMI_DATA") or Path.home() / ".cache" / "tatami") / name


def locate(name, folder, candidates, download=None):
    """The first of the candidates (names of files) in the folder; ``download()`` makes one."""
    for candidate in candidates:
        path = folder / candidate
        if path.is_file():
            return path
    if download is not None:
        return download()
    raise FileNotFoundError(
        f"{name}: {' or '.join(candidates)} is not in {folder}; put it there, or download=True"
    )


def fetch(name, url, md5, folder):
    """Download ``url`` into the folder, checked, whole or not at all; returns its path."""
    try:
        import pooch
    except ImportError as error:
        raise ImportError(f'{name} downloads with pooch: pip install "tatami[demo]"') from error
    import requests

    try:
        return Path(pooch.retrieve(url, f"md5:{md5}", url.rsplit("/", 1)[-1], folder))
    except ValueError as error:
        raise ValueError(
            f"{name}: what came from {url} is damaged or not the known file (its MD5 is not "
            f"{md5}); nothing was kept"
        ) from error
    except (OSError, requests.exceptions.RequestException) as error:
        raise ConnectionError(f"{name}: {url} could not be downloaded: {error}") from error


def read(path, limit):
    """The bytes of a file, unpacked if it is gzipped; ValueError for more than ``limit``."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            data = file.read(limit + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged or cut short: {error}") from error
    if len(data) > limit:
        raise ValueError(f"{path} is larger than such a file can be ({limit} bytes)")
    return data
