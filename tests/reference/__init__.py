"""Every function of tatami.kernels in plain float64 NumPy, written from its formula.

Slow and obvious on purpose, and independent of the library: what the tests expect never comes
from the code under test. Arguments are those of tatami.kernels, without `out`.
"""

# ruff: noqa: F403
from reference.activation import *
from reference.conv import *
from reference.grid_sample import *
from reference.loss import *
from reference.matmul import *
from reference.norm import *
from reference.optim import *
from reference.pool import *
from reference.random import *
from reference.recurrent import *
from reference.upsample import *
