"""Functions as callbacks."""

from ..callback import EVENTS, Callback


class LambdaCallback(Callback):
    """Calls the functions given for events: ``LambdaCallback(on_epoch_end=print)``."""

    def __init__(self, **functions):
        for event, function in functions.items():
            if event not in EVENTS:
                raise TypeError(
                    f"LambdaCallback: there is no event {event!r}, only {', '.join(EVENTS)}"
                )
            setattr(self, event, function)
