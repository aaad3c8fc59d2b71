"""What counts as data in a folder, what as a class, and what is told of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from torch_impl.data import BadData, DataNotFound, load
from torch_impl.data.tree import find_images


def picture(path: Path, i: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        for i in range(10):
            picture(tmp_path / "pets" / name / f"{i}.png", i)
    return tmp_path / "pets"


@pytest.mark.parametrize(
    "stray",
    [
        ".thumbnails/x.png",
        ".hidden.png",
        "cat/.x.jpg",
        "__MACOSX/cat/._0.png",
        "__macosx/x.png",
        ".ipynb_checkpoints/0.png",
        "cat/.ipynb_checkpoints/0-checkpoint.png",
        "Thumbs.db",
        "cat/Thumbs.db",
        "desktop.ini",
        ".DS_Store",
        "@eaDir/x.png",
        "notes.txt",
        "._cat.png",
    ],
)
def test_what_is_no_data_changes_neither_images_nor_classes(pets: Path, stray: str) -> None:
    before = load("folder", "train", root=pets).fingerprint
    (pets / stray).parent.mkdir(parents=True, exist_ok=True)
    (pets / stray).write_bytes(bytes(120))
    tree = find_images(pets)
    assert (len(tree.paths), tree.classes) == (20, ("cat", "dog")) and tree.skipped.total() == 1
    assert load("folder", "train", root=pets).fingerprint == before


def test_folders_of_runs_are_no_data(pets: Path) -> None:
    (pets / "runs" / "one" / "checkpoints").mkdir(parents=True)
    (pets / "runs" / "one" / "config.json").write_text("{}")
    picture(pets / "runs" / "one" / "samples" / "step-00000001.png")
    tree = find_images(pets)
    assert tree.classes == ("cat", "dog") and tree.skipped["folder of a run"] == 1


def test_class_folders_may_be_links(tmp_path: Path, pets: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("cat", "dog"):
        (linked / name).symlink_to(pets / name, target_is_directory=True)
    tree = find_images(linked)
    assert (len(tree.paths), tree.classes) == (20, ("cat", "dog"))
    (tmp_path / "link").symlink_to(pets, target_is_directory=True)
    assert len(find_images(tmp_path / "link").paths) == 20


@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_loops_are_refused(pets: Path, target: str) -> None:
    (pets / "cat" / "loop").symlink_to(target, target_is_directory=True)
    with pytest.raises(BadData, match=r"cat/loop is a link to .*, a folder that it lies in; remove the link"):
        find_images(pets)


def test_two_links_to_each_other_are_refused(tmp_path: Path, pets: Path) -> None:
    (pets / "cat" / "there").symlink_to(pets / "dog", target_is_directory=True)
    assert len(find_images(pets).paths) == 30  # twice the same images, which is no loop
    (pets / "dog" / "back").symlink_to(pets / "cat", target_is_directory=True)
    with pytest.raises(BadData, match="a folder that it lies in"):
        find_images(pets)


def test_a_broken_link_is_told(pets: Path) -> None:
    (pets / "cat" / "gone.png").symlink_to("nowhere.png")
    assert find_images(pets).skipped == {"broken link": 1}


def test_one_stray_picture_does_not_remove_the_classes(pets: Path) -> None:
    picture(pets / "stray.png")
    tree = find_images(pets)
    assert (len(tree.paths), tree.classes) == (20, ("cat", "dog"))
    assert tree.skipped == {"beside the class folders, so without a class": 1}


def test_many_pictures_beside_folders_are_told_and_there_are_no_classes(pets: Path) -> None:
    for i in range(15):
        picture(pets / f"{i}.png", i)
    tree = find_images(pets)
    assert (len(tree.paths), tree.classes) == (35, None)
    assert "15 images lie beside the folders cat, dog" in tree.remarks[0]


def test_an_empty_class_folder_is_told(pets: Path) -> None:
    (pets / "bird").mkdir()
    tree = find_images(pets)
    assert tree.classes == ("cat", "dog") and tree.remarks == ["no image in bird, so no class of that name"]


def test_a_folder_around_the_class_folders_is_looked_through(tmp_path: Path, pets: Path) -> None:
    outer = tmp_path / "download"
    outer.mkdir()
    pets.rename(outer / "pets")
    (outer / "__MACOSX").mkdir()
    tree = find_images(outer)
    assert tree.classes == ("cat", "dog") and "folder pets" in tree.remarks[0]


def test_folders_named_as_splits_are_remarked(tmp_path: Path) -> None:
    for name in ("train", "test"):
        picture(tmp_path / name / "cat" / "0.png")
    assert "if these are splits, give one of them" in find_images(tmp_path).remarks[0]


def test_nothing_but_strays_says_what_was_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"x")
    (tmp_path / ".b.png").write_bytes(b"x")
    with pytest.raises(DataNotFound, match=r"has no image file .*1 (hidden|no image \(\.heic\)); 1 "):
        load("folder", root=tmp_path)


# -- splits follow names ----------------------------------------------------------------------------------------------


def test_a_file_that_goes_moves_hardly_any_other_to_another_split(tmp_path: Path) -> None:
    for i in range(60):
        picture(tmp_path / f"{i:02d}.png", i)

    def split() -> dict[str, str]:
        return {
            name: part
            for part in ("train", "val", "test")
            for name in load("folder", part, root=tmp_path).names  # type: ignore[attr-defined]
        }

    before = split()
    for gone in ("00.png", "31.png"):
        (tmp_path / gone).unlink()
    after = split()
    assert sum(before[name] != part for name, part in after.items()) <= 2
    assert sorted(after.values()).count("test") == 12


def test_files_left_out_leave_their_split_and_move_no_other(pets: Path) -> None:
    whole = {part: load("folder", part, root=pets).names for part in ("train", "val", "test")}  # type: ignore[attr-defined]
    gone = whole["train"][3]
    for part, names in whole.items():
        assert load("folder", part, root=pets, without=(gone,)).names == tuple(n for n in names if n != gone)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="without"):
        load("digits", without=("a",))
