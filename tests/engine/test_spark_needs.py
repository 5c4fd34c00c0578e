"""What is said when Spark cannot start: which thing is missing and what to install."""

import builtins
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from puhui.engine import SparkEngine
from puhui.engine.spark_process import mebibytes, require_java, require_pyspark
from puhui.errors import PuhuiError

ROOT = Path(__file__).parents[2]


def fake_java(folder: Path, version: str) -> None:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{version}' >&2\n", encoding="utf-8")
    java.chmod(0o755)


def test_without_pyspark(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyspark"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for start in (require_pyspark, SparkEngine):
        with pytest.raises(PuhuiError, match=r"没有装 PySpark.*puhui\[spark\]"):
            start()


def test_without_java(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PuhuiError, match=r"没有找到 Java.*openjdk-17-jre-headless"):
        require_java()


def test_java_home_without_a_java_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(PuhuiError, match="没有找到 Java") as error:
        require_java()
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    "version", ['openjdk version "11.0.25" 2024-10-15', 'java version "1.8.0_401"']
)
def test_with_a_java_too_old(monkeypatch, tmp_path, version):
    fake_java(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(PuhuiError, match=r"Java (11|8)，版本太旧.*Java 17"):
        require_java()


def test_with_something_else_called_java(monkeypatch, tmp_path):
    fake_java(tmp_path, "hello")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(PuhuiError, match=r"认不出.*hello"):
        require_java()


@pytest.mark.parametrize("version", ['openjdk version "17.0.1"', 'openjdk version "25" 2025-09-16'])
def test_java_17_and_newer_will_do(monkeypatch, tmp_path, version):
    fake_java(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    require_java()


def test_memory_limits_are_read_as_duckdb_reads_them():
    assert mebibytes("4GB") == 3814  # 4·10⁹ / 2²⁰ = 3814.69…
    assert mebibytes("512MiB") == 512
    assert mebibytes("2 gib") == 2048
    with pytest.raises(PuhuiError, match="看不懂内存上限"):
        mebibytes("80%")


def test_the_lock_of_spark_pins_what_the_extra_asks_for_and_names_no_address():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "requirements-spark.txt").read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text
    pins = [
        Requirement(line.rstrip("\\ "))
        for line in text.splitlines()
        if line and not line.startswith((" ", "#"))
    ]
    versions = {pin.name: next(iter(pin.specifier)).version for pin in pins}
    assert [s.operator for pin in pins for s in pin.specifier] == ["=="] * len(pins)
    assert text.count("--hash=sha256:") >= len(pins)
    for wanted in map(Requirement, project["optional-dependencies"]["spark"]):
        assert wanted.specifier.contains(versions[wanted.name])
