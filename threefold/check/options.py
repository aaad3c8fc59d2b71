"""What a document, a comment or the command line may set: checked once, here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from threefold.check.contexts.base import Settings

CONTEXT_NAMES = ("vae", "ddpm", "ddim", "onestep", "score-sde", "flow-matching", "vq")


class Unusable(ValueError):
    """Input that cannot be used; the message names the value, the limit and the remedy."""


@dataclass(frozen=True)
class Options:
    """`context`: '' to detect it display by display."""

    context: str = ""
    settings: Settings = field(default_factory=Settings)
    said: Mapping[str, str] = field(default_factory=dict)


def _one_of(*allowed: str) -> Callable[[str, str], str]:
    def check(key: str, value: str) -> str:
        if value not in allowed:
            raise Unusable(f"{key} is {value!r}, and may be {', '.join(allowed)}")
        return value

    return check


def _letter(key: str, value: str) -> str:
    name = value.lstrip("\\")
    if not name.isalpha():
        raise Unusable(f"{key} is {value!r}, and must be a letter or its LaTeX name, like z or \\epsilon")
    return name


def _first(key: str, value: str) -> str:
    number = value.replace(">=", "").strip()
    if number not in ("1", "2"):
        raise Unusable(f"{key} is {value!r}, and may be '>= 1' or '>= 2'")
    return number


KEYS: dict[str, Callable[[str, str], str]] = {
    "context": lambda key, value: _one_of(*CONTEXT_NAMES)(key, value),
    "noise": _letter,
    "alpha": _one_of("1 - beta", "cumulative"),
    "variance": _one_of("sigma^2", "sigma"),
    "T": _first,
    "decoder": _one_of("bernoulli", "gaussian"),
    "ignore": lambda key, value: value,
}


def with_pair(options: Options, key: str, value: str) -> Options:
    """The options with one more thing said. Raises Unusable for an unknown key or value."""
    key, value = key.strip(), str(value).strip().strip("\"'")
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(KEYS)}"
        raise Unusable(f"there is no setting {key!r}{hint}")
    value = KEYS[key](key, value)
    settings, said = options.settings, {**options.said, key: value}
    if key == "context":
        return replace(options, context=value, said=said)
    if key == "noise":
        settings = replace(settings, noise=value)
    elif key == "alpha":
        settings = replace(settings, alpha=value, bars=value != "cumulative")
    elif key == "variance":
        settings = replace(settings, variance="deviation" if value == "sigma" else "variance")
    elif key == "T":
        settings = replace(settings, first=int(value))
    elif key == "decoder":
        settings = replace(settings, decoder=value)
    elif key == "ignore":
        names = tuple(n.strip() for n in value.strip("[]").split(",") if n.strip())
        settings = replace(settings, ignore=(*settings.ignore, *names))
    return replace(options, settings=settings, said=said)


def with_mapping(options: Options, mapping: Any, where: str) -> Options:
    """The options with a whole `threefold:` entry said."""
    if not isinstance(mapping, Mapping):
        raise Unusable(f"{where}: `threefold:` must be a mapping like {{context: ddpm}}, and is {mapping!r}")
    for key, value in mapping.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        try:
            options = with_pair(options, str(key), text)
        except Unusable as reason:
            raise Unusable(f"{where}: {reason}") from None
    return options


def of_front_matter(options: Options, content: str, where: str) -> Options:
    """The options with those of a front matter. Raises Unusable if it is no YAML."""
    if "threefold" not in content:
        return options
    import yaml

    try:
        found = yaml.safe_load(content)
    except yaml.YAMLError as reason:
        first = str(reason).splitlines()[0]
        raise Unusable(f"{where}: the front matter is no YAML ({first}): mend it or take `threefold:` out") from None
    if not isinstance(found, Mapping) or "threefold" not in found:
        return options
    return with_mapping(options, found["threefold"], where)


def of_comment(options: Options, content: str, where: str) -> Options:
    """The options with those of <!-- threefold: key: value, key: value -->."""
    import yaml

    text = content.strip()
    try:
        found = yaml.safe_load(text if text.startswith("{") else "{" + text + "}")
    except yaml.YAMLError:
        raise Unusable(
            f"{where}: the comment `threefold: {text}` is not of the form `key: value, key: value`"
        ) from None
    return with_mapping(options, found, where)
