"""What stays live in a captured step: functions that every replay calls anew."""

from functools import wraps

import numpy as np

from .. import _core


def live(f):
    """``f`` itself, which a step that is being recorded calls at every replay, too.

    Nothing inside is recorded. A number that it returns is an array of no axes in such a step.
    """

    @wraps(f)
    def wrapper(*args, **kwargs):
        recording = _core.recording()
        if recording is None:
            return f(*args, **kwargs)
        number = None

        def again():
            value = f(*args, **kwargs)
            if number is not None:
                number[()] = value
            return value

        value = _core.live(again)
        if isinstance(value, (float, np.floating)):
            value = recording.adopt(np.array(value))
            number = recording.kept(value)
        return value

    return wrapper
