/** The bodies of the requests that the view sends and shows: one home for both, so that what is shown is what works. */

// More change nothing in an analysis, and make the request hard to read.
const ANALYZED = 500;

/** Return the body of `POST /ai/analyze`; `now` in epoch ms. */
export function analyzeBody({ symbol, timeframe, file, asOf }, now) {
  const candles = file ? file.answer.candles.slice(-ANALYZED) : [];
  return {
    symbol,
    timeframe_data: file ? { [timeframe]: candles } : {},
    current_price: file ? candles.at(-1).close : 0,
    volume_24h: 0,
    timestamp: now,
    strategy_context: { selected_strategies: [] },
    ...(asOf ? { as_of: asOf } : {}),
  };
}

/** Return the body of `POST /jobs/backtest`. */
export function backtestBody({ symbol, timeframe, file }, { lane, marketTimeframe }) {
  const candles = file ? { timeframe_data: { [timeframe]: file.answer.candles } } : {};
  return { symbols: [symbol], timeframes: [timeframe ?? marketTimeframe], lane, ...candles };
}

/** Return the analysis as curl: one command for a shell, with the body within it. */
export function analyzeCurl(subject, origin, now) {
  const body = JSON.stringify(analyzeBody(subject, now), null, subject.file ? 0 : 2);
  return `curl -sS ${quoted(`${origin}ai/analyze`)} -H 'Content-Type: application/json' --data-binary @- <<'JSON'\n${body}\nJSON`;
}

/** Return the analysis in Python, by the client of `clients/python`. */
export function analyzePython({ symbol, file, asOf, timeframe }, origin) {
  const options = asOf ? `, as_of=${asOf}` : "";
  const head = `${file ? "from pathlib import Path\n\n" : ""}from trading_signal_client import Client, calls\n\n`;
  const end = "    print(analysis.signal, analysis.confidence, analysis.reasoning)";
  if (!file) return `${head}with Client(${python(origin)}) as client:\n    analysis = client.send(calls.analyze(${python(symbol)}))\n${end}`;
  const name = python(file.name || "candles.csv");
  const named = file.answer.symbols.length ? `, symbol=${python(file.answer.symbols[0])}` : "";
  return `${head}file = Path(${name})
with Client(${python(origin)}) as client:
    read = client.send(calls.read_candles(file.read_bytes(), name=file.name${named}, timeframe=${python(timeframe)}, limit=${ANALYZED}))
    candles = {${python(timeframe)}: [candle.model_dump() for candle in read.candles]}
    analysis = client.send(calls.analyze(${python(symbol)}, candles${options}))
${end}`;
}

/** Return the backtest as curl; the administrator's token comes from the shell, never from the page. */
export function backtestCurl(subject, wish, origin) {
  const body = JSON.stringify(backtestBody(subject, wish), null, subject.file ? 0 : 2);
  return `curl -sS ${quoted(`${origin}jobs/backtest`)} -H "Authorization: Bearer $ADMIN_TOKEN" -H 'Content-Type: application/json' --data-binary @- <<'JSON'\n${body}\nJSON`;
}

// A quote within single quotes ends them, is written by itself, and begins them again.
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const python = (text) => JSON.stringify(text);
