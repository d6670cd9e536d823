"""Real data: what libraries bring along, files read safely, downloads checked."""

import gzip
import hashlib
import http.server
import io
import pickle
import tarfile
import threading

import numpy as np
import pytest

from tatami.data import datasets
from tatami.data.datasets import cifar
from tatami.data.datasets import idx as idx_format


def test_tables_and_digits():
    pytest.importorskip("sklearn")
    x, y = data = datasets.digits()
    assert x.shape == (1797, 1, 8, 8) and x.dtype == np.float32 and x.max() == 1
    assert y.dtype == np.int64 and data.classes == tuple("0123456789")
    for name, shape, classes in (
        ("iris", (150, 4), 3),
        ("wine", (178, 13), 3),
        ("breast_cancer", (569, 30), 2),
    ):
        data = getattr(datasets, name)()
        assert data.x.shape == shape and len(data.classes) == classes == data.y.max() + 1
        assert len(data.features) == shape[1]
    x, y = pickle.loads(pickle.dumps(datasets.diabetes()))
    assert x.shape == (442, 10) and y.dtype == np.float32


def test_photos():
    pytest.importorskip("skimage")
    for name in datasets.photos():
        photo = datasets.photo(name)
        assert photo.ndim == 3 and len(photo) in (1, 3) and photo.dtype == np.float32, name
        assert photo.min() >= 0 and photo.max() <= 1
    with pytest.raises(ValueError, match="there is no 'lena'; there are astronaut"):
        datasets.photo("lena")


def test_text():
    text = datasets.python_docs()
    assert len(text) > 300_000 and "lambda" in text


# ---- MNIST


def idx(array):
    return (
        b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
    )


def digits(rows):
    rng = np.random.default_rng(rows)
    images = rng.integers(256, size=(rows, 28, 28), dtype=np.uint8)
    return images, rng.integers(10, size=rows, dtype=np.uint8)


def mnist_files():
    """The name and content of each file, with few images."""
    files = {}
    for names, rows in zip(idx_format.FILES.values(), (6, 3), strict=True):
        files |= {n: idx(a) for n, a in zip(names, digits(rows), strict=True)}
    return files


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("load", [datasets.mnist, datasets.fashion_mnist])
def test_idx_files(tmp_path, monkeypatch, load, packed):
    folder = tmp_path / load.__name__
    folder.mkdir()
    for name, content in mnist_files().items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    monkeypatch.setenv("TATAMI_DATA", str(tmp_path))
    for x, y in (load(), load(folder)):
        images, labels = digits(6)
        np.testing.assert_array_equal(np.round(x[:, 0] * 255), images)
        np.testing.assert_array_equal(y, labels)
    assert len(load(train=False).x) == 3 and len(load().classes) == 10


