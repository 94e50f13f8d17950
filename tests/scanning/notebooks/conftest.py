"""Notebooks for the scan, with and without what it looks for. Every token is built here, when the tests run: none stands in the repository."""

from __future__ import annotations

import base64
import html
import json
import random
import string

import nbformat.v4 as v4
import pytest

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = LOWER + UPPER + DIGITS
HEX = DIGITS + "abcdef"


def drawn(rng, letters, size):
    """Return letters at random, a digit and two cases among them where there are such."""
    while True:
        word = "".join(rng.choice(letters) for _ in range(size))
        wants = [group for group in (LOWER, UPPER, DIGITS) if set(group) & set(letters)]
        if all(set(group) & set(word) for group in wants) and len(set(word)) > min(size, len(letters)) / 3:
            return word


def unpadded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def key_block(rng):
    lines = [drawn(rng, ALNUM + "+/", 64) for _ in range(6)]
    return "\n".join(["-----BEGIN " + "RSA PRIVATE KEY-----", *lines, "-----END " + "RSA PRIVATE KEY-----"])


def planted(seed):
    """Return a line and the secret in it, for every plugin type of detect-secrets."""
    rng = random.Random(seed)

    def d(letters, size):
        return drawn(rng, letters, size)

    secret = {
        "Artifactory Credentials": "AKC" + d(ALNUM, 20),
        "AWS Access Key": "AKIA" + d(UPPER + DIGITS, 16),
        "Azure Storage Account access key": d(ALNUM + "+/", 86) + "==",
        "Basic Auth Credentials": d(ALNUM, 14),
        "Cloudant Credentials": d(HEX, 64),
        "Discord Bot Token": "M" + d(ALNUM, 23) + "." + d(ALNUM, 6) + "." + d(ALNUM, 27),
        "GitHub Token": "ghp" + "_" + d(ALNUM, 36),
        "GitLab Token": "glpat" + "-" + d(ALNUM, 20),
        "Base64 High Entropy String": d(ALNUM + "+/", 40),
        "Hex High Entropy String": d(HEX, 48),
        "IBM Cloud IAM Key": d(ALNUM + "_-", 44),
        "IBM COS HMAC Credentials": d(HEX, 48),
        "Public IP (ipv4)": f"52.{rng.randint(30, 90)}.{rng.randint(100, 250)}.{rng.randint(100, 250)}",
        "JSON Web Token": ".".join(["ey" + unpadded({"alg": "HS256", "typ": "JWT"})[2:], unpadded({"sub": d(DIGITS, 10)}), d(ALNUM, 43)]),
        "Secret Keyword": d(LOWER + DIGITS, 9) + "!" + d(ALNUM, 4),
        "Mailchimp Access Key": d(HEX, 32) + "-us" + str(rng.randint(1, 20)),
        "NPM tokens": "npm" + "_" + d(ALNUM, 36),
        "OpenAI Token": "sk-" + d(ALNUM, 20) + "T3Blbk" + "FJ" + d(ALNUM, 20),
        "Private Key": key_block(rng),
        "PyPI Token": "pypi-AgEIcHlwa" + "S5vcmc" + d(ALNUM + "_-", 90),
        "SendGrid API Key": "SG" + "." + d(ALNUM, 22) + "." + d(ALNUM, 43),
        "Slack Token": "xoxb" + "-" + d(DIGITS, 12) + "-" + d(DIGITS, 12) + "-" + d(ALNUM, 24),
        "SoftLayer Credentials": d(LOWER + DIGITS, 64),
        "Square OAuth Secret": "sq0csp" + "-" + d(ALNUM + "_", 43),
        "Stripe Access Key": "sk_" + "live_" + d(ALNUM, 24),
        "Telegram Bot Token": d("123456789", 9) + ":" + d(ALNUM, 35),
        "Twilio API Key": "SK" + d(LOWER + DIGITS, 32),
    }  # fmt: skip
    lines = {
        "Azure Storage Account access key": 'store = "AccountKey={}"',
        "Basic Auth Credentials": 'db = "postgresql://svc:{}@db.internal:5432/x"',
        "Cloudant Credentials": 'cloudant_password = "{}"',
        "IBM Cloud IAM Key": 'ibm_cloud_iam_key = "{}"',
        "IBM COS HMAC Credentials": 'cos_hmac_secret_access_key = "{}"',
        "NPM tokens": 'npmrc = "//registry.example/:_authToken={}"',
        "Private Key": 'pem = """{}"""',
        "Secret Keyword": 'db_password = "{}"',
        "SoftLayer Credentials": 'softlayer_api_key = "{}"',
    }
    return {kind: (lines.get(kind, 'value = "{}"').format(value), value) for kind, value in secret.items()}


def coloured(text):
    """Return text as a traceback of IPython shows it: signs in another colour than names."""
    return "".join(f"\x1b[38;5;241m{one}\x1b[39m" if one in "=.:-_" else one for one in text)


def table(name, *values):
    cells = "".join(f"<tr><th>{n}</th><td>{html.escape(one)}</td></tr>" for n, one in enumerate(values))
    return f'<table border="1"><thead><tr><th></th><th>{html.escape(name)}</th></tr></thead><tbody>{cells}</tbody></table>'


PLACES = {
    "source": lambda line: v4.new_code_cell(line),
    "markdown": lambda line: v4.new_markdown_cell(f"Some words.\n\n    {line}\n"),
    "raw": lambda line: v4.new_raw_cell(line),
    "stream": lambda line: v4.new_code_cell("run()", outputs=[v4.new_output("stream", name="stderr", text=f"starting\n{line}\ndone\n")]),
    "error": lambda line: v4.new_code_cell("run()", outputs=[v4.new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[0;31m---\x1b[0m", f"----> 1 {coloured(line)}"])]),
    "table": lambda line: v4.new_code_cell("frame", outputs=[v4.new_output("execute_result", execution_count=1, data={"text/html": table("line", line), "text/plain": "a table"})]),
    "json": lambda line: v4.new_code_cell("answer", outputs=[v4.new_output("display_data", data={"application/json": {"body": [line]}, "text/plain": "<JSON>"})]),
    "metadata": lambda line: v4.new_code_cell("x = 1", metadata={"tags": ["a"], "notes": {"body": line}}),
    "attachment": lambda line: v4.new_markdown_cell("![](attachment:a.txt)", attachments={"a.txt": {"text/plain": base64.b64encode(line.encode()).decode()}}),
    "long": lambda line: v4.new_code_cell("show()", outputs=[v4.new_output("display_data", data={"text/html": "<div>" + "lorem ipsum " * 400 + html.escape(line) + " dolor" * 500 + "</div>"})]),
}  # fmt: skip


def notebook(*cells, **metadata):
    made = v4.new_notebook(cells=list(cells), metadata={"language_info": {"name": "python"}, **metadata})
    return json.loads(json.dumps(made))


@pytest.fixture(scope="session")
def world():
    """What tests of the scan make notebooks with."""

    class World:
        PLACES, planted, notebook, table, coloured, drawn = PLACES, staticmethod(planted), staticmethod(notebook), staticmethod(table), staticmethod(coloured), staticmethod(drawn)  # fmt: skip

    return World
