"""What stays live in a captured step: functions that every replay calls anew."""

from functools import wraps

import numpy as np

from .. import _core
from .._device import device_of


def live(f):
    """``f`` itself, which a step that is being recorded calls at every replay, too.

    Nothing inside is recorded. A number that it returns is an array of no axes in such a step; an
    array on a GPU stays where it was the first time.
    """

    @wraps(f)
    def wrapper(*args, **kwargs):
        recording = _core.recording()
        if recording is None:
            return f(*args, **kwargs)
        number = None

        def again():
            nonlocal number
            value = f(*args, **kwargs)
            if device_of(value) == "cuda":
                if number is None:
                    number = np.empty_like(value)
                number[...] = value
                return number
            if number is not None:
                number[()] = value
            return value

        value = _core.live(again)
        if isinstance(recording, _core.HostRecording) and isinstance(value, (float, np.floating)):
            value = recording.adopt(np.array(value))
            number = recording.kept(value)
        return value

    return wrapper
