"""A client: posts candles to the running service and receives the signal on the socket too.

    .venv/bin/python examples/post_candles.py BTCUSDT-1h.csv.gz

The file is any export of candles (docs/files.md), whose market is the one that it or its name tells, or `--symbol`;
longer timeframes are made from it. Run it twice: the second answer is [RECENT]. Of a file that ended long ago the
answer is no news: it comes without the socket, and is made anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx2
import websockets
from websockets.exceptions import WebSocketException

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from commands.candles.reading import market_of
from domain.errors import AppError
from domain.market import CandleSeries
from domain.values import epoch_ms
from features.candle_reading.reading import read_candles
from features.candle_reading.writing import COLUMNS
from services.market_data.longer_timeframes import higher_timeframes
from utils.clock import SystemClock

CANDLES = 250
# Older ones are no news, see docs/api.md.
OLD_CANDLES = 2


def request_body(symbol: str, base: CandleSeries) -> dict[str, Any]:
    """Return the request that an engine sends for its dashboard."""
    frames = {
        str(timeframe): [{name: getattr(c, name) for name in COLUMNS} for c in series.candles[-CANDLES:]]
        for timeframe, series in higher_timeframes(base, count=2).items()
    }
    day = 86_400_000 // base.timeframe.ms
    return {
        "symbol": symbol,
        "timeframe_data": frames,
        "current_price": base.candles[-1].close,
        "volume_24h": sum(c.volume for c in base.candles[-day:]),
        "timestamp": epoch_ms(SystemClock().now()),
        "strategy_context": {"market_condition": "Unknown", "risk_level": "Moderate"},
    }


def show(title: str, signal: dict[str, Any]) -> None:
    """Print the signal, its levels and its reasons."""
    risk = signal["risk_assessment"]
    print(f"\n{title}")
    print(f"  signal      {signal['signal']}  (confidence {signal['confidence']:.2f})")
    print(f"  stop loss   {risk['stop_loss_suggestion']}")
    print(f"  take profit {risk['take_profit_suggestion']}")
    print(f"  reasoning   {signal['reasoning']}")


async def main() -> None:
    """Subscribe, post, and print both answers."""
    parser = argparse.ArgumentParser(description="Post candles to the service and watch the signal arrive.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--symbol", help="the market, if neither the file nor its name tells it")
    parser.add_argument("--url", default=os.environ.get("SIGNALS_URL", "http://127.0.0.1:8000"))
    arguments = parser.parse_args()
    read = read_candles(arguments.file, epoch_ms(SystemClock().now()))
    symbol, base = market_of(read, arguments.file, arguments.symbol), read.series
    body = request_body(symbol, base)
    socket_url = arguments.url.replace("http", "ws", 1) + "/ws"
    token = os.environ.get("SIGNALS_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        websockets.connect(socket_url, additional_headers=headers) as socket,
        httpx2.AsyncClient(base_url=arguments.url, headers=headers) as client,
    ):
        await socket.recv()  # the welcome
        await socket.send(json.dumps({"type": "subscribe", "symbols": [symbol]}))
        await socket.recv()  # its acknowledgment
        response = await client.post("/ai/analyze", json=body)
        if response.is_error:
            sys.exit(f"the service refused: {response.json()['detail']}")
        answer = response.json()
        show(f"POST /ai/analyze answered for {symbol} ({', '.join(body['timeframe_data'])})", answer)
        if answer["data_age_seconds"] * 1000 > OLD_CANDLES * base.timeframe.ms:
            print("\nThe candles are old, so nothing is broadcast: a file that ends now shows its signal on /ws.")
            return
        async with asyncio.timeout(10):
            event = json.loads(await socket.recv())
            # the service's own loop may broadcast this symbol at the same moment
            while event["data"]["analysis_id"] != answer["analysis_id"]:
                event = json.loads(await socket.recv())
        show(f"/ws received the same analysis as {event['type']}", event["data"])


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except AppError as error:
        sys.exit(error.message)
    except TimeoutError:
        sys.exit("the answer came, but the socket did not show its signal within 10 s")
    except WebSocketException as error:
        sys.exit(f"the service refused the socket: {error}")
    except (OSError, httpx2.TransportError) as error:
        sys.exit(f"the service cannot be reached: {error}; start it with `make run`, or name its address with --url")
