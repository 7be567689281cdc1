"""An operator's client: shows what the running service stores, does and costs, and clears its cache.

    .venv/bin/python examples/look_after_service.py --clear-cache

The administrator's token is that of ADMIN_TOKEN, or the one in the file that the service names when it starts.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from trading_signal_client import Client, Problem, calls, read_admin_token


def main() -> None:
    """Read the statistics and print them."""
    parser = argparse.ArgumentParser(description="Show what the service stores, does and costs.")
    parser.add_argument("--url", default=os.environ.get("SIGNALS_URL", "http://127.0.0.1:8000"))
    parser.add_argument("--token-file", type=Path, default=Path("data/admin_token"))
    parser.add_argument("--clear-cache", action="store_true", help="Remove the cached analyses.")
    arguments = parser.parse_args()
    with Client(arguments.url, token=read_admin_token(arguments.token_file)) as client:
        stats = client.send(calls.storage_stats())
        print(f"cached analyses  {stats.total_analyses}, of {stats.symbols_analyzed} symbols, in {stats.store}")
        jobs = client.send(calls.jobs()).jobs
        print(f"jobs             {', '.join(f'{job.kind} {job.status}' for job in jobs) or 'none'}")
        print(f"LLM today        {client.send(calls.costs()).today.total_cost_usd:.4f} USD")
        if arguments.clear_cache:
            print(f"cleared          {client.send(calls.clear_cache()).cleared_analyses}")


if __name__ == "__main__":
    try:
        main()
    except Problem as error:
        sys.exit(f"the service refused: {error.detail}")
    except httpx2.TransportError as error:
        sys.exit(f"the service cannot be reached: {error}; start it with `make run`, or name its address with --url")
    except (OSError, ValueError) as error:
        sys.exit(f"no admin token: {error}; set ADMIN_TOKEN or name the file with --token-file")
