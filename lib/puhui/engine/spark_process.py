"""The one Spark of this process: what it needs, how it is started quietly, who may stop it."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from puhui.errors import PuhuiError

MIN_JAVA = 17
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c: %m%n
"""


class SparkProcess:
    """Starts Spark for the first engine and stops it after the last.

    A Spark the caller has already started (on a cluster, say) is used and never stopped.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._base: Any = None
        self._ours = False
        self._home: tempfile.TemporaryDirectory[str] | None = None

    def session(self, *, threads: int | None, memory_limit: str | None) -> Any:
        """Return a session of its own: views and settings are not shared with others.

        Raises
        ------
        PuhuiError
            Without pyspark, without Java or with one too old, or if Spark does not start.
        """
        with self._lock:
            if self._users == 0:
                require_pyspark()
                self._base = _running()
                self._ours = self._base is None
                if self._ours:
                    self._base = self._start(threads, memory_limit)
            session = self._base.newSession()
            self._users += 1
            return session

    def release(self) -> None:
        """Give a session back."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                if self._ours:
                    self._base.stop()
                self._base = None

    def _start(self, threads: int | None, memory_limit: str | None) -> Any:
        from py4j.protocol import Py4JError
        from pyspark import SparkConf, SparkContext
        from pyspark.errors import PySparkException
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession

        require_java()
        conf = SparkConf().setMaster(f"local[{threads or '*'}]").setAppName("puhui")
        log = self._folder() / "spark.log"
        for key, value in self._settings(memory_limit).items():
            conf.set(key, value)
        try:
            with no_pandas_warning(), log.open("ab") as stderr:
                gateway = SparkContext._gateway or launch_gateway(conf, {"stderr": stderr})
                return SparkSession(SparkContext(conf=conf, gateway=gateway))
        except (PySparkException, Py4JError, OSError) as error:
            said = log.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
            raise PuhuiError(f"Spark 没有启动：{error}\n{said}".strip()) from error

    def _folder(self) -> Path:
        """Scratch folder; it lives as long as the Java process, that is, as this one."""
        if self._home is None:
            self._home = tempfile.TemporaryDirectory(prefix="puhui-spark-")
            (Path(self._home.name) / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")
        return Path(self._home.name)

    def _settings(self, memory_limit: str | None) -> Mapping[str, str]:
        """Settings that only a start can make: no page on a port, no address but this machine."""
        home = self._folder()
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(home),
            "spark.sql.warehouse.dir": str(home / "warehouse"),
            "spark.sql.catalogImplementation": "in-memory",
            "spark.driver.extraJavaOptions": (
                f"-Dlog4j2.configurationFile={(home / 'log4j2.properties').as_uri()}"
            ),
        }
        if memory_limit is not None:
            settings["spark.driver.memory"] = f"{mebibytes(memory_limit)}m"
        return settings


def _running() -> Any:
    """Return the session of a Spark the caller has started, if there is one."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    with no_pandas_warning():
        return SparkSession.builder.getOrCreate() if SparkContext._active_spark_context else None


@contextmanager
def no_pandas_warning() -> Iterator[None]:
    """Keep pyspark's word on pandas 3 back: only Arrow passes between the two."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet", category=FutureWarning)
        yield


def require_pyspark() -> None:
    """Raise :class:`PuhuiError` if pyspark cannot be imported."""
    try:
        with no_pandas_warning():
            import pyspark.sql  # noqa: F401
    except ImportError as error:
        raise PuhuiError(
            "没有装 PySpark，不能用 Spark 引擎。",
            remedy="请执行 pip install 'puhui[spark]'；在本项目目录中可执行 make spark。",
        ) from error
    # Each failed query is raised; pyspark would print it on stderr as well, trace and all.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)


def require_java() -> None:
    """Raise :class:`PuhuiError` if there is no Java, or one too old for Spark 4."""
    remedy = (
        f"Spark 4 需要 Java {MIN_JAVA} 或更高版本。Debian、Ubuntu 可执行 "
        "apt-get install openjdk-17-jre-headless；装在别处时请设置环境变量 JAVA_HOME。"
    )
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"（JAVA_HOME 为 {home}）" if home else ""
        raise PuhuiError(f"没有找到 Java{where}，不能用 Spark 引擎。", remedy=remedy)
    run = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(?:1\.)?(\d+)', run.stderr + run.stdout)
    if version is None:
        raise PuhuiError(f"认不出 {java} 的版本：{run.stderr.strip()}", remedy=remedy)
    if int(version[1]) < MIN_JAVA:
        raise PuhuiError(f"{java} 是 Java {version[1]}，版本太旧。", remedy=remedy)


def mebibytes(limit: str) -> int:
    """Read a memory limit as DuckDB takes it.

    Examples
    --------
    >>> mebibytes("4GB"), mebibytes("512 MiB")
    (3814, 512)
    """
    found = re.fullmatch(r"(\d+)\s*([KMGT])(I?)B", limit.strip().upper())
    if found is None:
        raise PuhuiError(f"看不懂内存上限“{limit}”。", remedy="写作 4GB 或 512MB。")
    unit = 2 ** (10 * ("KMGT".index(found[2]) + 1)) if found[3] else _UNITS[found[2] + "B"]
    return int(found[1]) * unit // 2**20
