"""The lock, the conda route and pyproject.toml say the same."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def _pins() -> list[str]:
    """Pinned requirements of the lock, in its order, without hashes."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    starts = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    return [line.removesuffix("\\").strip() for line in starts]


def _pip_section() -> list[str]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    return next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))


def _declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"].values()
    lines = [*project["project"]["dependencies"], *(line for group in groups for line in group)]
    return [Requirement(line) for line in lines]


def test_conda_route_has_exactly_the_pins_of_the_lock() -> None:
    assert _pip_section() == [*_pins(), "-e ."]


def test_conda_python_is_one_the_project_takes() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert "python=3.11" in environment["dependencies"]


def test_every_pin_is_exact() -> None:
    pins = _pins()
    assert len(pins) > len(_declared())
    operators = {pin: [s.operator for s in Requirement(pin).specifier] for pin in pins}
    assert {pin: found for pin, found in operators.items() if found != ["=="]} == {}


def test_every_pin_has_hashes() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(_pins())
    assert [b.split()[0] for b in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", b)] == []


def test_everything_declared_is_locked_at_a_version_it_allows() -> None:
    versions: dict[str, list[str]] = {}
    for requirement in map(Requirement, _pins()):
        version = next(iter(requirement.specifier)).version
        versions.setdefault(canonicalize_name(requirement.name), []).append(version)
    missing = [
        str(requirement)
        for requirement in _declared()
        if not versions.get(canonicalize_name(requirement.name))
        or not all(
            map(requirement.specifier.contains, versions[canonicalize_name(requirement.name)])
        )
    ]
    assert missing == []


def test_no_address_in_lock_or_conda_file() -> None:
    for name in ("requirements.txt", "environment.yml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.findall(r"\w+://\S*|--(?:extra-)?index-url|--find-links", text) == [], name
