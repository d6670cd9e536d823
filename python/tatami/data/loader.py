"""Batches of a dataset, epoch after epoch, prepared ahead by threads."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .. import random
from .dataset import ArrayDataset, collate, fetch


class DataLoader:
    """Yields the batches of one epoch each time it is iterated.

    ``dataset`` is an array, a tuple of arrays, or anything with ``__len__`` and ``__getitem__``.
    ``transform(x, rng)``, an augmentation, changes the first part of every batch. ``num_workers``
    threads prepare up to ``prefetch`` batches each before they are asked for.

    The order of an epoch and the random numbers of a batch follow from ``seed`` and their numbers
    alone (``seed=None`` draws one from the generator of ``tatami.manual_seed``), so they are the
    same for any number of threads, and :meth:`state_dict` resumes in the middle of an epoch.

    >>> for x, y in DataLoader((numpy.arange(3), numpy.arange(3)), batch_size=2):
    ...     print(x, y)
    [0 1] [0 1]
    [2] [2]
    """

    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=False,
        *,
        drop_last=False,
        num_workers=0,
        prefetch=2,
        transform=None,
        collate_fn=collate,
        seed=None,
    ):
        if isinstance(dataset, (np.ndarray, tuple)):
            parts = dataset if isinstance(dataset, tuple) else (dataset,)
            dataset = ArrayDataset(*parts)
        if batch_size < 1 or num_workers < 0 or prefetch < 1:
            raise ValueError(
                f"DataLoader: batch_size is {batch_size}, num_workers {num_workers} and prefetch "
                f"{prefetch}; they must be at least 1, 0 and 1"
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.num_workers = num_workers
        self.prefetch = prefetch
        self.transform = transform
        self.collate_fn = collate_fn
        self.seed = random.seed() if seed is None else seed
        self.epoch = 0
        self.position = 0  # batches of this epoch that were handed out
        self._resumed = False

    def __len__(self):
        rows = len(self.dataset)
        return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)

    def __iter__(self):
        if self.position and not self._resumed:  # the last epoch was left early
            self._next_epoch()
        self._resumed = False
        order = self._order()
        jobs = range(self.position, len(self))
        for batch in self._prepared(order, jobs) if self.num_workers else self._made(order, jobs):
            self.position += 1
            yield batch
        self._next_epoch()

    def state_dict(self):
        """Where the loader stands: what follows is the same after :meth:`load_state_dict`."""
        return {"seed": self.seed, "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state_dict):
        """The next iteration goes on from there."""
        self.seed = state_dict["seed"]
        self.epoch = state_dict["epoch"]
        self.position = state_dict["position"]
        self._resumed = True

    def _next_epoch(self):
        self.epoch += 1
        self.position = 0

    def _order(self):
        rows = len(self.dataset)
        if not self.shuffle:
            return np.arange(rows)
        return np.random.default_rng([self.seed, self.epoch]).permutation(rows)

    def _made(self, order, jobs):
        return (self._batch(order, self.epoch, job) for job in jobs)

    def _prepared(self, order, jobs):
        """The batches in their order, made by threads a little ahead."""
        jobs, epoch, waiting = iter(jobs), self.epoch, deque()
        pool = ThreadPoolExecutor(self.num_workers, thread_name_prefix="tatami-data")
        try:
            for job in jobs:
                waiting.append(pool.submit(self._batch, order, epoch, job))
                if len(waiting) >= self.num_workers * self.prefetch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _batch(self, order, epoch, number):
        rows = order[number * self.batch_size : (number + 1) * self.batch_size]
        batch = fetch(self.dataset, rows, self.collate_fn)
        if self.transform is None:
            return _single(batch)
        rng = np.random.default_rng([self.seed, epoch, number])
        if isinstance(batch, tuple):
            return _single((self.transform(batch[0], rng), *batch[1:]))
        return self.transform(batch, rng)


def _single(batch):
    """A batch of one array stands by itself."""
    return batch[0] if isinstance(batch, tuple) and len(batch) == 1 else batch
