"""Loaders, splits and scaling."""

import pickle

import numpy as np
import pytest

import tatami
from tatami.data import (
    PCA,
    ZCA,
    ArrayDataset,
    DataLoader,
    Dataset,
    KFold,
    Normalize,
    Standardize,
    StratifiedKFold,
    Subset,
    normalize,
    one_hot,
    standardize,
    train_test_split,
)

X = np.arange(23, dtype=np.float32)[:, None]
Y = np.arange(23)


def rows(loader):
    return [y.tolist() for _, y in loader]


class Squares(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        if index == 7:
            raise KeyError("seven")
        return {"x": np.full(2, float(index)), "y": index**2, "name": str(index)}


# ---- loaders


def test_batches_in_order_and_the_last_one_smaller():
    assert rows(DataLoader((X, Y), 10)) == [[*range(10)], [*range(10, 20)], [20, 21, 22]]
    assert rows(DataLoader((X, Y), 10, drop_last=True)) == [[*range(10)], [*range(10, 20)]]
    assert len(DataLoader((X, Y), 10)) == 3 and len(DataLoader((X, Y), 10, drop_last=True)) == 2
    (batch,) = DataLoader(X, 30)
    np.testing.assert_array_equal(batch, X)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_threads_gives_the_same_batches(workers):
    def jitter(x, rng):
        return x + rng.standard_normal(x.shape)

    def epochs(workers):
        loader = DataLoader((X, Y), 4, True, num_workers=workers, transform=jitter, seed=3)
        return [[np.c_[x, y] for x, y in loader] for _ in range(3)]

    alone, together = epochs(0), epochs(workers)
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert sorted(np.concatenate(alone[0])[:, 1]) == Y.tolist()
    assert not np.array_equal(alone[0][0], alone[1][0])  # another order each epoch


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("seen", [0, 1, 4, 6, 7, 13])
def test_a_resumed_loader_goes_on_with_the_same_batches(workers, seen):
    def make():
        return DataLoader((X, Y), 4, True, num_workers=workers, seed=5)

    def stream(loader):
        while True:
            for _, y in loader:
                yield y.tolist(), pickle.dumps(loader.state_dict())

    unbroken = stream(make())
    before = [next(unbroken) for _ in range(seen)]
    loader = make()
    if before:
        loader.load_state_dict(pickle.loads(before[-1][1]))
    resumed = stream(loader)
    for _ in range(9):
        assert next(resumed)[0] == next(unbroken)[0]


def test_an_epoch_left_early_is_followed_by_the_next():
    loader = DataLoader((X, Y), 4, True, seed=1, num_workers=2)
    first = next(iter(loader))[1].tolist()
    second = rows(loader)
    whole = DataLoader((X, Y), 4, True, seed=1)
    assert first == rows(whole)[0] and second == rows(whole)


def test_the_seed_comes_from_the_library():
    tatami.manual_seed(4)
    one = rows(DataLoader((X, Y), 4, True))
    tatami.manual_seed(4)
    assert one == rows(DataLoader((X, Y), 4, True))


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_are_put_together_part_by_part(workers):
    first, _ = DataLoader(Subset(Squares(), [1, 3, 9]), 2, num_workers=workers)
    np.testing.assert_array_equal(first["x"], [[1, 1], [3, 3]])
    np.testing.assert_array_equal(first["y"], [1, 9])
    assert first["name"] == ["1", "3"]
    with pytest.raises(KeyError, match="seven"):
        list(DataLoader(Squares(), 2, num_workers=workers))
    sums = DataLoader(Subset(Squares(), [2, 3]), 2, collate_fn=lambda s: sum(a["y"] for a in s))
    assert list(sums) == [13]


def test_what_a_loader_cannot_do():
    with pytest.raises(ValueError, match=r"\(23, 1\), \(4,\)"):
        ArrayDataset(X, np.ones(4))
    with pytest.raises(ValueError, match="batch_size is 0"):
        DataLoader(X, 0)
    assert list(DataLoader(X[:0], 3)) == []


# ---- splits


def test_one_hot():
    np.testing.assert_array_equal(one_hot([[0], [2]], 4), [[[1, 0, 0, 0]], [[0, 0, 1, 0]]])
    assert one_hot([1]).dtype == np.float32 and one_hot(np.zeros(0, int), 3).shape == (0, 3)
    with pytest.raises(ValueError, match="from -1 to 1"):
        one_hot([-1, 1])
    with pytest.raises(TypeError, match="float64"):
        one_hot([0.5])


def test_train_test_split():
    xa, xb, ya, yb = train_test_split(X, Y, test_size=7, seed=0)
    assert (len(xa), len(xb)) == (16, 7)
    np.testing.assert_array_equal(xa[:, 0], ya)
    assert sorted([*ya, *yb]) == Y.tolist()
    xa, xb = train_test_split(X, test_size=0.25, shuffle=False)
    assert xb[:, 0].tolist() == [17, 18, 19, 20, 21, 22]
    with pytest.raises(ValueError, match="leaves 0 to train"):
        train_test_split(X, test_size=23)


def test_a_share_may_be_of_any_float():
    assert [len(a) for a in train_test_split(np.arange(8), test_size=np.float32(0.25))] == [6, 2]


def test_stratified_parts_have_the_classes_in_proportion():
    classes = np.repeat(["a", "b", "c"], [50, 30, 21])
    train, test = train_test_split(classes, test_size=0.2, stratify=classes, seed=1)
    assert {c: (test == c).sum() for c in "abc"} == {"a": 10, "b": 6, "c": 4}
    assert len(train) == 81
    for shuffle in (False, True):
        folds = list(StratifiedKFold(5, shuffle, seed=2).split(classes, classes))
        for k, (train, test) in enumerate(folds):
            counts = np.unique(classes[test], return_counts=True)[1]
            assert counts.tolist()[:2] == [10, 6] and counts[2] in (4, 5), k
            assert sorted([*train, *test]) == list(range(101))
        assert sorted(np.concatenate([t for _, t in folds])) == list(range(101))


def test_k_fold():
    folds = [test.tolist() for _, test in KFold(3).split(np.zeros(7))]
    assert folds == [[0, 1, 2], [3, 4], [5, 6]]
    shuffled = [test.tolist() for _, test in KFold(3, True, seed=0).split(np.zeros(7))]
    assert sorted(row for fold in shuffled for row in fold) == list(range(7)) and shuffled != folds
    with pytest.raises(ValueError, match="2 rows in 3"):
        list(KFold(3).split(np.zeros(2)))


# ---- scaling


def data(rows=200, size=6):
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, size)) @ rng.standard_normal((size, size)) + 3


