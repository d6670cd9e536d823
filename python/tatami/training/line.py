"""A line of plain text that is rewritten in place on a terminal."""

import shutil
import sys
import time

INTERVAL = 0.1  # seconds between two versions of the line


class StatusLine:
    """``show`` as often as you like, ``finish`` once.

    ``live=False``, and any stream but a terminal, gets finished lines only.
    """

    def __init__(self, stream=None, live=True, now=time.perf_counter):
        self.stream = stream or sys.stdout
        self.live = live and self.stream.isatty()
        self.now = now
        self.written = -INTERVAL
        self.length = 0  # of the unfinished line

    @property
    def width(self):
        """How many characters fit; None where lines may be as long as they like."""
        return shutil.get_terminal_size().columns - 1 if self.live else None

    def due(self):
        """True where a new version would be shown."""
        return self.live and self.now() - self.written >= INTERVAL

    def show(self, text):
        """Rewrite the line, as much of it as fits."""
        self._rewrite(text[: self.width])

    def _rewrite(self, text):
        self.stream.write("\r" + text.ljust(self.length))
        self.stream.flush()
        self.length = len(text)
        self.written = self.now()

    def finish(self, text):
        """Write the line's last version, whole, and go on to the next line."""
        if self.live:
            self._rewrite(text)
            text = ""
        self.stream.write(text + "\n")
        self.stream.flush()
        self.length = 0

    def break_off(self):
        """Go on to the next line, if this one has begun."""
        if self.length:
            self.stream.write("\n")
            self.stream.flush()
            self.length = 0
