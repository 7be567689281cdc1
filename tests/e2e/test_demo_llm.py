"""`cli.py serve --demo-llm`: the LLM's path without a key, and everything says that it is a demonstration."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from demo import behaviors
from demo.openai_server import FakeOpenAI, serving
from tests.fixtures.bodies import shape_a
from tests.fixtures.commands import forked_command
from tests.fixtures.llm_clients import KEYS
from tests.fixtures.service import running_service

DEMO = ("cli.py", "serve", "--port", "{port}", "--demo-llm")


def test_the_demonstration_answers_without_a_key_and_says_what_it_is() -> None:
    # A real key must not be sent to the demonstration, nor money counted.
    with running_service(*DEMO, OPENAI_API_KEY=KEYS[0]) as service:
        answer = service.post("/ai/analyze", json=shape_a(seed=5, drift=0.35)).json()
        health = service.get("/health").json()
        service.stop()
        output = service.output
    told = answer["source"], answer["model_type"], answer["cost_usd"]
    assert told == ("llm", "demo-gpt", 0.0), answer["fallback_reason"]
    assert "Demonstration by simple rules" in answer["reasoning"]
    assert (health["gpt4_available"], health["api_key_configured"]) == (True, False)
    assert "DEMONSTRATION: demo-gpt at http://127.0.0.1:" in output
    assert KEYS[0][:8] not in output


def check(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return forked_command("llm", "check", *options, environment={"PATH": os.environ["PATH"]} | environment)


def test_check_says_what_came_of_one_call_and_books_it(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/store.db", "OPENAI_API_KEY": KEYS[0]}
    with serving(fake) as url:
        done = check(OPENAI_BASE_URL=url, **environment)
        assert done.returncode == 0, done.stderr
        assert f"endpoint  {url}\nmodel     demo-gpt\nanswer    " in done.stdout
        with_password = url.replace("//", "//user:hidden@")
        document = json.loads(check("--json", OPENAI_BASE_URL=with_password, **environment).stdout)
        assert (document["endpoint"], document["model"]) == (url, "demo-gpt")
        assert document["answer"]
        fake.always = behaviors.unauthorized
        refused = check("--json", OPENAI_BASE_URL=url, **environment)
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        calls = [json.loads(text) for (text,) in connection.execute("SELECT document FROM llm_calls")]
    assert [call["purpose"] for call in calls] == ["probe", "probe"]
    assert all(call["cost_nano_usd"] > 0 for call in calls)
    assert refused.returncode == 2
    assert (refused.stdout, refused.stderr.count("\n")) == ("", 1)
    assert "check OPENAI_API_KEY" in refused.stderr
    assert KEYS[0][:8] not in done.stdout + done.stderr + refused.stdout + refused.stderr
    assert len(fake.asked) == 3


def test_a_proxy_that_cannot_be_used_is_named_in_one_line() -> None:
    refused = check(OPENAI_API_KEY=KEYS[0], ALL_PROXY="socks5://127.0.0.1:9")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ALL_PROXY, HTTP_PROXY or HTTPS_PROXY: SOCKS needs the package socksio")
    assert refused.stderr.count("\n") == 1


def test_check_without_an_llm_says_what_is_needed() -> None:
    done = check()
    assert (done.returncode, done.stderr) == (
        2,
        "error: no LLM is configured: set OPENAI_API_KEY or OPENAI_BASE_URL\n",
    )
