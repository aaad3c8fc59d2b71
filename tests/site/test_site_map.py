"""The map shows one claim among its neighbours, or the order of reading, and the address says which."""

from __future__ import annotations

ENDS = """[...document.querySelectorAll('.tf-graph g.edge')].map(edge => ['from', 'to'].map(
    end => [...edge.classList].find(name => name.startsWith(`tf-${end}-`)).slice(`tf-${end}-`.length)))"""
SHOWN = """[...document.querySelectorAll('.tf-graph g.node')].filter(node => node.getAttribute('display') !== 'none')
    .map(node => [...node.classList].find(name => name.startsWith('tf-is-')).slice(6))"""
OVERLAPS = """(boxes => boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)).length)(
    [...document.querySelectorAll('.tf-graph g.node')].filter(node => node.getAttribute('display') !== 'none')
    .map(node => node.getBoundingClientRect()))"""


def choose(chrome, select: int, value: str) -> None:
    change = f"(s => {{ s.value = '{value}'; s.dispatchEvent(new Event('change')); }})"
    chrome.evaluate(f"{change}(document.querySelectorAll('tf-map select')[{select}])")


def busiest(ends) -> str:
    tags = [tag for pair in ends for tag in pair]
    return max(sorted(set(tags)), key=tags.count)


def around(tag: str, ends) -> set[str]:
    return {tag} | {other for pair in ends if tag in pair for other in pair}


def reached(tag: str, ends, forwards: bool) -> set[str]:
    found, ways = {tag}, [pair if forwards else pair[::-1] for pair in ends]
    while new := {b for a, b in ways if a in found} - found:
        found |= new
    return found


def test_a_claim_in_the_address_is_shown_with_its_neighbours_alone(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/map/index.html")
    ends = chrome.evaluate(ENDS)
    every = set(chrome.evaluate(SHOWN))
    assert {tag for pair in ends for tag in pair} == every
    tag = busiest(ends)
    for width in (1280, 390):
        chrome.look(width)
        chrome.open(f"{address}/map/index.html#focus={tag}")
        chrome.wait_for("document.querySelector('tf-map select')")
        assert chrome.evaluate("document.querySelector('tf-map select').value") == tag
        assert set(chrome.evaluate(SHOWN)) == around(tag, ends)
        assert chrome.evaluate(OVERLAPS) == 0
        height = "document.querySelector('.tf-node-chosen text').getBoundingClientRect().height"
        assert chrome.evaluate(height) > 9, "the words can be read"
    far = reached(tag, ends, True) | reached(tag, ends, False)
    choose(chrome, 1, "far")
    assert set(chrome.evaluate(SHOWN)) == far and chrome.evaluate(OVERLAPS) == 0
    assert chrome.evaluate("location.hash") == f"#focus={tag}&reach=far"
    choose(chrome, 0, "")
    assert set(chrome.evaluate(SHOWN)) == every and chrome.evaluate("location.hash") == ""
    assert not chrome.complaints()


def test_the_order_of_reading_is_drawn_over_it_and_listed_without_a_script(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/map/index.html#route=reading")
    chrome.wait_for("document.querySelector('tf-map select')")
    stops = chrome.evaluate("[...document.querySelectorAll('.tf-stop text')].map(text => Number(text.textContent))")
    listed = chrome.evaluate("document.querySelectorAll('.tf-route-list li').length")
    assert stops == sorted(stops) and 8 < len(stops) <= listed
    assert chrome.evaluate("document.querySelectorAll('.tf-route-list a[href]').length") == listed
    chrome.evaluate("document.querySelector('tf-map input').click()")
    assert chrome.evaluate("document.querySelectorAll('.tf-stop').length") == 0 and not chrome.evaluate("location.hash")


def test_an_address_that_names_no_claim_shows_every_one(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/map/index.html#focus=ZZZZ")
    chrome.wait_for("document.querySelector('tf-map select')")
    assert chrome.evaluate("document.querySelector('tf-map select').value") == ""
    assert not chrome.complaints()
