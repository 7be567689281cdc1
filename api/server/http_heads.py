"""Heads of requests, as the parser gives them."""

from __future__ import annotations

from collections.abc import Iterable

import httptools

Headers = Iterable[tuple[bytes, bytes]]


def new_parser(protocol: object) -> httptools.HttpRequestParser:
    """Return a parser that calls the protocol, set up as uvicorn does."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def announces_body(headers: Headers) -> bool:
    """Return whether a body follows."""
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


def without_upgrade(parser: httptools.HttpRequestParser, url: bytes, headers: Headers) -> bytes:
    """Return the bytes of the head that the parser has read, except that it asks for no other protocol."""
    first = b"%b %b HTTP/%b" % (parser.get_method(), url, parser.get_http_version().encode())
    return b"\r\n".join([first, *(name + b": " + value for name, value in headers if name != b"upgrade"), b"\r\n"])
