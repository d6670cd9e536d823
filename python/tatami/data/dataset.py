"""What a loader reads: rows by their numbers."""

import numpy as np


class Dataset:
    """Samples by number: a subclass has ``__len__`` and ``__getitem__(index)``.

    One that can fetch many samples at once, as a finished batch, does it in
    ``__getitems__(indices)``.
    """

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__")

    def __len__(self):
        raise NotImplementedError(f"{type(self).__name__} has no __len__")


class ArrayDataset(Dataset):
    """The rows of arrays of equal length; a sample is a tuple with a row of each."""

    def __init__(self, *arrays):
        self.arrays = tuple(np.asarray(a) for a in arrays)
        if not self.arrays:
            raise ValueError("ArrayDataset: no arrays given")
        lengths = [len(a) for a in self.arrays]
        if len(set(lengths)) > 1:
            shapes = ", ".join(str(a.shape) for a in self.arrays)
            raise ValueError(f"ArrayDataset: arrays differ in their number of rows: {shapes}")

    def __len__(self):
        return len(self.arrays[0])

    def __getitem__(self, index):
        return tuple(a[index] for a in self.arrays)

    def __getitems__(self, indices):
        return self[indices]


class Subset(Dataset):
    """Some samples of a dataset, in the order of ``indices``."""

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = np.asarray(indices)

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices):
        return fetch(self.dataset, self.indices[indices], collate)


def fetch(dataset, indices, collate_fn):
    """The batch of these samples."""
    if collate_fn is collate and hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return collate_fn([dataset[int(i)] for i in indices])


def collate(samples):
    """One batch of a list of samples: arrays and numbers stacked, tuples and dicts part by part."""
    first = samples[0]
    if isinstance(first, (tuple, list)):
        return tuple(collate(list(part)) for part in zip(*samples, strict=True))
    if isinstance(first, dict):
        return {key: collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, (str, bytes)):
        return list(samples)
    if isinstance(first, float):
        return np.asarray(samples, np.float32)
    return np.stack([np.asarray(sample) for sample in samples])
