"""Letters with captions: a caption says what its picture was drawn by, and unseen pairs are in no training picture."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from torch_impl.data import load
from torch_impl.data.captions import ATTRIBUTES, SPLITS, caption, pairs, tokenizer
from torch_impl.data.words import NOTHING, Tokenizer

NAMES = [attribute.name for attribute in ATTRIBUTES]


def test_a_caption_says_the_six_attributes_and_leaves_out_what_goes_without_saying() -> None:
    values = ("A", "red", "blue", "small", "left", "bold")
    assert caption(values) == "a small bold red letter A, turned left, on blue"
    assert caption(("K", "white", "green", "large", "upright", "plain")) == "a large white letter K, on green"


def test_every_caption_is_read_back_as_what_it_says() -> None:
    data = load("captions", "all", image_size=16)
    combinations = list(product(*(range(len(attribute.values)) for attribute in ATTRIBUTES)))[::97]
    said = [caption(tuple(a.values[i] for a, i in zip(ATTRIBUTES, row, strict=True))) for row in combinations]
    assert data.attributes(tokenizer().encode(said)).tolist() == [list(row) for row in combinations]


@pytest.mark.parametrize("split", SPLITS)
def test_pictures_and_captions_are_of_the_same_attributes(split: str) -> None:
    data = load("captions", split, image_size=16)
    index = torch.arange(200)
    x, numbers = data.fetch(index)
    said = data.attributes(numbers)
    assert torch.equal(said, data.attributes_at(index)) and bool((said[:, 1] != said[:, 2]).all())
    again, _ = load("captions", split, image_size=16).fetch(index.flip(0))
    assert torch.equal(x, again.flip(0))


def test_a_picture_has_the_colours_of_its_caption() -> None:
    """The corner is of the ground's colour, and some pixel is nearer to the letter's than to any other's."""
    data = load("captions", "test", image_size=32)
    x, numbers = data.fetch(torch.arange(100))
    said, colours = data.attributes(numbers), 2 * data._colours - 1
    corners = x[:, :, 0, 0]
    assert torch.equal(torch.cdist(corners, colours).argmin(1), said[:, 2])
    to_pen = torch.cdist(x.flatten(2).transpose(1, 2), colours[said[:, 1]][:, None]).amin((1, 2))
    assert float(to_pen.max()) < 0.35


def test_larger_letters_have_more_ink_and_letters_turn_as_they_say() -> None:
    data = load("captions", "all", image_size=32)
    index = torch.arange(4000)
    x, numbers = data.fetch(index)
    said = data.attributes(numbers)
    paper = x[:, :, :1, :1]
    ink = (x - paper).abs().sum(1) > 0.5
    size = [float(ink[said[:, 3] == i].float().mean()) for i in range(3)]
    assert size[0] < size[1] < size[2]
    line = torch.linspace(-1, 1, 32)
    tall = said[:, 0] == ATTRIBUTES[0].values.index("E")  # and its lower half mirrors the upper one
    tilt = {}
    for value, name in enumerate(ATTRIBUTES[4].values):
        shape = ink[tall & (said[:, 4] == value) & (said[:, 5] < 2)].float().mean(0)
        shape /= shape.sum()
        across, down = shape.sum(0) @ line, shape.sum(1) @ line
        tilt[name] = float(((line - down) @ shape) @ (line - across))
    assert tilt["right"] < -0.01 < tilt["upright"] < 0.01 < tilt["left"]


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_unseen_pairs_are_one_of_each_letter_and_in_no_other_split(seed: int) -> None:
    unseen, seen = pairs("unseen", seed), pairs("train", seed)
    assert not set(unseen) & set(seen) and set(unseen) | set(seen) == set(pairs("all", seed))
    assert sorted(letter for letter, _ in unseen) == list(range(12))
    assert sorted(colour for _, colour in unseen) == [i // 2 for i in range(12)]
    assert pairs("val", seed) == pairs("test", seed) == seen


def test_another_seed_leaves_out_other_pairs() -> None:
    assert pairs("unseen", 0) != pairs("unseen", 1)


def test_foils_differ_in_one_attribute_and_are_captions_of_pictures() -> None:
    data = load("captions", "unseen", image_size=16)
    _, numbers = data.fetch(torch.arange(300))
    said = data.attributes(numbers)
    for i, name in enumerate(NAMES):
        other = data.attributes(data.foils(numbers, i))
        assert bool((other[:, i] != said[:, i]).all()), name
        assert torch.equal(other[:, [j for j in range(6) if j != i]], said[:, [j for j in range(6) if j != i]])
        assert bool((other[:, 1] != other[:, 2]).all())


# -- the tokenizer ----------------------------------------------------------------------------------------------------


def test_words_are_found_as_written_then_small_then_large() -> None:
    words = Tokenizer(("a", "red", "A", "K"), 4)
    assert words.encode(["a Red A", "a red, k", ""]).tolist() == [[2, 3, 4, 0], [2, 3, 5, 0], [NOTHING, 0, 0, 0]]
    assert words.decode(words.encode(["a red, k", ""])) == ["a red K", ""]
    assert words.nothing(2).tolist() == words.encode(["", ""]).tolist()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a purple letter A", "has the word 'purple', which this model never read; it knows a, letter"),
        ("a smal red letter A", "did you mean 'small'"),
        ("a " * 11, "has 11 words, and this model reads at most 10; shorten it"),
    ],
)
def test_other_words_and_longer_captions_are_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tokenizer().encode([text])


@pytest.mark.parametrize(
    ("vocabulary", "length", "words"),
    [
        (("a", "a"), 3, "there twice"),
        (("a b",), 3, "is no word"),
        (("",), 3, "is no word"),
        (("a",), 0, "1 to 1024"),
        (("a",), 10**9, "1 to 1024"),
    ],
)
def test_a_vocabulary_has_words_each_once(vocabulary: tuple[str, ...], length: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Tokenizer(vocabulary, length)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"image_size": 8}, "needs 16 pixels"), ({"split": "new"}, "not one of 'train', 'val', 'test', 'unseen', 'all'")],
)
def test_sets_that_there_are_not_are_refused(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load("captions", **options)


def test_a_caption_that_names_no_colour_is_of_no_picture() -> None:
    data = load("captions", image_size=16)
    with pytest.raises(ValueError, match="names no colour"):
        data.attributes(data.words.encode(["a small letter A on blue"]))
