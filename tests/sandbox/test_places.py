"""Places: what a child may read: Python, its packages and auditkit; nothing of the user's, on the search path or not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import auditkit
from auditkit.sandbox.limits import Limits
from auditkit.sandbox.places import folders_of, of_python
from auditkit.sandbox.process import Child, Said

HOST = """
import os

class Host:
    def answer(self, question):
        name, path = question
        return getattr(self, name)(path)

    def read(self, path): return {"size": len(open(path, "rb").read())}, []
    def list(self, path): return {"names": os.listdir(path)}, []
    def through(self, path): return {"size": len(os.read(os.open(path, os.O_RDONLY), 9))}, []
    def load(self, name): return {"file": __import__(name).__name__}, []
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of the user's on the search path, as `python ~/x.py` puts it there, with a secret, a module and an installed package."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "host_of_places.py").write_text(HOST)
    place = tmp_path / "home"
    libraries = place / "libraries"  # as `pip install --target` makes it
    for folder in (
        ".ssh",
        "package_of_places",
        "libraries/installed_of_places",
        "libraries/installed-1.0.dist-info",
    ):
        (place / folder).mkdir(parents=True)
    (place / ".ssh" / "id_rsa").write_text("secret")
    (place / "package_of_places" / "__init__.py").write_text("class Binned: pass\n")
    (place / "package_of_places" / "bins.csv").write_text("1,2\n")
    (place / "module_of_places.py").write_text("class Scaled: pass\n")
    (libraries / "installed_of_places" / "__init__.py").write_text("")
    (libraries / "installed-1.0.dist-info" / "METADATA").write_text("Name: installed\nVersion: 1.0\n")
    (libraries / "installed-1.0.dist-info" / "RECORD").write_text(
        "installed_of_places/__init__.py,,\ninstalled-1.0.dist-info/RECORD,,\n../../x/y.py,,\n"
    )
    monkeypatch.syspath_prepend(str(libraries))
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def child(home):
    made = []

    def start(trusted=()):
        # imported before the fork, so that no import of the child's own lists its folders by chance
        warm = ("auditkit.sandbox.wire", "resource")
        made.append(
            Child("host_of_places:Host", Limits(), [str(home.parent / "served")], warm, trusted=trusted)
        )
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_nothing_of_the_users_is_a_place(home):
    places = of_python(sys.path)
    assert str(home) not in places
    assert [one for one in places if Path(one) in (home / "x").parents] == []
    assert str(Path(auditkit.__file__).resolve().parent) in places
    assert (
        str(Path(auditkit.__file__).resolve().parent.parent) not in places
        or "site-packages" in auditkit.__file__
    )
    assert str(home / "libraries" / "installed_of_places") in places
    assert [one for one in places if one.endswith(("x", "y.py", ".ssh", "package_of_places"))] == []


def test_a_type_brings_the_folder_of_its_package_alone(home):
    assert folders_of(["package_of_places.Binned"]) == [str(home / "package_of_places")]
    assert folders_of(["module_of_places.Scaled", "nowhere.At", "", "builtins.int"]) == []


@pytest.mark.linux
@pytest.mark.parametrize("trusted", [(), ("module_of_places.Scaled", "package_of_places.Binned")])
def test_a_child_reads_nothing_of_a_folder_on_the_search_path(home, child, trusted):
    apart = child(trusted)
    for way in ("read", "through"):
        for place in (
            home / ".ssh" / "id_rsa",
            home / "module_of_places.py",
            home.parent / "served" / ".." / "home" / ".ssh" / "id_rsa",
        ):
            with pytest.raises(Said, match="PermissionError"):
                apart.ask((way, str(place)))
    with pytest.raises(Said, match="PermissionError"):
        apart.ask(("list", str(home)))
    assert apart.ask(("read", str(home / "libraries" / "installed_of_places" / "__init__.py"))).facts == {
        "size": 0
    }
    assert apart.ask(("read", json.__file__)).facts["size"] == len(Path(json.__file__).read_bytes())


@pytest.mark.linux
def test_a_trusted_type_is_there_with_the_folder_of_its_package(home, child):
    apart = child(("module_of_places.Scaled", "package_of_places.Binned"))
    for name in ("module_of_places", "package_of_places"):
        assert apart.ask(("load", name)).facts == {"file": name}
    assert apart.ask(("read", str(home / "package_of_places" / "bins.csv"))).facts == {"size": 4}
    (home / "wave.py").write_text("it = 1 / 0")  # of the name of a module of Python's own
    strange = child()
    for name in ("wave", "installed_of_places"):
        assert strange.ask(("load", name)).facts == {"file": name}
    for name in ("module_of_places", "package_of_places"):
        with pytest.raises(Said, match="ModuleNotFoundError"):
            strange.ask(("load", name))
    with pytest.raises(Said, match="PermissionError"):
        strange.ask(("read", str(home / "package_of_places" / "bins.csv")))


ALONE = """
import json, os, socket, subprocess, sys, tempfile
from pathlib import Path
from auditkit.sandbox.opens import refuse_others
from auditkit.sandbox.places import of_python

secret, mark, told = sys.argv[1], sys.argv[2], {}
refuse_others(of_python(sys.path))
tries = {
    "open": lambda: open(secret), "bytes": lambda: open(os.fsencode(secret), "rb"), "path": lambda: Path(secret).read_text(),
    "os.open": lambda: os.open(secret, os.O_RDONLY), "listdir": lambda: os.listdir(os.path.dirname(secret)), "scandir": lambda: os.scandir(),
    "relative": lambda: open(os.path.relpath(secret)), "link": lambda: open(mark), "write": lambda: open(secret, "a"),
    "system": lambda: os.system("true"), "Popen": lambda: subprocess.Popen(["true"]), "fork": os.fork, "remove": lambda: os.remove(secret),
    "rename": lambda: os.rename(secret, secret + "2"), "mkdir": lambda: os.mkdir(secret + "d"), "kill": lambda: os.kill(os.getppid(), 0),
    "connect": lambda: socket.socket().connect(("127.0.0.1", 9)),
}
for name, one in tries.items():
    try:
        one()
        told[name] = "done"
    except BaseException as error:
        told[name] = type(error).__name__
told["own"] = len(open(json.__file__).read())
import wave, colorsys
os.write(1, json.dumps(told).encode())
"""


def test_without_landlock_the_interpreter_refuses(home):
    (home / "link").symlink_to(home / ".ssh" / "id_rsa")
    words = [sys.executable, "-c", ALONE, str(home / ".ssh" / "id_rsa"), str(home / "link")]
    done = subprocess.run(
        words, capture_output=True, check=True, cwd=home, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    )
    told = json.loads(done.stdout)
    assert told.pop("own") == len(Path(json.__file__).read_text())
    assert set(told.values()) == {"PermissionError"}, told
    assert (home / ".ssh" / "id_rsa").read_text() == "secret"
