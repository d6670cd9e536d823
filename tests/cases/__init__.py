"""One table of calls for every public function: whatever is tested for all is tested from here."""

from cases import activation, conv, grid_sample, loss, matmul, norm, optim, pool, random, recurrent
from cases.case import Case

__all__ = ["CASES", "Case"]

CASES = [
    *matmul.CASES,
    *conv.CASES,
    *pool.CASES,
    *recurrent.CASES,
    *norm.CASES,
    *activation.CASES,
    *grid_sample.CASES,
    *loss.CASES,
    *random.CASES,
    *optim.CASES,
]
