"""Readers of local files, on files written here: what is right is read, what is wrong is named."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from torch_impl.data import BadData, Batches, DataNotFound, load
from torch_impl.data import arrays as arrays_module
from torch_impl.data.decode import read_image
from torch_impl.data.faces import FaceFolder
from torch_impl.data.idx import read_idx
from torch_impl.data.images import ImageArray

rng = np.random.default_rng(0)


def write_idx(path: Path, array: np.ndarray) -> None:
    content = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def random_images(*shape: int) -> np.ndarray:
    return rng.integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def mnist(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    arrays = {
        "train-images-idx3-ubyte": random_images(60, 28, 28),
        "train-labels-idx1-ubyte": np.arange(60, dtype=np.uint8) % 10,
        "t10k-images-idx3-ubyte.gz": random_images(20, 28, 28),
        "t10k-labels-idx1-ubyte.gz": np.arange(20, dtype=np.uint8) % 10,
    }
    for name, array in arrays.items():
        write_idx(tmp_path / name, array)
    return tmp_path, arrays


class TestMNIST:
    def test_images_and_labels_are_read_plain_and_gzipped(self, mnist: tuple[Path, dict[str, np.ndarray]]) -> None:
        root, arrays = mnist
        parts = {split: load("mnist", split, root=root) for split in ("train", "val", "test")}
        assert {split: len(data) for split, data in parts.items()} == {"train": 55, "val": 5, "test": 20}
        raw = torch.cat([parts[s].read(torch.arange(len(parts[s])))[0] for s in ("train", "val")])
        assert np.array_equal(raw[:, 0].numpy(), arrays["train-images-idx3-ubyte"])
        raw, labels = parts["test"].read(torch.arange(20))
        assert np.array_equal(raw[:, 0].numpy(), arrays["t10k-images-idx3-ubyte.gz"])
        assert labels is not None and labels.tolist() == arrays["t10k-labels-idx1-ubyte.gz"].tolist()
        assert parts["train"].classes == tuple("0123456789")

    def test_a_border_makes_them_32_pixels_wide(self, mnist: tuple[Path, dict[str, np.ndarray]]) -> None:
        small, large = (load("mnist", root=mnist[0], image_size=size).all()[0] for size in (28, 32))
        assert torch.equal(large[:, :, 2:30, 2:30], small)
        assert (large[:, :, :2] == -1).all() and (large[:, :, :, 30:] == -1).all()
        with pytest.raises(ValueError, match="28 pixels, or 32"):
            load("mnist", root=mnist[0], image_size=64)

    def test_fashion_has_its_own_classes(self, mnist: tuple[Path, dict[str, np.ndarray]]) -> None:
        classes = load("fashion-mnist", root=mnist[0]).classes
        assert classes is not None and classes[9] == "Ankle boot" and len(classes) == 10

    def test_missing_files_say_where_to_put_them(self, tmp_path: Path) -> None:
        with pytest.raises(
            DataNotFound, match=f"{tmp_path}/train-images-idx3-ubyte is missing. Put the four files .* into {tmp_path}"
        ):
            load("mnist", root=tmp_path)
        with pytest.raises(DataNotFound, match="data/mnist"):
            load("mnist")

    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (lambda c: c[:-1], r"has 47055 bytes, but its header says 47056 \(shape \(60, 28, 28\)\)"),
            (lambda c: c + b"\0", "has 47057 bytes, but its header says 47056"),
            (lambda c: b"\0\0\x0d" + c[3:], "begins with 00 00 0d 03; an IDX file of bytes begins with 00 00 08"),
            (lambda c: c[:9], "ends within its header, after 9 of 16 bytes"),
            (lambda c: b"", "begins with nothing"),
            (lambda c: b"<html>", "begins with 3c 68 74 6d"),
        ],
    )
    def test_damaged_files_are_named(
        self, mnist: tuple[Path, dict[str, np.ndarray]], damage: Callable[[bytes], bytes], message: str
    ) -> None:
        path = mnist[0] / "train-images-idx3-ubyte"
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(BadData, match=f"{path} {message}"):
            load("mnist", root=mnist[0])

    @pytest.mark.parametrize("keep", [5, 30, -4])
    def test_a_broken_gzip_stream_is_named(self, mnist: tuple[Path, dict[str, np.ndarray]], keep: int) -> None:
        path = mnist[0] / "t10k-images-idx3-ubyte.gz"
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(BadData, match=f"{path} is not a whole gzip file"):
            load("mnist", "test", root=mnist[0])

    def test_wrong_shapes_and_counts_are_named(self, mnist: tuple[Path, dict[str, np.ndarray]]) -> None:
        root, _ = mnist
        write_idx(root / "train-labels-idx1-ubyte", np.zeros(59, dtype=np.uint8))
        with pytest.raises(BadData, match=r"shape \(59,\), but there are 60 images"):
            load("mnist", root=root)
        write_idx(root / "train-images-idx3-ubyte", random_images(60, 32, 32))
        with pytest.raises(BadData, match=r"shape \(60, 32, 32\); \(n, 28, 28\) is needed"):
            load("mnist", root=root)
        write_idx(root / "train-images-idx3-ubyte", random_images(60, 28, 28))
        write_idx(root / "train-labels-idx1-ubyte", np.full(60, 12, dtype=np.uint8))
        with pytest.raises(BadData, match="labels from 12 to 12; its 10 classes"):
            load("mnist", root=root)

    def test_idx_of_any_rank(self, tmp_path: Path) -> None:
        array = random_images(2, 3, 4, 5)
        write_idx(tmp_path / "a", array)
        assert np.array_equal(read_idx(tmp_path / "a"), array)


class TestCIFAR:
    def write(self, root: Path, n: int = 20) -> dict[str, np.ndarray]:
        written = {}
        for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
            records = random_images(n, 3073)
            records[:, 0] %= 10
            records.tofile(root / name)
            written[name] = records
        return written

    def test_binary_files_are_read_in_order(self, tmp_path: Path) -> None:
        written = self.write(tmp_path)
        parts = [load("cifar10", split, root=tmp_path) for split in ("train", "val")]
        assert [len(p) for p in parts] == [90, 10]
        raw = torch.cat([p.read(torch.arange(len(p)))[0] for p in parts])
        labels = torch.cat([p.read(torch.arange(len(p)))[1] for p in parts])
        records = np.concatenate([written[f"data_batch_{i}.bin"] for i in range(1, 6)])
        assert np.array_equal(raw.numpy().reshape(100, -1), records[:, 1:])
        assert np.array_equal(labels.numpy(), records[:, 0])
        test = load("cifar10", "test", root=tmp_path)
        assert np.array_equal(test.read(torch.arange(20))[0].numpy().reshape(20, -1), written["test_batch.bin"][:, 1:])

    def test_the_unpacked_folder_may_lie_inside(self, tmp_path: Path) -> None:
        inner = tmp_path / "cifar-10-batches-bin"
        inner.mkdir()
        self.write(inner)
        assert len(load("cifar10", root=tmp_path)) == 90

    @pytest.mark.parametrize("last", [True, False])
    def test_npz_in_either_layout(self, tmp_path: Path, last: bool) -> None:
        images = random_images(30, 3, 32, 32)
        stored = images.transpose(0, 2, 3, 1) if last else images
        labels = np.arange(30).reshape(-1, 1) % 10
        np.savez(tmp_path / "cifar10.npz", x_train=stored, y_train=labels, x_test=stored[:5], y_test=labels[:5])
        data = load("cifar10", "test", root=tmp_path)
        raw, y = data.read(torch.arange(5))
        assert np.array_equal(raw.numpy(), images[:5]) and y is not None and y.tolist() == [0, 1, 2, 3, 4]
        assert len(load("cifar10", root=tmp_path)) == 27

    def test_missing_and_damaged_files_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataNotFound, match=rf"{tmp_path}/data_batch_1.bin is missing.*cifar10.npz"):
            load("cifar10", root=tmp_path)
        self.write(tmp_path)
        (tmp_path / "data_batch_3.bin").unlink()
        with pytest.raises(DataNotFound, match=r"data_batch_3\.bin is missing"):
            load("cifar10", root=tmp_path)
        self.write(tmp_path)
        path = tmp_path / "data_batch_2.bin"
        path.write_bytes(path.read_bytes()[:-7])
        with pytest.raises(BadData, match=f"{path} has 61453 bytes; .* multiple of 3073"):
            load("cifar10", root=tmp_path)
        self.write(tmp_path)
        records = random_images(20, 3073) % 10
        records[4, 0] = 77
        records.tofile(path)
        with pytest.raises(BadData, match=f"{path}: record 4 has the label 77"):
            load("cifar10", root=tmp_path)

    def test_an_npz_without_the_arrays_is_named(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "cifar10.npz", images=random_images(3, 32, 32, 3))
        with pytest.raises(BadData, match=r"cifar10.npz has no array 'x_train'; it has images"):
            load("cifar10", root=tmp_path)


class TestArrays:
    @pytest.mark.parametrize("layout", ["hw", "hwc", "chw"])
    def test_npy_in_every_layout(self, tmp_path: Path, layout: str) -> None:
        images = random_images(10, 1 if layout == "hw" else 3, 6, 5)
        stored = {"hw": images[:, 0], "hwc": images.transpose(0, 2, 3, 1), "chw": images}[layout]
        np.save(tmp_path / "a.npy", stored)
        data = load("array", "all", root=tmp_path / "a.npy")
        assert np.array_equal(data.read(torch.arange(10))[0].numpy(), images)
        assert data.classes is None and data.read(torch.arange(1))[1] is None

    def test_a_file_serves_as_folder_if_it_has_the_size_asked_for(self, tmp_path: Path) -> None:
        images = random_images(10, 1, 6, 6)
        np.save(tmp_path / "a.npy", images)
        data = load("folder", "all", root=tmp_path / "a.npy", image_size=6, channels=1)
        assert np.array_equal(data.read(torch.arange(10))[0].numpy(), images)
        with pytest.raises(BadData, match=r"6 pixels a side and 1 channels.* give --image-size 6 --set channels=1"):
            load("folder", root=tmp_path / "a.npy", image_size=64, channels=3)
        with pytest.raises(DataNotFound, match=r"no file .*b\.npz. Give --data"):
            load("folder", root=tmp_path / "b.npz")

    def test_labels_beside_a_npy_and_inside_a_npz(self, tmp_path: Path) -> None:
        images, labels = random_images(10, 4, 4), np.arange(10) % 3
        np.save(tmp_path / "a.npy", images)
        np.save(tmp_path / "a.labels.npy", labels)
        np.savez_compressed(tmp_path / "b.npz", images=images, labels=labels)
        for name in ("a.npy", "b.npz"):
            x, y = load("array", "all", root=tmp_path / name).all()
            assert y is not None and y.tolist() == labels.tolist() and x.shape == (10, 1, 4, 4)

    def test_large_files_stay_on_disk_and_give_the_same_examples(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        images = random_images(50, 8, 8, 3)
        np.save(tmp_path / "a.npy", images)
        small = load("array", root=tmp_path / "a.npy")
        monkeypatch.setattr(arrays_module, "MEMORY_MAP_ABOVE", 100)
        large = load("array", root=tmp_path / "a.npy")
        assert isinstance(large, ImageArray) and isinstance(large.images, np.memmap)
        assert large.slow and not small.slow
        assert large.fingerprint == small.fingerprint and large.size == small.size == 35
        index = torch.tensor([3, 0, 34, 3])
        assert torch.equal(large.fetch(index)[0], small.fetch(index)[0])

    @pytest.mark.parametrize("suffix", [".npy", ".npz"])
    def test_pickled_objects_are_never_opened(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"evil{suffix}"
        objects = np.array([Bomb()], dtype=object)
        if suffix == ".npy":
            np.save(path, objects, allow_pickle=True)
        else:
            np.savez(path, images=objects)
        with pytest.raises(BadData, match=f"{path} cannot be read as a {suffix} file"):
            load("array", root=path)
        assert not Bomb.exploded

    def test_wrong_types_shapes_and_labels_are_named(self, tmp_path: Path) -> None:
        path = tmp_path / "a.npy"
        np.save(path, np.zeros((4, 8, 8), dtype=np.float32))
        with pytest.raises(BadData, match=f"{path} holds images of type float32; uint8"):
            load("array", root=path)
        np.save(path, random_images(4, 8, 8, 5))
        with pytest.raises(BadData, match=r"shape \(4, 8, 8, 5\)"):
            load("array", root=path)
        np.save(path, random_images(4, 8, 8))
        np.save(tmp_path / "a.labels.npy", np.zeros(3, dtype=np.int64))
        with pytest.raises(BadData, match="4 images, but there are 3 labels"):
            load("array", root=path)
        np.save(tmp_path / "a.labels.npy", np.zeros(4))
        with pytest.raises(BadData, match=r"a.labels.npy holds labels of type float64"):
            load("array", root=path)

    def test_missing_truncated_and_foreign_files_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataNotFound, match=f"no file {tmp_path}/a.npy. Give --data"):
            load("array", root=tmp_path / "a.npy")
        np.save(tmp_path / "a.npy", random_images(4, 8, 8))
        content = (tmp_path / "a.npy").read_bytes()
        (tmp_path / "a.npy").write_bytes(content[:-9])
        with pytest.raises(BadData, match=r"a.npy cannot be read"):
            load("array", root=tmp_path / "a.npy")
        (tmp_path / "b.npz").write_bytes(content)
        with pytest.raises(BadData, match=r"b.npz cannot be read"):
            load("array", root=tmp_path / "b.npz")
        (tmp_path / "c.txt").write_text("hello")
        with pytest.raises(BadData, match=r"c.txt is neither"):
            load("array", root=tmp_path / "c.txt")


class Bomb:
    """Explodes when unpickled."""

    exploded = False

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return (explode, ())


def explode() -> None:
    Bomb.exploded = True


def save_image(path: Path, width: int = 12, height: int = 10, mode: str = "RGB") -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = random_images(height, width, 3) if mode == "RGB" else random_images(height, width)
    Image.fromarray(array).save(path)
    return array


class TestFolder:
    def test_the_central_square_is_kept_and_channels_converted(self, tmp_path: Path) -> None:
        array = save_image(tmp_path / "a.png", 12, 10)
        assert np.array_equal(read_image(tmp_path / "a.png", 10, 3), array[:, 1:11].transpose(2, 0, 1))
        assert np.array_equal(read_image(tmp_path / "a.png", 4, 3, crop=4), array[3:7, 4:8].transpose(2, 0, 1))
        grey = read_image(tmp_path / "a.png", 10, 1)
        luma = array[:, 1:11] @ np.array([0.299, 0.587, 0.114])
        assert grey.shape == (1, 10, 10) and np.abs(grey[0] - luma).max() <= 1

    def test_scaling_averages(self, tmp_path: Path) -> None:
        flat = np.full((64, 64, 3), 200, dtype=np.uint8)
        Image.fromarray(flat).save(tmp_path / "a.png")
        assert (read_image(tmp_path / "a.png", 8, 3) == 200).all()
        checks = ((np.indices((64, 64)).sum(0) % 2) * 255).astype(np.uint8)
        Image.fromarray(checks).save(tmp_path / "b.png")
        assert np.abs(read_image(tmp_path / "b.png", 8, 1).astype(int) - 128)[:, 1:-1, 1:-1].max() <= 4

    def test_subfolders_are_classes(self, tmp_path: Path) -> None:
        for name, n in (("dogs", 10), ("cats", 20)):
            for i in range(n):
                save_image(tmp_path / name / "deep" / f"{i}.png")
        (tmp_path / "cats" / "notes.txt").write_text("no image")
        parts = {s: load("folder", s, root=tmp_path, image_size=8) for s in ("train", "val", "test", "all")}
        assert {s: len(d) for s, d in parts.items()} == {"train": 21, "val": 3, "test": 6, "all": 30}
        assert parts["train"].classes == ("cats", "dogs")
        assert torch.bincount(parts["test"].labels).tolist() == [4, 2]
        x, y = parts["all"].fetch(torch.tensor([0, 29]))
        assert x.shape == (2, 3, 8, 8) and y is not None and y.tolist() == [0, 1]

    def test_a_flat_folder_has_no_labels(self, tmp_path: Path) -> None:
        for i in range(5):
            save_image(tmp_path / f"{i}.JPG")
        data = load("folder", "all", root=tmp_path, image_size=8, channels=1)
        assert data.classes is None and data.fetch(torch.arange(5))[1] is None

    def test_missing_and_empty_folders_say_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(DataNotFound, match=f"no folder {tmp_path}/x. Give --data a folder of images"):
            load("folder", root=tmp_path / "x")
        with pytest.raises(DataNotFound, match=f"{tmp_path} has no image file"):
            load("folder", root=tmp_path)
        save_image(tmp_path / "one.png")
        with pytest.raises(BadData, match=r"the val split of .* is empty"):
            load("folder", "val", root=tmp_path)

    @pytest.mark.parametrize("workers", [0, 2])
    def test_a_corrupt_image_is_named_in_one_line(self, tmp_path: Path, workers: int) -> None:
        for i in range(8):
            save_image(tmp_path / f"{i}.png", 64, 64)
        bad = tmp_path / "5.png"
        bad.write_bytes(bad.read_bytes()[:200])
        batches = Batches(load("folder", "all", root=tmp_path, image_size=8), 4, workers=workers)
        with pytest.raises(BadData, match=rf"{bad} cannot be decoded as an image") as caught:
            for _ in range(2):
                next(batches)
        assert "\n" not in str(caught.value)
        batches.close()

    @pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
    def test_sixteen_bits_become_the_nearest_of_eight(self, tmp_path: Path, suffix: str) -> None:
        levels = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
        Image.fromarray(levels).save(tmp_path / f"a.{suffix}")
        grey = read_image(tmp_path / f"a.{suffix}", 8, 1)[0]
        assert np.array_equal(grey, np.rint(levels / 257))
        assert np.array_equal(read_image(tmp_path / f"a.{suffix}", 8, 3)[2], grey)

    def test_pixels_whose_white_is_unknown_are_refused(self, tmp_path: Path) -> None:
        for dtype in (np.int32, np.float32):
            Image.fromarray(np.full((8, 8), 1000, dtype=dtype)).save(tmp_path / "a.tif")
            with pytest.raises(BadData, match=r"a\.tif has pixels that are .*, whose white is unknown; convert it"):
                read_image(tmp_path / "a.tif", 8, 1)

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
    def test_what_is_transparent_is_laid_on_white(self, tmp_path: Path, mode: str) -> None:
        image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
        image.paste((0, 0, 0, 255), (0, 0, 8, 4))
        options = {"transparency": 1} if mode == "P" else {}
        if mode == "P":
            image = Image.fromarray(np.repeat([0, 1], 32).reshape(8, 8).astype(np.uint8), "P")
            image.putpalette([0, 0, 0, 9, 9, 9])
        image.convert(mode).save(tmp_path / "a.png", **options)
        for channels in (1, 3):
            read = read_image(tmp_path / "a.png", 8, channels)
            assert (read[:, :4] == 0).all() and (read[:, 4:] == 255).all()

    def test_a_text_file_with_an_image_name_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_text("hello")
        with pytest.raises(BadData, match=r"a.png cannot be decoded"):
            load("folder", "all", root=tmp_path).fetch(torch.tensor([0]))


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Stand-ins for faces in the CelebA layout: a bright mouth where the attribute Smiling holds."""
    names = [f"{i:06d}.jpg" for i in range(1, 31)]
    for i, name in enumerate(names):
        array = np.full((218, 178, 3), 80, dtype=np.uint8)
        if i % 3 == 0:
            array[130:150, 60:120] = 240
        (tmp_path / "img_align_celeba").mkdir(exist_ok=True)
        Image.fromarray(array).save(tmp_path / "img_align_celeba" / name)
    lines = [f"{name}  {1 if i % 2 else -1} {1 if i % 3 == 0 else -1}" for i, name in enumerate(names)]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["30", "Male Smiling ", *lines]) + "\n")
    return tmp_path


