"""Data as others lay them out: Kaggle's and torchvision's folders, archives, labels of any value."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from torch_impl.data import BadData, DataNotFound, load

NAMES = [f"{i:06d}.jpg" for i in range(1, 31)]


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    """CelebA as it is unpacked from Kaggle: csv files, the pictures in a folder in a folder of the same name."""
    pictures = tmp_path / "img_align_celeba" / "img_align_celeba"
    pictures.mkdir(parents=True)
    for i, name in enumerate(NAMES):
        Image.fromarray(np.full((218, 178, 3), 8 * i, np.uint8)).save(pictures / name)
    for file, header, row in (
        ("list_attr_celeba.csv", ["image_id", "Male", "Smiling"], lambda i: [1 if i % 2 else -1, 1 if i % 3 else -1]),
        ("list_eval_partition.csv", ["image_id", "partition"], lambda i: [0 if i < 20 else 1 if i < 25 else 2]),
    ):
        with (tmp_path / file).open("w", newline="") as out:
            csv.writer(out).writerows([header, *([name, *row(i)] for i, name in enumerate(NAMES))])
    return tmp_path


def test_celeba_as_kaggle_has_it(kaggle: Path) -> None:
    train = load("celeba", "train", root=kaggle, image_size=8, label="Smiling")
    assert [len(load("celeba", part, root=kaggle)) for part in ("train", "val", "test", "all")] == [20, 5, 5, 30]
    assert train.labels is not None and train.labels.tolist() == [1 if i % 3 else 0 for i in range(20)]
    assert train.classes == ("not Smiling", "Smiling")
    x, _ = train.fetch(train.labels[:1] * 0 + 5)
    assert abs(float((x.mean() + 1) * 127.5) - 40) < 2


def test_celeba_as_its_authors_have_it(kaggle: Path, tmp_path: Path) -> None:
    root = tmp_path / "authors"
    (root / "Anno").mkdir(parents=True)
    (root / "Eval").mkdir()
    shutil.move(kaggle / "img_align_celeba" / "img_align_celeba", root / "Img" / "img_align_celeba")
    lines = [f"{name} {1 if i % 2 else -1}" for i, name in enumerate(NAMES)]
    (root / "Anno" / "list_attr_celeba.txt").write_text("\n".join(["30", "Male", *lines]) + "\n")
    (root / "Eval" / "list_eval_partition.txt").write_text("".join(f"{name} {i % 3}\n" for i, name in enumerate(NAMES)))
    assert [len(load("celeba", part, root=root, label="Male")) for part in ("train", "val", "test")] == [10, 10, 10]


def test_celeba_as_torchvision_has_it(kaggle: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "celeba").mkdir(parents=True)
    for name in ("img_align_celeba", "list_attr_celeba.csv", "list_eval_partition.csv"):
        shutil.move(kaggle / name, tmp_path / "data" / "celeba" / name)
    assert len(load("celeba", "all", root=tmp_path / "data")) == 30


def test_celeba_still_packed_is_named(kaggle: Path) -> None:
    shutil.rmtree(kaggle / "img_align_celeba")
    (kaggle / "img_align_celeba.zip").write_bytes(b"PK")
    with pytest.raises(DataNotFound, match=r"img_align_celeba\.zip is not unpacked; unpack it there"):
        load("celeba", root=kaggle)


def test_damaged_csv_files_are_named(kaggle: Path) -> None:
    listing = kaggle / "list_attr_celeba.csv"
    good = listing.read_text().splitlines()
    for lines, words in (
        (["", *good[:0]], "begins with"),
        ([good[0], "000001.jpg,1"], r"line 2: a file name and 2 values"),
        ([good[0], "000001.jpg,1,maybe"], r"line 2: a file name and 2 values"),
    ):
        listing.write_text("\n".join(lines) + "\n")
        with pytest.raises(BadData, match=words):
            load("celeba", root=kaggle)
    listing.write_bytes(b"image_id,\xff\xfe\n")
    with pytest.raises(BadData, match="is not a text file"):
        load("celeba", root=kaggle)


# -- CIFAR-10 ---------------------------------------------------------------------------------------------------------


def cifar_files(n: int = 20) -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    files = {}
    for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
        records = rng.integers(0, 256, (n, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        files[name] = records.tobytes()
    return files


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            about = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return path


@pytest.mark.parametrize("given", ["folder", "file"])
def test_cifar_is_read_from_its_archive(tmp_path: Path, given: str) -> None:
    files = cifar_files()
    archive = packed(tmp_path / "cifar-10-binary.tar.gz", files)
    loose = tmp_path / "loose"
    loose.mkdir()
    for name, content in files.items():
        (loose / name).write_bytes(content)
    for part in ("train", "val", "test"):
        mine = load("cifar10", part, root=tmp_path if given == "folder" else archive)
        assert mine.fingerprint == load("cifar10", part, root=loose).fingerprint
    assert not (tmp_path / "cifar-10-batches-bin").exists()


@pytest.mark.parametrize("how", ["directory", "archive", "archive itself"])
def test_the_pickled_version_is_named_with_the_remedy_and_not_opened(tmp_path: Path, how: str) -> None:
    root = tmp_path
    if how == "directory":
        (tmp_path / "cifar-10-batches-py").mkdir()
    else:
        (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"not even looked at")
        root = tmp_path / "cifar-10-python.tar.gz" if how == "archive itself" else tmp_path
    with pytest.raises(DataNotFound, match=r"Python version, pickled .* never opened here; .*cifar-10-binary\.tar\.gz"):
        load("cifar10", root=root)


def test_archives_that_are_damaged_or_lie_about_their_size(tmp_path: Path) -> None:
    archive = packed(tmp_path / "cifar-10-binary.tar.gz", cifar_files())
    whole = archive.read_bytes()
    for content in (whole[: len(whole) // 2], b"junk", gzip.compress(b"junk"), whole[:-4000] + bytes(4000)):
        archive.write_bytes(content)
        with pytest.raises(BadData, match=r"cifar-10-binary\.tar\.gz"):
            load("cifar10", root=tmp_path)
    packed(archive, {"data_batch_1.bin": bytes(3073 * 60_001)})
    with pytest.raises(BadData, match=r"data_batch_1\.bin has \d+ bytes; \d+ is the most"):
        load("cifar10", root=tmp_path)
    packed(archive, {"readme": b""})
    with pytest.raises(BadData, match=r"has no file data_batch_1\.bin"):
        load("cifar10", root=tmp_path)


# -- MNIST ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "theirs"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
@pytest.mark.parametrize("below", ["", "raw", "{}/raw"])
def test_mnist_as_torchvision_has_it(tmp_path: Path, name: str, theirs: str, below: str) -> None:
    home = tmp_path / below.format(theirs)
    home.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", 24), ("t10k", 6)):
        pixels = np.random.default_rng(n).integers(0, 256, (n, 28, 28), dtype=np.uint8)
        (home / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, n, 28, 28) + pixels.tobytes())
        (home / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, n) + bytes(n))
    assert [len(load(name, part, root=tmp_path)) for part in ("train", "val", "test")] == [22, 2, 6]


# -- labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 100, 10**9], np.int64),
        ([5, 7], np.uint8),
        ([-1, 1], np.int8),
        ([2**64 - 1, 0], np.uint64),
        ([-(2**63), 2**63 - 1], np.int64),
    ],
)
@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_labels_are_classes_by_value(tmp_path: Path, values: list[int], dtype: type, suffix: str) -> None:
    labels = np.array(values * 20, dtype=dtype)
    images = np.zeros((len(labels), 4, 4), np.uint8)
    if suffix == "npz":
        np.savez(tmp_path / "a.npz", images=images, labels=labels)
    else:
        np.save(tmp_path / "a.npy", images)
        np.save(tmp_path / "a.labels.npy", labels)
    data = load("array", "all", root=tmp_path / f"a.{suffix}")
    assert data.classes == tuple(str(value) for value in sorted(values)) and data.labels is not None
    assert [data.classes[i] for i in data.labels.tolist()] == [str(value) for value in values * 20]
    classes = {part: load("array", part, root=tmp_path / f"a.{suffix}").classes for part in ("train", "val", "test")}
    assert set(classes.values()) == {data.classes}


# -- the right files for another set -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "name", "told"),
    [
        ("cifar-10-batches-bin/data_batch_1.bin", "folder", r"looks like CIFAR-10 .*: take a preset cifar10-\.\.\."),
        ("cifar-10-python.tar.gz", "mnist", r"take a preset cifar10-\.\.\."),
        ("MNIST/raw/train-images-idx3-ubyte", "cifar10", r"looks like MNIST .*: take a preset mnist-\.\.\."),
        ("list_attr_celeba.csv", "folder", r"take a preset celeba-\.\.\."),
        ("cat/1.png", "mnist", r"looks like a folder of images: take a preset folder-\.\.\."),
        ("letter.doc", "mnist", "is missing"),
    ],
)
def test_what_lies_there_is_recognised_by_whoever_was_asked_for_another_set(
    tmp_path: Path, there: str, name: str, told: str
) -> None:
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).write_bytes(b"x")
    with pytest.raises(DataNotFound, match=told) as caught:
        load(name, root=tmp_path)
    assert ("take a preset" in str(caught.value)) is (there != "letter.doc")


@pytest.mark.parametrize(
    ("file", "name", "remedy"),
    [
        ("data_batch_1.bin", "cifar10", "give the folder, such as "),
        ("train-images-idx3-ubyte.gz", "mnist", "give the folder, such as "),
        ("photos.zip", "folder", "unpack it, and give the folder"),
        ("cat.png", "folder", "give the folder, such as "),
        ("list_attr_celeba.csv", "celeba", "give the folder, such as "),
    ],
)
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, file: str, name: str, remedy: str) -> None:
    (tmp_path / file).write_bytes(b"x")
    with pytest.raises(DataNotFound, match=f"{file} is a file, and --data names a folder here; {remedy}"):
        load(name, root=tmp_path / file)


def test_an_archive_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"no archive")
    with pytest.raises(BadData, match=r"is not a whole \.tar\.gz file \(.*\); copy it again") as caught:
        load("cifar10", root=tmp_path)
    assert "\n" not in str(caught.value)
