/** One market: its candles with everything that was said about them, and why. */
import { html, useEffect, useState } from "../../core/html.js";
import { adjust, link } from "../../core/address.js";
import { ask } from "../../core/api.js";
import { useResource } from "../../core/resource.js";
import { useTopic } from "../../core/store.js";
import { DataBadge, StaleBadge } from "../../parts/badges.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { CandleChart } from "./candle_chart.js";
import { CandleTable } from "./candle_table.js";
import { PANES } from "./drawing.js";
import { Gates } from "./gates.js";
import { Headline } from "./headline.js";
import { Lanes } from "./lanes.js";
import { PastSignals } from "./past_signals.js";
import { Strategies } from "./strategies.js";

const TIMEFRAMES = { "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440 };
const CANDLES = 300;
const STEPS_AHEAD = 12;
const INDICATORS = Object.values(PANES).flatMap(({ columns }) => columns).join(",");

export function View({ subject: symbol, parameters }) {
  if (!symbol) return html`<${Empty} title="Which symbol?"><a href="#/board">Choose one on the board</a><//>`;
  // Symbols are in capitals, and typed as they come.
  const name = symbol.toUpperCase();
  return html`<${Market} key=${name} symbol=${name} parameters=${parameters} />`;
}

function Market({ symbol, parameters }) {
  const name = encodeURIComponent(symbol);
  const signal = useTopic(`signal:${symbol}`);
  const past = useResource(`ai/analyses?symbol=${name}&limit=100`, { everyMs: 5 * 60_000 });
  const timeframe = TIMEFRAMES[parameters.timeframe] ? parameters.timeframe : signal?.timeframe ?? "1h";
  return html`<div class="symbol">
    <h1>${symbol}</h1>
    ${signal ? html`<${Headline} signal=${signal} />` : html`<${NoSignal} symbol=${symbol} past=${past} />`}
    <section class="panel broad" aria-label="Candles"><${Chart} symbol=${symbol} timeframe=${timeframe} signal=${signal}
      analyses=${past.data?.analyses ?? []} parameters=${parameters} /></section>
    ${signal ? html`<div class="panels"><${Gates} signal=${signal} /><${Lanes} signal=${signal} /></div><${Strategies} signal=${signal} />` : null}
    <section class="panel"><h2>What was said before</h2><${PastSignals} resource=${past} /></section>
  </div>`;
}

function NoSignal({ symbol, past }) {
  if (past.loading) return null;
  return html`<${Empty} title="Nothing was said of ${symbol} yet">
    <a href=${`#/try?symbol=${encodeURIComponent(symbol)}`}>Analyze it now</a><//>`;
}

function Chart({ symbol, timeframe, signal, analyses, parameters }) {
  const hidden = (parameters.hide ?? "").split(",");
  const panes = Object.keys(PANES).filter((name) => !hidden.includes(name));
  const market = useResource(`ai/candles/${encodeURIComponent(symbol)}?timeframe=${timeframe}&limit=${CANDLES}&indicators=${INDICATORS}`, { everyMs: 60_000 });
  const forecast = useForecast(symbol, timeframe, market.data?.candles.at(-1)?.timestamp);
  const toggle = (name) => adjust({ hide: [...hidden, name].filter((other) => other && (other !== name || !hidden.includes(name))).join(",") || null });
  return html`
    <div class="bar" role="group" aria-label="What the chart shows">
      <nav class="options" aria-label="Timeframes">${Object.keys(TIMEFRAMES).map((each) => html`<a key=${each} href=${link("symbol", symbol, { ...parameters, timeframe: each })}
        aria-current=${each === timeframe ? "page" : undefined}>${each}</a>`)}</nav>
      ${Object.entries(PANES).map(([pane, { title }]) => html`<button key=${pane} aria-pressed=${panes.includes(pane)} onClick=${() => toggle(pane)}>${title}</button>`)}
      ${market.data ? html`<${DataBadge} sourceData=${market.data.source_data} />${market.data.stale ? html`<${StaleBadge} />` : null}` : null}
    </div>
    <${Resource} resource=${market} lines=${12} isEmpty=${(data) => data.candles.length === 0}
      empty=${html`<${Empty} title="No candles"><p>No source has ${timeframe} candles of ${symbol}.</p><//>`}>
      ${(data) => html`<${CandleChart} symbol=${symbol} timeframe=${timeframe} candles=${data.candles} indicators=${data.indicators ?? {}}
          analyses=${analyses} signal=${signal} forecast=${forecast} panes=${panes} stepMs=${TIMEFRAMES[timeframe] * 60_000} />
        <${CandleTable} symbol=${symbol} candles=${data.candles} />`}
    <//>`;
}

/** Ask for the prices ahead each time a candle has closed; null where no forecast can be given. */
function useForecast(symbol, timeframe, newest) {
  const [forecast, setForecast] = useState(null);
  useEffect(() => {
    if (!newest) return undefined;
    const leaving = new AbortController();
    ask("api/v1/ml/predict/price", { method: "POST", body: { ticker: symbol, timeframe, steps: STEPS_AHEAD }, signal: leaving.signal })
      .then(setForecast, () => setForecast(null));
    return () => leaving.abort();
  }, [symbol, timeframe, newest]);
  return forecast;
}
