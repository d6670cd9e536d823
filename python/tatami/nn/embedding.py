"""Vectors for whole numbers."""

from .. import functional as F
from . import init
from .allocation import has_memory, parameter
from .module import Module


class Embedding(Module):
    """Row ``i`` of ``weight`` (num_embeddings, embedding_dim) for every index ``i``.

    The row ``padding_idx`` starts as zeros and is never trained.
    """

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, *, weight_init=None):
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(
                    f"Embedding: padding_idx {padding_idx} is not one of {num_embeddings} rows"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        (self.weight_init,) = init.known(weight_init)
        self.weight = parameter(num_embeddings, embedding_dim)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new initial values: the standard normal distribution, as in PyTorch."""
        (init.get(self.weight_init) if self.weight_init else init.normal_)(self.weight)
        if self.padding_idx is not None and has_memory():
            self.weight.data[self.padding_idx] = 0
            self.weight.bump()

    def forward(self, indices):
        return F.embedding(indices, self.weight, self.padding_idx)
