"""Pooling, upsampling, embedding, dropout, noise."""

from rules.rule import Rule

WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0), "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "dilation": 2},
]
# The linear ones whose weights are sums of powers of two.
EXACT = [{"kernel_size": 2}, (2, "nearest"), ((3, 1), "nearest"), (2, "bilinear")]
IMAGE = (2, 3, 8, 7)


def _max(settings):
    def forward(K, x):
        return K.max_pool2d(x, **settings)

    def backward(K, grads, x):
        _, indices = K.max_pool2d(x, **settings, return_indices=True)
        return (K.max_pool2d_grad(grads[0], indices, x.shape, **settings),)

    return Rule(
        f"max_pool2d {settings}",
        forward,
        backward,
        lambda source: [source.distinct(*IMAGE)],
        uses=("max_pool2d", "max_pool2d_grad"),
    )


def _linear(function, *args, **settings):
    """Rules of the form f(x, *args) and f_grad(grad_y, x.shape, *args)."""
    back = () if function.startswith("adaptive") else args
    return Rule(
        f"{function} {args} {settings}",
        lambda K, x: getattr(K, function)(x, *args, **settings),
        lambda K, grads, x: (getattr(K, f"{function}_grad")(grads[0], x.shape, *back, **settings),),
        lambda source: [source(*IMAGE)],
        linear=(0,),
        exact=(settings or args) in EXACT,
        uses=(function, f"{function}_grad"),
    )


def _adaptive_max(size):
    def backward(K, grads, x):
        _, indices = K.adaptive_max_pool2d(x, size, return_indices=True)
        return (K.adaptive_max_pool2d_grad(grads[0], indices, x.shape),)

    return Rule(
        f"adaptive_max_pool2d {size}",
        lambda K, x: K.adaptive_max_pool2d(x, size),
        backward,
        lambda source: [source.distinct(*IMAGE)],
        uses=("adaptive_max_pool2d", "adaptive_max_pool2d_grad"),
    )


EMBEDDING = Rule(
    "embedding",
    lambda K, w, i: K.embedding(i, w),
    lambda K, grads, w, i: (K.embedding_grad(grads[0], i, w.shape),),
    lambda source: [source(11, 5), source.below(11, 4, 6)],
    linear=(0,),
    uses=("embedding", "embedding_grad"),
)

DROPOUT = Rule(
    "dropout",
    lambda K, x: K.dropout(x, 0.5, seed=3)[0],
    lambda K, grads, x: (K.dropout_grad(grads[0], K.dropout(x, 0.5, seed=3)[1], 0.5),),
    lambda source: [source(7, 9)],
    linear=(0,),
    uses=("dropout", "dropout_grad"),
)

REPARAMETERIZE = Rule(
    "reparameterize",
    lambda K, mean, log_variance: K.reparameterize(mean, log_variance, seed=3),
    lambda K, grads, mean, log_variance: (
        grads[0],
        K.reparameterize_grad(grads[0], log_variance, seed=3),
    ),
    lambda source: [source(7, 9), source(7, 9)],
    uses=("reparameterize", "reparameterize_grad"),
)

RULES = [
    *(_max(settings) for settings in WINDOWS),
    *(_linear("avg_pool2d", **settings) for settings in WINDOWS),
    _linear("avg_pool2d", kernel_size=3, stride=2, padding=1, count_include_pad=False),
    *(_linear("adaptive_avg_pool2d", size) for size in (1, (3, 4), (9, 5))),
    *(_adaptive_max(size) for size in (1, (3, 4), (9, 5))),
    *(_linear("upsample2d", s, mode) for s in (2, (3, 1)) for mode in ("nearest", "bilinear")),
    EMBEDDING,
    DROPOUT,
    REPARAMETERIZE,
]
