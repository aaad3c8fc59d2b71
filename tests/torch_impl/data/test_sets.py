"""Data sets that need no files: digits, glyphs, mixtures; and the catalogue."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from torch_impl.data import MIXTURES, NAMES, load
from torch_impl.data.dataset import DataSet, fingerprint, scaled
from torch_impl.data.images import ImageArray, split_indices


def test_digits_are_those_of_scikit_learn() -> None:
    truth = load_digits()
    x, y = load("digits", "all").all()
    assert np.array_equal(((x + 1) * 8).numpy().reshape(-1, 64), truth.data)
    assert y is not None and np.array_equal(y.numpy(), truth.target)


def test_splits_are_disjoint_complete_and_stratified() -> None:
    sets = {split: load("digits", split) for split in ("train", "val", "test")}
    everything = load("digits", "all")
    rows = np.concatenate([d.all()[0].flatten(1).numpy() for d in sets.values()])
    assert sum(len(d) for d in sets.values()) == len(everything) == 1797
    assert np.array_equal(
        np.sort(rows.view("V256").ravel()), np.sort(everything.all()[0].flatten(1).numpy().view("V256").ravel())
    )
    share = {"train": 0.7, "val": 0.1, "test": 0.2}
    total = torch.bincount(everything.labels)
    for split, data in sets.items():
        count = torch.bincount(data.labels, minlength=10)
        assert ((count - share[split] * total).abs() <= 1).all(), split
    assert sets["train"].fingerprint != sets["test"].fingerprint


def test_a_split_is_the_same_for_ever() -> None:
    assert load("digits", "test").labels[:12].tolist() == [0, 2, 3, 4, 4, 7, 8, 7, 9, 5, 5, 7]
    assert split_indices(20, "test").tolist() == [2, 3, 4, 17]
    assert split_indices(20, "val").tolist() == [14, 18]
    assert split_indices(20, "test", seed=1).tolist() != [2, 3, 4, 17]


def test_few_images_of_each_class_leave_no_split_empty() -> None:
    parts = [split_indices(80, split, np.arange(80) // 4) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [56, 8, 16]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(80))
    assert [len(split_indices(3, split)) for split in ("train", "val", "test")] == [1, 1, 1]
    sizes = [30, 2, 3]  # one class large enough to be cut by itself
    labels = np.repeat(np.arange(3), sizes)
    large = [int((split_indices(35, split, labels) < 30).sum()) for split in ("train", "val", "test")]
    assert large == [21, 3, 6]


def test_grey_levels_become_numbers_in_the_unit_range_with_exact_ends() -> None:
    for levels in (2, 17, 256):
        x = scaled(torch.arange(levels, dtype=torch.uint8), levels)
        assert x.dtype == torch.float32 and x[0] == -1 and x[-1] == 1
        torch.testing.assert_close(x.diff(), torch.full((levels - 1,), 2 / (levels - 1)), rtol=0, atol=1.2e-7)
        assert ((x + 1) * (levels - 1) / 2).round().tolist() == list(range(levels))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [32, 64])
def test_glyphs_depend_on_seed_and_index_alone(size: int, channels: int) -> None:
    data = load("glyphs", image_size=size, channels=channels)
    index = torch.tensor([5, 1_000_000, 3, 5, 2**40])
    x, y = data.fetch(index)
    assert x.shape == (5, channels, size, size) == (5, *data.shape)
    for i in range(5):
        one, label = data.fetch(index[i : i + 1])
        assert torch.equal(one[0], x[i]) and label is not None and y is not None and label[0] == y[i]
    assert torch.equal(x[0], x[3])
    other = load("glyphs", image_size=size, channels=channels, seed=1).fetch(index)[0]
    test = load("glyphs", "test", image_size=size, channels=channels).fetch(index)[0]
    assert not torch.equal(x, other) and not torch.equal(x, test)


def test_glyphs_are_legible_evenly_labelled_and_never_repeat() -> None:
    data = load("glyphs")
    assert data.size is None and data.classes is not None and len(data.classes) == 34
    x, y = data.fetch(torch.arange(3400))
    assert y is not None
    count = torch.bincount(y, minlength=34).double()
    assert ((count - 100).abs() < 5 * math.sqrt(100)).all()
    contrast = x.flatten(1).amax(1) - x.flatten(1).amin(1)
    assert contrast.min() > 2 * 0.39  # at least 0.4 of the brightness range, less a rounding
    assert len(torch.unique((x.flatten(1) * 127.5).round().to(torch.int16), dim=0)) == 3400


def test_the_label_of_a_glyph_can_be_read_off_the_image() -> None:
    """A Gaussian classifier on shapes, light on dark made equal, does far better than the 1 in 34 of guessing."""
    data = load("glyphs")

    def features(start: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = data.fetch(torch.arange(start, start + count))
        border = x[:, :, 0, 0][:, :, None, None]
        shape = (x - border).abs()
        assert y is not None
        return (shape / shape.flatten(1).amax(1)[:, None, None, None]).flatten(1).numpy(), y.numpy()

    model = make_pipeline(PCA(60, random_state=0), QuadraticDiscriminantAnalysis(reg_param=0.1)).fit(*features(0, 6000))
    assert model.score(*features(10_000, 1000)) > 0.85


def test_font_and_character_are_drawn_independently() -> None:
    data = load("glyphs")
    fonts, characters, side, _ = data._cells.shape
    tones = 16 * (torch.arange(fonts) + 1)  # every glyph of font f a flat tone that says f
    data._cells = tones.to(torch.uint8)[:, None, None, None].expand(fonts, characters, side, side).contiguous()
    data._colours = lambda u: (torch.zeros(len(u), 1, 1, 1), torch.ones(len(u), 1, 1, 1))
    n = 20_000
    raw, label = data.read(torch.arange(n))
    font = raw[:, 0, 16, 16].long() // 16 - 1
    count = torch.bincount(font * characters + label, minlength=fonts * characters).double()
    expected = n / (fonts * characters)
    chi_square = ((count - expected).square() / expected).sum().item()
    freedom = fonts * characters - 1
    assert abs(chi_square - freedom) < 5 * math.sqrt(2 * freedom)


def test_colours_differ_between_channels_only_when_asked_for() -> None:
    x = load("glyphs", channels=3).fetch(torch.arange(50))[0]
    assert (x[:, 0] != x[:, 1]).float().mean() > 0.9


@pytest.mark.parametrize("kind", MIXTURES)
def test_mixture_points_follow_the_stated_law(kind: str) -> None:
    data = load(f"mixture:{kind}")
    n = 100_000
    x, y = data.fetch(torch.arange(n))
    assert x.dtype == torch.float32 and y is not None
    assert data.weights.sum().item() == pytest.approx(1)
    for k, w in enumerate(data.weights.tolist()):
        mine = x[y == k].double()
        assert abs(len(mine) / n - w) < 5 * math.sqrt(w * (1 - w) / n)
        error = (mine.mean(0) - data.means[k]).abs() / (data.variances[k] / len(mine)).sqrt()
        assert error.max() < 5
        ratio = mine.var(0) / data.variances[k]
        assert (ratio - 1).abs().max() < 5 * math.sqrt(2 / len(mine))
        whitened = (mine - data.means[k]) / data.variances[k].sqrt()
        assert abs(whitened.prod(1).mean().item()) < 5 / math.sqrt(len(mine))


@pytest.mark.parametrize("kind", MIXTURES)
def test_mixture_splits_are_other_points(kind: str) -> None:
    index = torch.arange(100)
    train, test = load(f"mixture:{kind}"), load(f"mixture:{kind}", "test")
    assert train.size is None and test.size == 10_000
    assert not torch.isclose(train.fetch(index)[0], test.fetch(index)[0]).all(1).any()
    assert test.all()[0].shape == (10_000, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digit",), "unknown data set 'digit'; did you mean 'digits'"),
        (("mixture:ring9",), "did you mean 'mixture:ring8'"),
        (("digits", "training"), "split 'training' is not one of"),
        (("glyphs", "all"), "split 'all' is not one of"),
        (("mixture:two", "all"), "split 'all' is not one of"),
    ],
)
def test_unknown_names_and_splits_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(*arguments)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("digits", {"image_size": 28}, "image_size = 28 cannot be chosen for digits, which has 8"),
        ("digits", {"root": "here"}, "root = 'here' cannot be chosen"),
        ("mixture:two", {"channels": 1}, "channels = 1 cannot be chosen"),
        ("glyphs", {"channels": 2}, "channels = 2"),
        ("glyphs", {"image_size": 4}, "image_size = 4"),
        ("folder", {"label": "Smiling"}, "label = 'Smiling' cannot be chosen"),
    ],
)
def test_options_that_a_set_does_not_have_are_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(name, **options)


def test_an_option_that_states_the_fact_is_welcome() -> None:
    assert load("digits", image_size=8, channels=1).shape == (1, 8, 8)


def test_every_name_is_in_the_message_and_importing_is_lazy() -> None:
    with pytest.raises(ValueError, match="known: " + ", ".join(NAMES)):
        load("nothing at all")


def test_fingerprints_follow_the_facts() -> None:
    assert fingerprint(a=1, b=2) == fingerprint(b=2, a=1) != fingerprint(a=1, b=3)
    prints = [load("glyphs", **o).fingerprint for o in ({}, {"seed": 1}, {"channels": 3}, {"image_size": 64})]
    assert len({*prints, load("glyphs", "val").fingerprint}) == 5


def test_a_fingerprint_sees_pixels_and_labels() -> None:
    pixels, labels = torch.arange(48, dtype=torch.uint8).view(3, 1, 4, 4), torch.tensor([0, 1, 1])
    mine = ImageArray("x", "train", pixels, labels).fingerprint
    assert mine == ImageArray("x", "train", pixels.clone(), labels.clone()).fingerprint
    assert mine != ImageArray("x", "train", 255 - pixels, labels).fingerprint
    assert mine != ImageArray("x", "train", pixels, 1 - labels).fingerprint


def test_image_arrays_check_shape_type_and_labels() -> None:
    images = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"float32 of shape \(4, 1, 8, 8\); it must be uint8"):
        ImageArray("x", "train", images.float())
    with pytest.raises(ValueError, match="must be uint8 of shape"):
        ImageArray("x", "train", images[0])
    with pytest.raises(ValueError, match=r"4 images, but labels of shape \(3,\)"):
        ImageArray("x", "train", images, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="labels from 0 to 5; its 2 classes"):
        ImageArray("x", "train", images, torch.tensor([0, 1, 5, 1]), ("a", "b"))
    with pytest.raises(ValueError, match="the train split of x is empty"):
        ImageArray("x", "train", images[:0])


def test_sets_without_end_say_so() -> None:
    data: DataSet = load("glyphs")
    with pytest.raises(ValueError, match="no end"):
        data.all()
    with pytest.raises(TypeError, match="no end"):
        len(data)
