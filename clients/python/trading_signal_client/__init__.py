"""Typed client of the trading signal service."""

from trading_signal_client import answers, calls
from trading_signal_client.clients import AsyncClient, Client
from trading_signal_client.problems import Problem

__all__ = ["AsyncClient", "Client", "Problem", "answers", "calls"]
