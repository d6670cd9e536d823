"""The raw API: arrays in, arrays out, no state.

Sizes in the docstrings: N batch, C channels in, O channels out, T time steps, I input features,
H hidden features (or height, with W). All arrays of a call share one dtype, float32 or float64,
and on a GPU also float16 or bfloat16, whose arithmetic is float32; on the CPU the products
(``matmul``, ``linear``, convolutions, LSTM) take bfloat16. Any NumPy layout is accepted; what is
not contiguous is copied once (``matmul`` and ``linear`` read transposed views in place).
Results are new C-contiguous arrays unless ``out=`` is given, which must fit exactly. Shapes and
values that do not fit raise ``ValueError``, dtypes and kinds of array ``TypeError``, and nothing is
written then.

Where the build has the CUDA kernels, the arrays may be CuPy's, or what CuPy can look at (by
``__cuda_array_interface__`` or DLPack), all of a call on the current device. Results are CuPy's
then, from its memory pool, and launched on its current stream; no call waits for the GPU. So
losses and ``global_norm`` give arrays of no axes, and what arrays hold is not checked: a class or
a row out of range gives NaN, a place outside its image nothing.
"""

from .activation import *
from .activation import __all__ as _activation
from .conv import *
from .conv import __all__ as _conv
from .dropout import *
from .dropout import __all__ as _dropout
from .embedding import *
from .embedding import __all__ as _embedding
from .grid_sample import *
from .grid_sample import __all__ as _grid_sample
from .loss import *
from .loss import __all__ as _loss
from .matmul import *
from .matmul import __all__ as _matmul
from .norm import *
from .norm import __all__ as _norm
from .optim import *
from .optim import __all__ as _optim
from .pool import *
from .pool import __all__ as _pool
from .recurrent import *
from .recurrent import __all__ as _recurrent
from .reparameterize import *
from .reparameterize import __all__ as _reparameterize
from .softmax import *
from .softmax import __all__ as _softmax
from .upsample import *
from .upsample import __all__ as _upsample

__all__ = [
    *_activation,
    *_conv,
    *_dropout,
    *_embedding,
    *_grid_sample,
    *_loss,
    *_matmul,
    *_norm,
    *_optim,
    *_pool,
    *_recurrent,
    *_reparameterize,
    *_softmax,
    *_upsample,
]