def test_normalize_and_standardize():
    x = data()
    y = normalize(x)
    assert y.min() == 0 and y.max() == 1
    np.testing.assert_allclose(normalize(x, axis=0).max(axis=0), 1)
    z = standardize(x)
    np.testing.assert_allclose([z.mean(axis=0), z.std(axis=0)], [[0] * 6, [1] * 6], atol=1e-12)
    x[:, 2] = 5.0
    assert (standardize(x)[:, 2] == 0).all()
    for scaler in (Normalize(), Standardize(None)):
        fitted = scaler.fit(x)
        np.testing.assert_allclose(fitted.inverse(fitted.transform(x + 1)), x + 1)


@pytest.mark.parametrize("kind", [Normalize, Standardize, PCA, ZCA])
def test_what_cannot_be_scaled_says_why(kind):
    name = kind.__name__
    with pytest.raises(ValueError, match=rf"^{name}: fit needs . rows or more, got \(0, 3\)"):
        kind().fit(np.zeros((0, 3)))
    with pytest.raises(AttributeError, match=rf"^{name} has no \w+; fit it first"):
        kind().transform(np.zeros((4, 3)))
    fitted = kind().fit(np.arange(12.0).reshape(4, 3) ** 2)
    for wrong in (np.zeros((4, 5)), np.zeros((4, 1))):
        with pytest.raises(ValueError, match=rf"^{name}: x has shape \(4, {wrong.shape[1]}\)"):
            fitted.transform(wrong)
    empty = pickle.loads(pickle.dumps(fitted)).transform(np.zeros((0, 3)))
    assert empty.shape == fitted.inverse(empty).shape == (0, 3)


@pytest.mark.parametrize("kind", [PCA, ZCA])
def test_nothing_is_whitened_by_what_is_not_finite(kind):
    with pytest.raises(ValueError, match=r"x \(4, 3\) holds NaN"):
        kind().fit(np.full((4, 3), np.nan))


def test_whitened_data_is_uncorrelated_with_variance_one():
    x = data()
    for whitening in (PCA(whiten=True), ZCA(eps=0.0)):
        y = whitening.fit_transform(x)
        np.testing.assert_allclose(np.cov(y.T), np.eye(6), atol=1e-9)
        np.testing.assert_allclose(whitening.inverse(y), x, atol=1e-9)


def test_principal_components_are_scikit_learns():
    sklearn = pytest.importorskip("sklearn.decomposition")
    x = data()
    for whiten in (False, True):
        mine = PCA(3, whiten)
        theirs = sklearn.PCA(3, whiten=whiten).fit(x)
        y, wanted = mine.fit_transform(x), theirs.transform(x)
        np.testing.assert_allclose(np.abs(y), np.abs(wanted), atol=1e-9)
        np.testing.assert_allclose(mine.inverse(y), theirs.inverse_transform(wanted), atol=1e-9)
        np.testing.assert_allclose(mine.variances, theirs.explained_variance_)


def test_whitened_images_keep_shape_and_dtype():
    x = data(50, 32).reshape(50, 2, 4, 4).astype(np.float32)
    zca = ZCA()
    y = zca.fit_transform(x)
    assert y.shape == x.shape and y.dtype == np.float32
    np.testing.assert_allclose(zca.inverse(y), x, atol=1e-2)
    with pytest.raises(ValueError, match=r"ZCA: x has shape \(50, 2, 4\)"):
        zca.transform(x[..., 0])
