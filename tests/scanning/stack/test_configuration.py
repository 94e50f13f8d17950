"""Configuration: for each server what leaves it open is found in its place, the cured twin is let be, and nothing is run or told."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.scanning.stack import read_configuration
from auditkit.scanning.stack._faults import RULES

BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work

# name, text that leaves things open, the rules, and the same cured
TWINS = {
    "jupyter_server_config.py": (
        ("c = get_config()\nc.ServerApp.ip = '0.0.0.0'\nc.IdentityProvider.token = ''\nc.ServerApp.allow_origin = '*'\n"
        "c.ServerApp.disable_check_xsrf = True\nc.ServerApp.allow_root = True\n"),
        {"exposed", "no_authentication", "empty_secret", "permissive_cors", "no_xsrf", "runs_as_root"},
        "c = get_config()\nc.ServerApp.ip = '127.0.0.1'\nc.ServerApp.allow_origin = 'https://hub.here'\n",
    ),
    "jupyter_server_config.json": (
        json.dumps({"ServerApp": {"ip": "*", "token": "", "disable_check_xsrf": True}}),
        {"exposed", "no_authentication", "empty_secret", "no_xsrf"},
        json.dumps({"ServerApp": {"ip": "localhost", "port": 8888}, "version": 1}),
    ),
    "app.py": (
        ("import gradio as gr\ndemo.launch(server_name='0.0.0.0', share=True)\nray.init(dashboard_host='0.0.0.0')\n"
        "h2o.init(bind_to_localhost=False)\napp.add_middleware(CORSMiddleware, allow_origins=['*'])\nuvicorn.run(app, host='0.0.0.0')\n"),
        {"exposed", "no_authentication", "public_tunnel", "open_dashboard", "permissive_cors"},
        ("demo.launch(server_name='127.0.0.1', auth=('a', b))\nray.init()\nh2o.init()\n"
        "app.add_middleware(CORSMiddleware, allow_origins=['https://a.here'])\nuvicorn.run(app, host='localhost')\n"),
    ),
    "start.sh": (
        ("#!/bin/sh\nmlflow server --host 0.0.0.0 \\\n  --port 5000\nray start --head --dashboard-host=0.0.0.0\njupyter lab --ip=0.0.0.0 --ServerApp.token=''\n"
        "java -jar h2o.jar -port 54321\nbentoml serve service:svc --host 0.0.0.0\n"),
        {"exposed", "no_authentication", "open_dashboard", "empty_secret"},
        ("#!/bin/sh\nmlflow server --port 5000\nray start --head\njupyter lab\njava -jar h2o.jar -bind_to_localhost\nbentoml serve service:svc --host 127.0.0.1\n"
        "# mlflow server --host 0.0.0.0\n"),
    ),
    "triton.service": (
        "[Service]\nExecStart=/opt/tritonserver/bin/tritonserver --model-repository=/m --model-control-mode=explicit\n",
        {"exposed", "no_authentication", "remote_models"},
        "[Service]\nExecStart=/opt/tritonserver/bin/tritonserver --model-repository=/m --http-address=127.0.0.1 --grpc-address=127.0.0.1\n",
    ),
    "docker-compose.yml": (
        ("services:\n  tracking:\n    image: x/mlflow\n    command: mlflow server --host 0.0.0.0\n    ports: ['5000:5000']\n"
        "  notebook:\n    image: jupyter/minimal-notebook\n    environment: {JUPYTER_TOKEN: ''}\n    ports: ['0.0.0.0:8888:8888']\n"),
        {"exposed", "no_authentication", "empty_secret"},
        ("services:\n  tracking:\n    image: x/mlflow\n    command: [mlflow, server, --host, 0.0.0.0]\n    ports: ['127.0.0.1:5000:5000']\n"
        "  notebook:\n    image: jupyter/minimal-notebook\n    ports: ['[::1]:8888:8888']\n"),
    ),
    "bentoml_configuration.yaml": (
        "version: 1\napi_server:\n  http:\n    host: 0.0.0.0\n    cors:\n      enabled: true\n      access_control_allow_origins: ['*']\n",
        {"exposed", "no_authentication", "permissive_cors"},
        "version: 1\napi_server:\n  http:\n    host: 127.0.0.1\n    cors:\n      enabled: true\n      access_control_allow_origins: ['https://a.here']\n",
    ),
    "basic_auth.ini": (
        "[mlflow]\ndefault_permission = MANAGE\nadmin_username = admin\nadmin_password = password1234\n",
        {"default_password", "remote_models"},
        "[mlflow]\ndefault_permission = READ\nadmin_username = admin\nadmin_password = zebra-quokka-wombat\n",
    ),
    "Dockerfile": (
        'FROM python\nENV GRADIO_SERVER_NAME="0.0.0.0"\nCMD ["mlflow", "server", "--host", "0.0.0.0"]\n',
        {"exposed", "no_authentication"},
        'FROM python\nCMD ["mlflow", "server", "--host", "127.0.0.1"]\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TWINS)
def test_guilty_and_innocent_twins(name):
    guilty, rules, innocent = TWINS[name]
    assert {one.rule for one in read_configuration(guilty.encode(), name)} == rules
    assert read_configuration(innocent.encode(), name) == ()


def test_places_are_told():
    found = read_configuration(TWINS["start.sh"][0].encode(), "start.sh")
    assert {(one.server, one.line) for one in found} == {
        ("MLflow", 2),
        ("Ray", 4),
        ("Jupyter", 5),
        ("H2O", 6),
        ("BentoML", 7),
    }


@pytest.mark.parametrize(
    ("line", "open_"),
    [
        ("mlflow server -h 0.0.0.0 --app-name basic-auth", {"exposed"}),
        ("MLFLOW_HOST=0.0.0.0 mlflow ui", {"exposed", "no_authentication"}),
        ("MLFLOW_AUTH_ADMIN_PASSWORD=password1234 mlflow server --app-name basic-auth", {"default_password"}),
        ("MLFLOW_AUTH_ADMIN_PASSWORD=zebra-quokka mlflow server --app-name basic-auth", set()),
        ("python -m mlflow server --host ::", {"exposed", "no_authentication"}),
        ("mlflow server --host 10.0.0.5", {"exposed", "no_authentication"}),
        ("sh -c 'pip install mlflow && mlflow server --host 0.0.0.0'", {"exposed", "no_authentication"}),
        ("mlflow run . --host 0.0.0.0", {"unrecognised"}),
        ("echo started mlflow", {"unrecognised"}),
        ("gunicorn -b 0.0.0.0:5000 mlflow.server:app", {"exposed", "no_authentication"}),
        ("gunicorn --bind=127.0.0.1:5000 mlflow.server:app", set()),
        ("uvicorn app:app --host 0.0.0.0", {"exposed"}),
        ("uvicorn app:app", set()),
        ("mlflow --env-file .env server --host 0.0.0.0", {"exposed", "no_authentication"}),
        ("mlflow --env-file .env server", set()),
        ("HOST=0.0.0.0\nmlflow server --host $HOST", {"exposed", "no_authentication"}),
        ("HOST=127.0.0.1\nmlflow server --host ${HOST}", set()),
        ("jupyter-lab --LabApp.token='' --ip 0.0.0.0", {"exposed", "no_authentication", "empty_secret"}),
        ("jupyter-lab --LabApp.token=zebra --ip 127.0.0.1", set()),
        ("jupyter lab --ServerApp.allow_origin_pat='.*.'", {"permissive_cors"}),
        ("ray start --head --dashboard-host 0.0.0.0 --include-dashboard=false", set()),
        ("jupyter lab --ip 0.0.0.0 --ServerApp.token= --ServerApp.password=argon2:abc", {"exposed"}),
        ("jupyter-lab --ip=0.0.0.0", {"exposed"}),
        ("java -jar /opt/h2o.jar -hash_login -login_conf realm", {"exposed"}),
        ("GRADIO_SHARE=true gradio app.py", {"public_tunnel"}),
        ("tritonserver --model-repository /m --allow-http=false --allow-grpc=false", set()),
        (
            "mlflow server --host 0.0.0.0 --cors-allowed-origins '*'",
            {"exposed", "no_authentication", "permissive_cors"},
        ),
    ],
)
def test_lines_of_a_shell(line, open_):
    assert {one.rule for one in read_configuration(line.encode(), "run.sh")} == open_


@pytest.mark.parametrize(
    ("ports", "open_"),
    [("['5000']", True), ("['5000:5000']", True), ("['127.0.0.1:5000:5000/tcp']", False), ("[{target: 5000, published: 5000}]", True),
     ("[{target: 5000, published: 5000, host_ip: 127.0.0.1}]", False), ("[]", False)],
)  # fmt: skip
def test_the_published_port_of_a_container_decides(ports, open_):
    text = f"services:\n  a:\n    command: ray start --head --dashboard-host=0.0.0.0\n    ports: {ports}\n"
    assert bool(read_configuration(text.encode(), "compose.yaml")) is open_


@pytest.mark.parametrize(
    ("guilty", "rules", "innocent"),
    [
        ("c['ServerApp']['ip'] = '0.0.0.0'", {"exposed"}, "c['ServerApp']['ip'] = 'localhost'"),
        ("c.ServerApp.update({'ip': '0.0.0.0', 'token': ''})", {"exposed", "empty_secret", "no_authentication"}, "c.ServerApp.update(ip='127.0.0.1')"),
        ("c.update({'ServerApp': {'ip': '*'}})", {"exposed"}, "c.update({'ServerApp': {'ip': 'localhost'}})"),
        ("c.ServerApp = {'ip': '*'}", {"exposed"}, "c.ServerApp = {'ip': '::1'}"),
        ("c.ServerApp.ip: str = '0.0.0.0'", {"exposed"}, "c.ServerApp.ip: str = '127.0.0.1'"),
        ("cfg = get_config()\ncfg.ServerApp.ip = '0.0.0.0'", {"exposed"}, "cfg = get_config()\ncfg.ServerApp.ip = 'localhost'"),
        ("setattr(c.ServerApp, 'ip', '0.0.0.0')", {"exposed"}, "setattr(c.ServerApp, 'ip', 'localhost')"),
        ("c.ServerApp.token = ''\nif x:\n    c.ServerApp.token = 'y'", {"empty_secret"}, "c.ServerApp.token = 'z'\nif x:\n    c.ServerApp.token = 'y'"),
        ("c.ServerApp.allow_origin_pat = 'https?://.*'", {"permissive_cors"}, r"c.ServerApp.allow_origin_pat = r'https://.*\.here\.org'"),
        ("from ray import init\ninit(dashboard_host='0.0.0.0')", {"exposed", "open_dashboard"}, "from ray import init\ninit()"),
        ("demo.launch(**{'share': True})", {"public_tunnel", "no_authentication"}, "demo.launch(**{'share': False})"),
        ("HOST = '0.0.0.0'\ndemo.launch(server_name=HOST, auth=a)", {"exposed"}, "HOST = '127.0.0.1'\ndemo.launch(server_name=HOST)"),
        ("import os, gradio\nos.environ['GRADIO_SERVER_NAME'] = '0.0.0.0'\ndemo.launch(auth=a)", {"exposed"}, "import gradio\ndemo.launch()"),
        ("import subprocess\nsubprocess.run(['mlflow', 'server', '--host', '0.0.0.0'])", {"exposed", "no_authentication"}, "import os\nos.system('mlflow server')"),
    ],
)  # fmt: skip
def test_forms_of_python(guilty, rules, innocent):
    assert {one.rule for one in read_configuration(guilty.encode(), "a.py")} == rules
    assert read_configuration(innocent.encode(), "a.py") == ()


POD = (
    "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - image: x\n        command: ['mlflow', 'server']\n"
    "        args: ['--host', '%s']\n"
)


@pytest.mark.parametrize(
    ("name", "text", "rules"),
    [
        ("k8s.yaml", POD, {"exposed", "no_authentication"}),
        ("k8s.yaml", "---\nkind: Service\n---\n" + POD, {"exposed", "no_authentication"}),
        ("cluster.yaml", "head_start_ray_commands:\n  - ray stop\n  - ray start --head --dashboard-host=%s\n", {"exposed", "open_dashboard"}),
        ("kuberay.yaml", "spec:\n  headGroupSpec:\n    rayStartParams: {dashboard-host: '%s'}\n", {"exposed", "open_dashboard"}),
        ("a.toml", '[tool.tasks]\nserve = "mlflow server --host %s"\n', {"exposed", "no_authentication"}),
        ("a.toml", '[tool.tasks]\nserve = ["mlflow", "server", "--host", "%s"]\n', {"exposed", "no_authentication"}),
        ("a.json", '{"scripts": {"serve": "mlflow server --host %s"}}', {"exposed", "no_authentication"}),
        ("bento.yaml", "api_server:\n  host: %s\n", {"exposed", "no_authentication"}),
        ("supervisord.conf", "[program:a]\ncommand=mlflow server --host %s\n", {"exposed", "no_authentication"}),
    ],
)  # fmt: skip
def test_forms_of_data(name, text, rules):
    found = read_configuration((text % "0.0.0.0").encode(), name)
    assert {one.rule for one in found} == rules
    assert all(one.line for one in found)
    assert read_configuration((text % "127.0.0.1").encode(), name) == ()


@pytest.mark.parametrize("section", ["mlflow", "MLflow", " mlflow "])
def test_a_section_counts_however_it_is_spelled(section):
    text = f"[{section}]\nadmin_password = %s\n"
    assert [one.rule for one in read_configuration((text % "password").encode(), "a.ini")] == [
        "default_password"
    ]
    assert read_configuration((text % "zebra-quokka").encode(), "a.ini") == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("values.toml", '[server]\nhost = "0.0.0.0"\n'),
        ("values.yaml", "server: {host: 0.0.0.0}\n"),
        ("values.json", "[1, 2]"),
        ("empty.py", ""),
        ("hub.py", "c.JupyterHub.authenticator_class = 'dummy'"),
        ("part.py", "c.ServerApp.ip = '127.0.0.1'\nload_subconfig('other.py')"),
        ("name.py", "s = c.ServerApp\ns.ip = '0.0.0.0'"),
        ("computed.py", "c.ServerApp.ip = choose()"),
        ("given.py", "demo.launch(**options)\n"),
        ("ray.py", "import ray\nray.init(dashboard_host=choose())"),
        ("supervisord.ini", "[program:a]\ncommand=start-my-server\n"),
        ("Dockerfile", "FROM python\nCMD ./start\n"),
        ("pod.yaml", "spec:\n  containers:\n  - image: x/y\n    args: ['--host', '0.0.0.0']\n"),
        ("compose.yaml", "services:\n  a: {command: mlflow server}\n  b: {image: x/y, ports: ['80:80']}\n"),
    ],
)
def test_what_is_not_recognised_is_never_clean(name, text):
    found = read_configuration(text.encode(), name)
    assert {one.rule for one in found} == {"unrecognised"}
    assert all(one.unknown for one in found)
    assert "MLflow" in found[0].cure


def test_a_service_that_nobody_reaches_is_let_be():
    text = "services:\n  a: {command: mlflow server}\n  b: {image: postgres}\n"
    assert read_configuration(text.encode(), "compose.yaml") == ()


@pytest.mark.parametrize("length", [2_000, 20_000])
def test_a_long_line_of_flags_is_read(length):
    line = "mlflow" + " -a b" * length + " -c" * length
    assert [one.rule for one in read_configuration(line.encode(), "run.sh")] == ["unrecognised"]


def test_nothing_is_run(tmp_path):
    marker = tmp_path / "ran"
    text = f"open({str(marker)!r}, 'w')\nc.ServerApp.ip = __import__('os').environ['X']\nc.ServerApp.token = f''\n"
    read_configuration(text.encode(), "jupyter_server_config.py")
    read_configuration(f"touch {marker}; $(touch {marker}); `touch {marker}`".encode(), "run.sh")
    read_configuration(f"a: !!python/object/apply:os.system ['touch {marker}']".encode(), "compose.yml")
    assert not marker.exists()


def test_no_value_of_a_setting_is_told():
    text = "c.ServerApp.ip = '0.0.0.0'\nc.ServerApp.token = ''\nc.ServerApp.password = ''\nc.ServerApp.certfile = 'zebra'\n"
    found = read_configuration(text.encode(), "jupyter_server_config.py") + read_configuration(b"mlflow server --host 0.0.0.0 --backend-store-uri postgres://u:quokka@h", "a.sh")  # fmt: skip
    assert found
    assert not any(
        word in repr(found) + "".join(one.says + one.cure for one in found) for word in ("zebra", "quokka")
    )


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"def (", "a.py"),
        (b"{", "a.json"),
        (b"a: [", "a.yaml"),
        (b"[mlflow]\n x", "a.ini"),
        (b"\0\1", "a.sh"),
        (b"(" * 10_000, "a.py"),
    ],
)
def test_what_cannot_be_read_is_told(content, name):
    assert [one.rule for one in read_configuration(content, name)] == ["unread"]


def test_aliases_of_aliases_are_refused():
    bomb = b"a: &a [x]\n" + b"\n".join(b"b%d: &b%d [%s]" % (i, i, b",".join([b"*a"] * 30)) for i in range(9))
    assert [one.rule for one in read_configuration(bomb, "a.yaml")] == ["unread"]


@BUSY
@given(
    st.binary(max_size=300),
    st.sampled_from(["a.py", "a.json", "a.yaml", "a.ini", "a.sh", "Dockerfile", "x.service"]),
)
def test_any_file_is_survived(content, name):
    assert all(one.rule in RULES for one in read_configuration(content, name))


@BUSY
@given(
    st.lists(
        st.sampled_from(
            [
                "mlflow",
                "server",
                "--host",
                "0.0.0.0",
                "'",
                '"',
                "&&",
                "ray",
                "start",
                "=",
                "\n",
                "sh -c",
                "\\",
            ]
        ),
        max_size=20,
    )
)
def test_any_line_is_survived(words):
    read_configuration(" ".join(words).encode(), "run.sh")