class TestFaces:
    def test_attributes_label_and_images_belong_together(self, faces: Path) -> None:
        data = load("celeba", "all", root=faces, label="Smiling")
        assert isinstance(data, FaceFolder)
        x, y = data.fetch(torch.arange(30))
        assert x.shape == (30, 3, 64, 64) and data.classes == ("not Smiling", "Smiling")
        assert y is not None and y.tolist() == [int(i % 3 == 0) for i in range(30)]
        assert ((x[:, 0, 45, 32] > 0.5).long() == y).all()
        assert data.attributes == ("Male", "Smiling")
        assert data.attribute("Male").tolist() == [i % 2 for i in range(30)]
        assert torch.equal(data.attribute("Smiling"), y)

    def test_without_a_label_there_are_attributes_all_the_same(self, faces: Path) -> None:
        data = load("celeba", root=faces, image_size=32)
        assert isinstance(data, FaceFolder) and data.classes is None and data.shape == (3, 32, 32)
        assert len(data) == 21 and data.values.shape == (21, 2)

    def test_the_official_partition_is_kept(self, faces: Path) -> None:
        lines = [f"{i:06d}.jpg {0 if i <= 20 else 1 if i <= 26 else 2}" for i in range(1, 31)]
        (faces / "list_eval_partition.txt").write_text("\n".join(lines))
        sizes = [len(load("celeba", split, root=faces)) for split in ("train", "val", "test", "all")]
        assert sizes == [20, 6, 4, 30]
        (faces / "list_eval_partition.txt").write_text("\n".join(lines[:-1]))
        with pytest.raises(BadData, match=r"does not say to which split 000030.jpg belongs"):
            load("celeba", root=faces)

    def test_missing_parts_say_where_they_go(self, tmp_path: Path, faces: Path) -> None:
        with pytest.raises(
            DataNotFound, match=r"list_attr_celeba.txt is missing. Put the aligned faces .* into .*img_align_celeba"
        ):
            load("celeba", root=tmp_path / "nowhere")
        (faces / "img_align_celeba" / "000007.jpg").unlink()
        with pytest.raises(DataNotFound, match=r"lists 000007.jpg, but there is no"):
            load("celeba", "all", root=faces)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda lines: lines[1:], "begins with 'Male Smiling '; line 1 must be the number"),
            (lambda lines: lines[:-1], "announces 30 images and lists 29"),
            (lambda lines: [*lines[:4], lines[4] + " 1", *lines[5:]], "line 5: a file name and 2 values"),
            (
                lambda lines: [*lines[:4], lines[4].replace("-1", "0"), *lines[5:]],
                "line 5: a file name and 2 values of 1 or -1",
            ),
        ],
    )
    def test_a_damaged_attribute_file_is_named(
        self, faces: Path, change: Callable[[list[str]], list[str]], message: str
    ) -> None:
        path = faces / "list_attr_celeba.txt"
        path.write_text("\n".join(change(path.read_text().splitlines())))
        with pytest.raises(BadData, match=f"{path}.*{message}"):
            load("celeba", root=faces)

    def test_an_unknown_attribute_is_refused(self, faces: Path) -> None:
        with pytest.raises(ValueError, match="attribute 'Happy' is not one of Male, Smiling"):
            load("celeba", root=faces, label="Happy")
        data = load("celeba", root=faces)
        assert isinstance(data, FaceFolder)
        with pytest.raises(ValueError, match="attribute 'Happy'"):
            data.attribute("Happy")
