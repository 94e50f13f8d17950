"""Packages that notebooks ask for, and their licences."""

from __future__ import annotations

import nbformat.v4 as v4
import pytest

from auditkit.scanning.notebooks.installed import Installed, installed, spdx_of
from auditkit.scanning.notebooks.packages import (
    packages_in,
    packages_of_environment,
    packages_of_requirements,
)


def test_imports_and_installs_are_told_with_their_place(world):
    notebook = world.notebook(
        v4.new_code_cell("%pip install -q numpy==1.26.4 'scikit-learn>=1.5' --index-url https://x.example torch\n!conda install -y -c conda-forge lightgbm=4.5\n!pip install -r requirements.txt"),
        v4.new_code_cell("import os, numpy as np\nfrom PIL import Image\nfrom . import mine\nimport sklearn.linear_model\ntry:\n    import cupy\nexcept ImportError:\n    pass"),
        v4.new_code_cell("%%bash\npip install requests==2.31.0 && echo done"),
    )  # fmt: skip
    assert [(one.name, one.version, one.how, one.place) for one in packages_in(notebook)] == [
        ("numpy", "1.26.4", "install", "cell 1, source, line 1"),
        ("scikit-learn", "", "install", "cell 1, source, line 1"),
        ("torch", "", "install", "cell 1, source, line 1"),
        ("lightgbm", "4.5", "install", "cell 1, source, line 2"),
        ("numpy", "", "import", "cell 2, source, line 1"),
        ("PIL", "", "import", "cell 2, source, line 2"),
        ("sklearn", "", "import", "cell 2, source, line 4"),
        ("cupy", "", "import", "cell 2, source, line 6"),
        ("requests", "2.31.0", "install", "cell 3, source, line 2"),
    ]


def test_a_list_that_is_none_asks_for_nothing():
    assert packages_of_requirements("-e .\nhttps://x.example/y.whl\n???\n# numpy\n") == ()
    assert (
        packages_of_environment("- [")
        == packages_of_environment("name: x")
        == packages_of_environment("3")
        == ()
    )


def test_versions_and_licences_come_from_the_metadata_of_the_environment():
    found = installed(["numpy", "no-such-package"], ["sklearn", "no_such_module"])
    import numpy as np
    import sklearn

    assert found.versions == {"numpy": np.__version__, "scikit-learn": sklearn.__version__}
    assert found.package_of("sklearn") == "scikit-learn"
    assert found.package_of("no_such_module") == "no-such-module"
    assert Installed().package_of("cv2") == "opencv-python"
    assert "BSD-3-Clause" in found.licences["scikit-learn"]


@pytest.mark.parametrize(
    ("expression", "classifiers", "words", "spdx"),
    [
        ("MIT", [], None, "MIT"),
        (None, ["License :: OSI Approved :: Apache Software License"], None, "Apache-2.0"),
        (None, ["License :: OSI Approved :: BSD License"], "BSD 3-Clause", "BSD-3-Clause"),
        (None, ["License :: OSI Approved :: BSD License"], None, ""),
        (
            None,
            ["License :: OSI Approved :: MIT License", "License :: OSI Approved :: ISC License (ISCL)"],
            None,
            "",
        ),
        (None, [], "Copyright (c) somebody, all rights reserved", ""),
        (None, [], None, ""),
    ],
)
def test_a_licence_that_is_not_clear_is_not_guessed(expression, classifiers, words, spdx):
    assert spdx_of(expression, classifiers, words) == spdx
