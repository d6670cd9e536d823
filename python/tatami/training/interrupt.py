"""Ctrl-C: the first ends a run after the batch at hand, the second at once."""

import signal
import sys
import threading


class Interrupt:
    """``with Interrupt() as interrupt:`` sets ``interrupt.seen`` instead of raising, once.

    Only where Ctrl-C would raise KeyboardInterrupt: in the main thread, without a handler of the
    user's own.
    """

    seen = False

    def __enter__(self):
        self._ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._ours:
            signal.signal(signal.SIGINT, self._first)
        return self

    def _first(self, number, frame):
        self.seen = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("\nCtrl-C: the run ends after this batch (once more: at once)", file=sys.stderr)

    def __exit__(self, *error):
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
