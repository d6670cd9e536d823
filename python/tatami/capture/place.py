"""Where the graphs of a step on a GPU are made: a stream and memory of their own."""

from contextlib import ExitStack

from .. import _core
from .._device import _cupy


class Place:
    """Memory of CuPy's that nothing else is given: graphs write to it whenever they are launched.

    What every replay computes with anew (settings of optimizers, their workspace) has memory
    apart, as it may stand elsewhere each time.
    """

    def __init__(self):
        self.cuda = _cupy().cuda
        self.stream = self.cuda.Stream(non_blocking=True)
        self.pools = self.cuda.MemoryPool(), self.cuda.MemoryPool()
        self.makers = _core.Makers()
        self.entered = []

    def enter(self, recording, live):
        """From here to :meth:`leave` CuPy allocates here for ``recording``, on this stream."""
        pool = self.pools[live]

        def allocate(size):
            memory = pool.malloc(size)
            recording.add_block(memory.mem.ptr)
            return memory

        with ExitStack() as stack:
            stack.enter_context(self.cuda.using_allocator(allocate))
            stack.enter_context(self.stream)
            self.entered.append(stack.pop_all())

    def leave(self):
        self.entered.pop().close()
