"""The cache: an answer is reused only if all that it rests on is the same, and a touched file is not trusted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from threefold import ledger, theory
from threefold.account import Heading, StatementText
from threefold.cli import cli
from threefold.ledger import cache as cache_module
from threefold.ledger import sources
from threefold.ledger.cache import Cache, decode, encode, folder
from threefold.ledger.questions import final
from threefold.ledger.rows import Mutants, Symbolic
from threefold.ledger.sources import Sources
from threefold.theory import Setting
from threefold.witnesses.registry import Evidence, Missing, NotApplicable

BY_HAND = Path(__file__).parent / "by_hand"
Command = Callable[..., Result]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the theory by hand that a test may change; `run` works in processes of its own."""
    place = tmp_path / "by_hand"
    shutil.copytree(BY_HAND, place, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the copied theory, in a fresh process, as a user does."""
    code = (
        "from threefold.cli import cli\nfrom threefold.theory import Setting\n"
        "if __name__ == '__main__':\n"
        f"    cli({list(arguments)!r}, obj=Setting('theory_by_hand', 'witnesses_by_hand'), prog_name='threefold')\n"
    )
    script = place.parent / "run.py"
    script.write_text(code)
    search = os.pathsep.join(map(str, (place, Path(cache_module.__file__).parents[2])))
    return subprocess.run(
        [sys.executable, "-B", str(script)],
        env={**os.environ, "PYTHONPATH": search, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def imported(place: Path, *arguments: str) -> set[str]:
    """The modules that a command imports, by their names."""
    run(place, *arguments)
    code = (place.parent / "run.py").read_text().replace("prog_name='threefold')", "standalone_mode=False)")
    (place.parent / "run.py").write_text(code + "    import sys\n    print('MODULES', *sys.modules)\n")
    search = os.pathsep.join(map(str, (place, Path(cache_module.__file__).parents[2])))
    found = subprocess.run(
        [sys.executable, "-B", str(place.parent / "run.py")],
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(found.stdout.rpartition("MODULES")[2].split())


def reused(place: Path, *arguments: str) -> int:
    """How many answers a `verify` reuses."""
    found = run(place, "verify", *arguments, "--json", "-")
    assert found.returncode == 0, found.stderr
    return int(json.loads(found.stdout)["reused"]["answers"])


def stored(folder: Path) -> Path:
    (path,) = folder.glob("ledger-*.json")
    return path


# --- reuse ------------------------------------------------------------------------------------------------------------


@pytest.mark.sampled(6)
def test_a_second_run_reuses_every_answer_and_says_the_same(copied: Path) -> None:
    first = run(copied, "verify", "square.*", "--json", "-")
    second = run(copied, "verify", "square.*", "--json", "-")
    before, after = json.loads(first.stdout), json.loads(second.stdout)
    assert before["reused"] == {"answers": 0, "of": 15}
    assert after["reused"] == {"answers": 15, "of": 15}
    assert "Reused:   15 of 15 answers" in second.stderr and "Reused" not in first.stderr
    for content in (before, after):
        del content["reused"]
        for row in content["claims"]:
            del row["reused"]
    assert before == after


@pytest.mark.sampled(6)
def test_list_show_and_errata_say_the_same_from_it(copied: Path) -> None:
    def words(found: subprocess.CompletedProcess[str]) -> list[str]:
        return found.stdout.replace("; from an earlier run of the same sources", "").split()

    commands = (["show", "square.sum"], ["list", "square.*"], ["errata", "N1"])
    before = [words(run(copied, *command)) for command in commands]
    assert [words(run(copied, *command)) for command in commands] == before


@pytest.mark.sampled(6)
def test_what_is_stored_answers_without_the_theory(copied: Path) -> None:
    """The command then imports neither the claims nor an algebra system."""
    assert imported(copied, "list", "square.*").isdisjoint({"theory_by_hand", "sympy", "torch"})


@pytest.mark.sampled(6)
def test_fresh_reuses_nothing_and_keeps_what_it_finds(copied: Path) -> None:
    assert reused(copied, "square.*") == 0
    assert reused(copied, "square.*", "--fresh") == 0
    assert reused(copied, "square.*") == 15


@pytest.mark.sampled(6)
def test_only_the_same_seed_reuses_what_depends_on_it(copied: Path) -> None:
    assert reused(copied, "square.sum") == 0
    assert reused(copied, "square.sum", "--seed", "1") == 1, "the proof alone"
    assert reused(copied, "square.sum", "--seed", "1") == reused(copied, "square.sum") == 4


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("theory_by_hand.py", 0),
        ("witnesses_by_hand/numeric/squares.py", 2),  # torch's imports it too
        ("witnesses_by_hand/torch/squares.py", 3),
    ],
)
def test_a_source_that_changed_takes_its_answers_with_it(copied: Path, file: str, kept: int) -> None:
    assert reused(copied, "square.sum") == 0
    path = copied / file
    assert path.exists(), sorted(copied.rglob("*.py"))
    path.write_text(path.read_text() + "\n# one more line\n")
    assert reused(copied, "square.sum") == kept


@pytest.mark.sampled(6)
def test_what_is_not_as_it_should_be_is_judged_again(copied: Path) -> None:
    for _ in range(2):
        found = run(copied, "verify", "bad.undecided", "bad.survivor", "bad.numeric", "bad.torch", "--json", "-")
        assert found.returncode == 1
        content = json.loads(found.stdout)
    assert content["reused"]["answers"] == content["reused"]["of"] - 4


def test_another_version_of_a_library_is_another_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Sources(Setting())
    before, fingerprint = found.key(["derivations.onestep"], {}), found.fingerprint
    monkeypatch.setattr(sources, "versions", lambda: (("sympy", "0.1"),))
    assert found.key(["derivations.onestep"], {}) != before
    assert Sources(Setting()).fingerprint != fingerprint


# --- what a hash covers -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> tuple[Sources, dict[str, Heading]]:
    return Sources(Setting()), theory.headings(Setting())


def reached(real: tuple[Sources, dict[str, Heading]], *modules: str) -> set[str]:
    found, headings = real
    return found._reached(modules, {name: heading.modules for name, heading in headings.items()})


def test_a_claim_knows_its_chapter(real: tuple[Sources, dict[str, Heading]]) -> None:
    assert "derivations.ddpm.posterior" in real[1]["ddpm.posterior.mean"].modules


def test_a_hash_covers_the_chapter_what_it_imports_and_the_chapters_of_its_lemmas(
    real: tuple[Sources, dict[str, Heading]],
) -> None:
    found = reached(real, "derivations.ddpm.gaussian_elbo", "derivations.library")
    assert {"derivations.rules", "derivations.judge.replay", "derivations.refutation.refute"} <= found
    assert "derivations.vae.gaussian_kl" in found, "gaussian.kl.* are its lemmas, cited by id"
    assert not {name for name in found if name.startswith(("torch_impl", "reference", "threefold"))}


def test_a_hash_of_a_torch_witness_covers_the_code_that_it_calls(real: tuple[Sources, dict[str, Heading]]) -> None:
    found = reached(real, *real[0].mentioning("ddpm.loss.simple", "threefold.witnesses.torch"))
    assert {"torch_impl.diffusion", "torch_impl.process.schedule"} <= found
    assert not {name for name in found if name.startswith("torch_impl.training")}


def test_a_name_that_is_loaded_on_first_use_leads_to_its_module(real: tuple[Sources, dict[str, Heading]]) -> None:
    assert set(real[0]._from("torch_impl", "NoiseSchedule")) == {"torch_impl.process.schedule"}
    assert "torch_impl.training.trainer" in real[0]._from("torch_impl", "no_such_name"), "then anything may be meant"


def test_what_imports_by_computed_names_rests_on_all_of_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "dynamic_toy"
    package.mkdir()
    (package / "__init__.py").write_text("import importlib\nimportlib.import_module('dynamic_toy.' + 'a')\n")
    (package / "a.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sources, "PACKAGES", (*sources.PACKAGES, "dynamic_toy"))
    assert "dynamic_toy.a" in Sources(Setting())._reached(["dynamic_toy"], {})


def test_a_claim_whose_id_is_computed_rests_on_all_witnesses(real: tuple[Sources, dict[str, Heading]]) -> None:
    package = "threefold.witnesses.numeric"
    assert real[0].mentioning("no.such.claim", package) == [n for n in real[0].paths if n.startswith(package)]


# --- files that are not trusted ---------------------------------------------------------------------------------------


def spoil(content: bytes, how: str) -> bytes:
    return {
        "truncated": content[: len(content) // 2],
        "empty": b"",
        "damaged": content.replace(b"proved", b"prOved", 1),
        "edited": content.replace(b"undecided", b"proved").replace(b"11", b"12", 1),
        "without its seal": content.partition(b"\n")[2],
        "of another format": b"threefold ledger cache 0 " + content.partition(b"\n")[0][-64:] + b"\n{}",
        "no cache at all": b"\x00\xff" * 100,
        "a digest of one's own": cache_module._sealed(content.partition(b"\n")[2], b"another key"),
    }[how]


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    "how",
    [
        "truncated",
        "empty",
        "damaged",
        "edited",
        "without its seal",
        "of another format",
        "no cache at all",
        "a digest of one's own",
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_not_used_and_this_is_said(
    copied: Path, cache_folder: Path, how: str
) -> None:
    assert reused(copied, "square.sum") == 0
    path = stored(cache_folder)
    path.write_bytes(spoil(path.read_bytes(), how))
    found = run(copied, "verify", "square.sum", "--json", "-")
    assert found.returncode == 0
    assert json.loads(found.stdout)["reused"]["answers"] == 0
    assert f"the stored results in {path} are not as they were written" in found.stderr
    assert reused(copied, "square.sum") == 4, "it was written anew"


@pytest.mark.sampled(6)
def test_a_file_from_elsewhere_is_not_used(copied: Path, cache_folder: Path) -> None:
    assert reused(copied, "square.sum") == 0
    (cache_folder / "key").unlink()
    found = run(copied, "verify", "square.sum", "--json", "-")
    assert json.loads(found.stdout)["reused"]["answers"] == 0
    assert "from elsewhere" in found.stderr


@pytest.mark.sampled(6)
def test_a_proof_written_by_hand_is_not_believed(copied: Path, cache_folder: Path) -> None:
    run(copied, "verify", "square.sum", "bad.undecided")
    path = stored(cache_folder)
    head, _, body = path.read_bytes().partition(b"\n")
    content = json.loads(body)
    content["answers"]["bad.undecided|symbolic|0"] = content["answers"]["square.sum|symbolic|0"]
    path.write_bytes(head + b"\n" + json.dumps(content).encode())
    found = run(copied, "list", "bad.undecided")
    assert found.returncode == 1
    assert "undecided" in found.stdout and "not as they were written" in found.stderr


@pytest.mark.sampled(6)
def test_a_sealed_answer_of_another_claim_has_another_hash(copied: Path, cache_folder: Path) -> None:
    """Even with the user's own key: the hash names neither verdict nor claim, but what the verdict rests on."""
    run(copied, "verify", "square.sum")
    path = stored(cache_folder)
    content = json.loads(path.read_bytes().partition(b"\n")[2])
    content["fingerprint"] = "0" * 64
    content["answers"]["square.sum|numeric|0"]["key"] = content["answers"]["square.sum|symbolic|0"]["key"]
    path.write_bytes(cache_module._sealed(json.dumps(content).encode(), (cache_folder / "key").read_bytes()))
    assert reused(copied, "square.sum") == 3


@pytest.mark.sampled(6)
def test_what_is_in_the_folder_is_for_the_user_alone(copied: Path, cache_folder: Path) -> None:
    run(copied, "verify", "square.sum")
    assert {path.stat().st_mode & 0o077 for path in cache_folder.iterdir()} == {0}
    assert len(list(cache_folder.iterdir())) == 2, "the key and one file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.sampled(6)
def test_a_folder_that_cannot_be_written_to_is_no_error(copied: Path, cache_folder: Path) -> None:
    cache_folder.chmod(0o500)
    assert reused(copied, "square.sum") == reused(copied, "square.sum") == 0


@pytest.mark.sampled(6)
def test_a_file_in_the_place_of_the_folder_is_no_error(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = copied.parent / "taken"
    place.write_text("mine")
    monkeypatch.setenv("THREEFOLD_CACHE", str(place))
    assert reused(copied, "square.sum") == reused(copied, "square.sum") == 0
    assert place.read_text() == "mine"


@pytest.mark.sampled(6)
def test_it_can_be_switched_off(copied: Path, monkeypatch: pytest.MonkeyPatch, cache_folder: Path) -> None:
    monkeypatch.setenv("THREEFOLD_CACHE", "off")
    assert folder() is None
    assert reused(copied, "square.sum") == reused(copied, "square.sum") == 0
    assert list(cache_folder.iterdir()) == []


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert folder() == Path(os.environ["THREEFOLD_CACHE"])
    monkeypatch.delenv("THREEFOLD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "threefold"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert folder() == Path.home() / ".cache" / "threefold"


def test_sources_that_change_while_they_are_judged_leave_nothing(
    by_hand: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Cache(by_hand)
    store.put("square.sum", "symbolic", 0, Symbolic("proved"), 0.1)
    monkeypatch.setattr(cache_module, "Sources", lambda setting: type("Later", (), {"fingerprint": "other"}))
    store.save(theory.headings(by_hand))
    assert store.path is not None and not store.path.exists()


def test_old_seeds_go_first_and_proofs_never(by_hand: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "MOST_ANSWERS", 2)
    headings = theory.headings(by_hand)
    store = Cache(by_hand)
    store.put("square.sum", "symbolic", 0, Symbolic("proved"), 0.1)
    for seed in range(4):
        store.put("square.sum", "mutants", seed, Mutants(1, 1), 0.1)
    store.save(headings)
    again = Cache(by_hand)
    assert again.get("square.sum", "symbolic", 7, headings) == (Symbolic("proved"), 0.1)
    assert [again.get("square.sum", "mutants", seed, headings) is None for seed in range(4)] == [
        True,
        True,
        False,
        False,
    ]


# --- plain data -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        Symbolic("refuted", "at a = 1", point=(("a", "1"),), lhs="9", rhs="5", uses=("x", "y")),
        Mutants(3, 2, 1, ("a", "b")),
        Evidence("by hand", 3, float("inf"), 1e-10, problems=("so",)),
        NotApplicable("why"),
        Missing("none"),
        Heading("a", "", "t", "identity", "c", "proved", "s", "w", "t", "l", (), (StatementText("1", "t", "l"),)),
    ],
)
def test_plain_data_comes_back_as_it_was(value: object) -> None:
    assert decode(json.loads(json.dumps(encode(value)))) == value


def test_what_is_no_plain_data_is_not_kept() -> None:
    with pytest.raises(TypeError, match="no plain data"):
        encode(Symbolic("proved", reason=object()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (Symbolic("proved"), True),
        (Symbolic("refuted"), True),
        (Symbolic("undecided"), False),
        (Symbolic("disputed"), False),
        (Mutants(1, 1), True),
        (Mutants(1, 0, 0, ("x",)), False),
        (Mutants(reason="not judged"), False),
        (Evidence("m", 1, 0.0, 1e-10), True),
        (Evidence("m", 1, 0.0, 1e-10, problems=("x",)), False),
        (NotApplicable("x"), True),
        (Missing("x"), False),
    ],
)
def test_only_what_is_settled_is_kept(
    found: Symbolic | Mutants | Evidence | NotApplicable | Missing, kept: bool
) -> None:
    assert final(found) is kept


def test_an_answer_for_want_of_a_result_is_not_kept(by_hand: Setting, cache_folder: Path) -> None:
    ledger.judge(["bad.crashes"], setting=by_hand, cache=Cache(by_hand), witnesses=("symbolic",), mutants=False)
    assert Cache(by_hand).get("bad.crashes", "symbolic", 0, theory.headings(by_hand)) is None


def test_fresh_is_an_option_of_every_command_that_judges() -> None:
    for name in ("verify", "show", "list", "errata"):
        assert "--fresh" in CliRunner().invoke(cli, [name, "--help"]).output
