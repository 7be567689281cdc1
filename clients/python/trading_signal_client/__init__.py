"""Typed client of the trading signal service."""

from trading_signal_client import answers, calls
from trading_signal_client.clients import AsyncClient, Client
from trading_signal_client.decisions import Decision, decide
from trading_signal_client.problems import Problem
from trading_signal_client.signatures import verify_signature
from trading_signal_client.tokens import read_admin_token

__all__ = [
    "AsyncClient",
    "Client",
    "Decision",
    "Problem",
    "answers",
    "calls",
    "decide",
    "read_admin_token",
    "verify_signature",
]
