"""One table of calls for every public function: whatever is tested for all is tested from here."""

from cases import activation, conv, loss, matmul, norm, optim, pool, random, recurrent
from cases.case import Case
from tatami import kernels

__all__ = ["CASES", "Case"]

ALL = [
    *matmul.CASES,
    *conv.CASES,
    *pool.CASES,
    *recurrent.CASES,
    *norm.CASES,
    *activation.CASES,
    *loss.CASES,
    *random.CASES,
    *optim.CASES,
]

# Families land one after the other: what the library does not have yet waits.
CASES = [case for case in ALL if hasattr(kernels, case.name)]
