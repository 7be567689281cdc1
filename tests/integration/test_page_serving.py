"""The page as browsers get it: which answer `/` gives to whom, headers, sizes, and what it may do."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import shape_a
from tests.fixtures.service import running_service

ROOT = Path(__file__).resolve().parents[2]
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "accept-encoding": "gzip"}
# What browsers send along with the requests of the page.
OWN_PAGE = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
# With the host of the page, which the test client would leave out.
SOCKET = "ws://127.0.0.1:8000/ws"
LIBRARY = "/web/vendor/htm-preact.mjs"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Of the first paint, in bytes as they are sent.
MAX_FIRST_BYTES = 100_000
MAX_LIBRARY_BYTES = {"htm-preact.mjs": 6_000, "lightweight-charts.standalone.production.mjs": 65_000}


@pytest.fixture
def client(common_client: TestClient) -> TestClient:
    return common_client


def page_of(client: TestClient) -> str:
    answer = client.get("/", headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/plain, */*"])
def test_programs_get_the_index_and_browsers_the_page(client: TestClient, accept: str) -> None:
    index = client.get("/", headers={"accept": accept})
    assert index.headers["content-type"] == "application/json"
    assert index.json()["endpoints"]["analyze"] == "/ai/analyze"
    assert page_of(client).startswith("<!doctype html>")
    # A cache between may not give one to the other.
    for answer in (index, client.get("/", headers=BROWSER)):
        assert "Accept" in answer.headers["vary"].split(", ")


def test_page_and_files_have_the_strict_policy_and_answers_of_the_api_theirs(client: TestClient) -> None:
    for path in ("/", LIBRARY, "/web/nothing.js"):
        headers = client.get(path, headers=BROWSER).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    api = client.get("/livez").headers
    assert api["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "permissions-policy" not in api


def test_the_page_holds_nothing_that_its_policy_forbids(client: TestClient) -> None:
    page = page_of(client)
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page) == []
    addresses = re.findall(r"\s(?:src|href)=\"([^\"]+)\"", page)
    assert [address for address in addresses if "//" in address] == []


@pytest.mark.parametrize("path", ["/", LIBRARY])
def test_a_browser_that_has_a_file_is_not_sent_it_again(client: TestClient, path: str) -> None:
    first = client.get(path, headers=BROWSER)
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers=BROWSER | {"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert again.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize(
    "path",
    [
        "/web/../../config.yaml",
        "/web/..%2f..%2fconfig.yaml",
        "/web/%2e%2e/%2e%2e/pyproject.toml",
        "/web/..%2fapp.py",
        "/web/%2fetc%2fpasswd",
        "/web/..%5c..%5cconfig.yaml",
        "/web/vendor/.installed",
        "/web/index.html",
        "/web/styles/page.css%00",
        "/web/",
    ],
)
def test_no_path_leads_to_another_file(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"accept-encoding": "identity"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_scripts_styles_and_licenses_have_their_types(client: TestClient) -> None:
    for path, kind in (
        (LIBRARY, "text/javascript; charset=utf-8"),
        ("/web/vendor/uPlot.min.css", "text/css; charset=utf-8"),
        ("/web/vendor/preact.LICENSE.txt", "text/plain; charset=utf-8"),
    ):
        assert client.get(path).headers["content-type"] == kind


def test_each_library_stands_beside_its_license(client: TestClient) -> None:
    for name, words in (
        ("htm", "Apache License"),
        ("preact", "MIT License"),
        ("lightweight-charts", "Apache License"),
        ("uPlot", "MIT License"),
    ):
        assert words in client.get(f"/web/vendor/{name}.LICENSE.txt").text


def test_the_libraries_have_what_the_page_imports(client: TestClient) -> None:
    script = client.get(LIBRARY).text
    exported = set(re.findall(r"(?:\w+ as )?(\w+)", script[script.rindex("export{") + len("export") :]))
    assert {"html", "render", "Component", "useState", "useEffect", "useRef", "useMemo"} <= exported
    assert "createChart" in client.get("/web/vendor/lightweight-charts.standalone.production.mjs").text[-2_000:]
    assert "uPlot as default" in client.get("/web/vendor/uPlot.esm.js").text[-100:]


def loaded_first(client: TestClient) -> dict[str, int]:
    """Return what a browser loads before the first paint, with the bytes that are sent of each."""
    sent: dict[str, int] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in sent:
            continue
        answer = client.get(path, headers=BROWSER if path == "/" else {"accept-encoding": "gzip"})
        assert answer.status_code == 200, path
        sent[path] = int(answer.headers["content-length"])
        if path == "/":
            tags = re.findall(r"<(?:script|link)\s[^>]*?(?:src|href)=\"([^\"]+)\"", answer.text)
            waiting += [urljoin(path, tag) for tag in tags if not tag.startswith("data:")]
        elif path.endswith((".js", ".mjs")):
            # Static imports alone: views and charts are imported when they are shown.
            named = re.findall(r"^\s*(?:import|export)\b[^;()]*?[\"'](\.[^\"']+)[\"']", answer.text, re.MULTILINE)
            waiting += [urljoin(path, name) for name in named]
        elif path.endswith(".css"):
            waiting += [urljoin(path, name) for name in re.findall(r"@import\s+(?:url\()?[\"']([^\"']+)", answer.text)]
    return sent


def test_the_first_paint_needs_less_than_100_kilobytes_of_files_that_the_page_names_at_once(client: TestClient) -> None:
    sent = loaded_first(client)
    assert sum(sent.values()) < MAX_FIRST_BYTES, sent
    named = {urljoin("/", address) for address in re.findall(r"(?:src|href)=\"([^\"]+)\"", page_of(client))}
    assert any(path.endswith("/views/board/board.js") for path in named)
    assert set(sent) - named == {"/"}


def test_a_file_that_the_page_names_is_kept_without_asking_again(client: TestClient) -> None:
    [address] = re.findall(r'src="([^"]+)"', page_of(client))
    script = client.get(f"/{address}")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    # A page of another release that is still open gets the present files, and nothing keeps them for its own.
    other = client.get("/web/@of-another-release/app.js")
    assert (other.content, other.headers["cache-control"]) == (script.content, "no-cache")


def test_the_newest_signals_and_candles_are_sent_packed(client: TestClient) -> None:
    client.post("/ai/analyze", json=shape_a()).raise_for_status()
    for path in ("/ai/signals", f"/ai/candles/{shape_a()['symbol']}"):
        plain = client.get(path, headers={"accept-encoding": "identity"})
        packed = client.get(path, headers={"accept-encoding": "gzip"})
        assert (packed.json(), packed.headers["content-encoding"]) == (plain.json(), "gzip")
        assert "content-encoding" not in plain.headers
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


def test_libraries_are_sent_packed(client: TestClient) -> None:
    for name, most in MAX_LIBRARY_BYTES.items():
        answer = client.get(f"/web/vendor/{name}", headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) < most
        assert answer.content == client.get(f"/web/vendor/{name}", headers={"accept-encoding": "identity"}).content
    # Answers that no page asks for again and again are not packed: that would cost each call of an engine.
    assert "content-encoding" not in client.get("/openapi.json", headers={"accept-encoding": "gzip"}).headers


def test_with_client_tokens_the_page_loads_and_the_api_asks_for_one(make_client: MakeClient) -> None:
    client = make_client(STRANGER, access={"client_tokens": ["key-of-a-client"]})
    assert page_of(client)
    assert client.get(LIBRARY).status_code == 200
    refused = client.get("/ai/performance")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert "client's token" in refused.json()["detail"]
    with_token = client.get("/ai/performance", headers={"authorization": "Bearer key-of-a-client"})
    assert with_token.status_code == 200
    with pytest.raises(WebSocketDenialResponse), client.websocket_connect(SOCKET, headers=OWN_PAGE):
        pass
    protocols = ["bearer", "key-of-a-client"]
    with client.websocket_connect(SOCKET, subprotocols=protocols, headers=OWN_PAGE) as socket:
        assert socket.receive_json()["type"] == "connection"


def test_the_own_page_may_post_and_listen(client: TestClient) -> None:
    with client.websocket_connect(SOCKET, headers=OWN_PAGE) as socket:
        assert socket.receive_json()["type"] == "connection"
        assert client.post("/ai/analyze", json=shape_a(), headers=OWN_PAGE).status_code == 200
        # It counts as trusted: its analyses are told to all who listen.
        assert socket.receive_json()["data"]["symbol"] == shape_a()["symbol"]
    assert (
        client.post("/ai/analyze", json=shape_a(), headers=OWN_PAGE | {"sec-fetch-site": "cross-site"}).status_code
        == 403
    )


def test_the_head_of_page_and_files_comes_without_a_body() -> None:
    with running_service() as service:
        for path in ("/", LIBRARY):
            answer = httpx2.head(service.url + path, headers=BROWSER)
            assert (answer.status_code, answer.content) == (200, b"")
            whole = httpx2.get(service.url + path, headers=BROWSER)
            for name in ("content-type", "content-length", "content-encoding", "etag", "vary"):
                assert answer.headers[name] == whole.headers[name]


def test_the_lock_of_the_libraries_names_no_registry_and_has_their_digests() -> None:
    text = (ROOT / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert "registry" not in text
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and not package["integrity"].startswith("sha512-")] == []
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_a_packed_file_is_the_same_each_time(client: TestClient) -> None:
    with client.stream("GET", LIBRARY, headers={"accept-encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    assert packed == gzip.compress(client.get(LIBRARY).content, mtime=0)