def test_absent_and_damaged_idx_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mnist: train-images.*download=True"):
        datasets.mnist(tmp_path)
    whole = idx(digits(6)[0])
    packed = gzip.compress(whole)
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    for name, content in {
        "short": whole[:-1],
        "long": whole + b"\0",
        "header": whole[:9],
        "empty": b"",
        "kind": b"\0\0\x0d" + whole[3:],
        "huge": b"\0\0\x08\x03" + b"\xff" * 12,
        "packed_short.gz": packed[: len(packed) // 2],
        "packed_flipped.gz": bytes(flipped),
        "not_packed.gz": whole,
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match=name):
            idx_format.read_idx(path)
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(ValueError, match="larger than such a file can be"):
        idx_format.read_idx(bomb, limit=1 << 16)


# ---- CIFAR-10


def photographs(rows, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(rows, 3072), dtype=np.uint8), rng.integers(10, size=rows)


def batch_files(binary):
    files = {}
    for k, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        images, labels = photographs(4, k)
        if binary:
            files[f"{name}.bin"] = np.c_[labels.astype(np.uint8), images].tobytes()
        else:
            batch = {b"data": images, b"labels": labels.tolist(), b"batch_label": b"x"}
            files[name] = pickle.dumps(batch, protocol=3 + k % 2)
    return files


def archive(files, folder="cifar-10-batches"):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("place", ["folder", "below", "archive"])
def test_cifar_batches(tmp_path, binary, place):
    files = batch_files(binary)
    if place == "archive":
        name = f"cifar-10-{'binary' if binary else 'python'}.tar.gz"
        (tmp_path / name).write_bytes(archive(files))
    else:
        folder = tmp_path / "cifar-10-batches-x" if place == "below" else tmp_path
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    x, y = data = datasets.cifar10(tmp_path)
    assert x.shape == (20, 3, 32, 32) and data.classes[6] == "frog"
    for k in range(5):
        images, labels = photographs(4, k)
        part = slice(4 * k, 4 * k + 4)
        np.testing.assert_array_equal(np.round(x[part] * 255).reshape(4, -1), images)
        np.testing.assert_array_equal(y[part], labels)
    np.testing.assert_array_equal(datasets.cifar10(tmp_path, train=False).y, photographs(4, 5)[1])


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_pickles_never_run_code(tmp_path):
    made = tmp_path / "made"
    images, labels = photographs(4, 0)
    for batch in (
        Hostile(str(made)),
        {b"data": Hostile(str(made)), b"labels": [1]},
        {b"data": images.astype(object), b"labels": labels.tolist()},
        {b"data": images.astype(np.int32), b"labels": labels.tolist()},
        {b"data": images, b"labels": [1]},
        {b"data": images, b"labels": [77] * 4},
        {b"labels": [1]},
        [1, 2],
    ):
        (tmp_path / "test_batch").write_bytes(pickle.dumps(batch))
        with pytest.raises(ValueError, match="test_batch is damaged"):
            datasets.cifar10(tmp_path, train=False)
    assert not made.exists()


def test_damaged_cifar_files(tmp_path):
    binary = batch_files(True)["test_batch.bin"]
    plain = batch_files(False)["test_batch"]
    for name, content in (
        ("test_batch.bin", binary[:-1]),
        ("test_batch.bin", b""),
        ("test_batch.bin", b"\xff" + binary[1:]),
        ("test_batch", plain[: len(plain) // 2]),
        ("test_batch", b"no pickle"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is damaged"):
            datasets.cifar10(tmp_path, train=False)
        path.unlink()
    whole = archive(batch_files(True))
    path = tmp_path / "cifar-10-binary.tar.gz"
    for content in (whole[: len(whole) // 2], b"none", archive({"other": b""})):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz (is damaged|has no)"):
            datasets.cifar10(tmp_path)


# ---- downloads


@pytest.fixture
def server():
    """A local server of the files in ``server.files``: path -> (content, promised length)."""
    pytest.importorskip("pooch")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.server.files.get(self.path.lstrip("/"))
            if found is None:
                return self.send_error(404)
            content, length = found
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files = {}
    server.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def serve_mnist(server, monkeypatch):
    packed = {f"{n}.gz": gzip.compress(c, mtime=0) for n, c in mnist_files().items()}
    for name, content in packed.items():
        server.files[name] = content, len(content)
        monkeypatch.setitem(
            idx_format.MNIST_MD5, name.removesuffix(".gz"), hashlib.md5(content).hexdigest()
        )
    return packed


def test_a_download_is_read_and_kept(server, monkeypatch, tmp_path):
    packed = serve_mnist(server, monkeypatch)
    x, y = datasets.mnist(tmp_path, download=True, url=server.url)
    np.testing.assert_array_equal(y, digits(6)[1])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(n for n in packed if "train" in n)
    server.files.clear()
    again, _ = datasets.mnist(tmp_path, download=True, url=server.url)
    np.testing.assert_array_equal(again, x)


@pytest.mark.parametrize("harm", ["damaged", "cut short", "absent"])
def test_a_bad_download_leaves_nothing(server, monkeypatch, tmp_path, harm):
    packed = serve_mnist(server, monkeypatch)
    name = "train-images-idx3-ubyte.gz"
    content = packed[name]
    if harm == "damaged":
        server.files[name] = content[:-1] + b"\1", len(content)
    elif harm == "cut short":
        server.files[name] = content[:-20], len(content)
    else:
        del server.files[name]
    with pytest.raises((ValueError, ConnectionError), match=rf"^mnist: .*{name}"):
        datasets.mnist(tmp_path, download=True, url=server.url)
    assert list(tmp_path.iterdir()) == []


def test_cifar_downloads_its_binary_archive(server, monkeypatch, tmp_path):
    content = archive(batch_files(True))
    name = "cifar-10-binary.tar.gz"
    server.files[name] = content, len(content)
    with pytest.raises(ValueError, match=r"cifar10: .* nothing was kept"):
        datasets.cifar10(tmp_path, download=True, url=server.url)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setitem(cifar.ARCHIVES, name, hashlib.md5(content).hexdigest())
    assert len(datasets.cifar10(tmp_path, download=True, url=server.url).x) == 20
