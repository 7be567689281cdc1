/** One symbol: its signal, what it is worth, how old it is, and where the price stands on the way of its plan. */
import { html, useMemo, useRef } from "../../core/html.js";
import { link } from "../../core/address.js";
import { change, count, price as priceText, riskUnits, share } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { isStale, progress, SIGNAL_LIFE_MS } from "../../core/signals.js";
import { useTopic } from "../../core/store.js";
import { useDerivedFromTime } from "../../core/times.js";
import { DataBadge, SourceBadge, StaleBadge, VerdictBadge } from "../../parts/badges.js";
import { Meter } from "../../parts/meter.js";
import { Age, Countdown } from "../../parts/moments.js";
import { SignalMark } from "../../parts/signal_mark.js";
import { Sparkline } from "../../parts/sparkline.js";
import { useNearScreen } from "./near_screen.js";

const CANDLES_MS = 60_000;
// "no edge" in more words, where the rules say why: the timeframes disagree, no trend stands out from noise.
const REASON = /^Neutral: ([^.;(]{1,90}?)\s*[.;(]/;

/** @param {{symbol: string}} props */
export function Card({ symbol }) {
  const signal = useTopic(`signal:${symbol}`);
  const card = useRef(null);
  const near = useNearScreen(card);
  const stale = useDerivedFromTime((now) => Boolean(signal) && isStale(signal, now));
  const { data } = useResource(near && signal ? `ai/candles/${encodeURIComponent(symbol)}?timeframe=${signal.timeframe}&limit=60` : null,
    { everyMs: CANDLES_MS });
  // Candles that are old are not those of the signal, which may come of another source.
  const closes = useMemo(() => (data && !data.stale ? data.candles.map((candle) => candle.close) : []), [data]);
  if (!signal) return null;
  const now = closes.length ? closes[closes.length - 1] : signal.price;
  return html`<a ref=${card} class="card ${signal.side.toLowerCase()} ${stale ? "old" : ""}" href=${link("symbol", symbol)}>
    <${Head} signal=${signal} stale=${stale} />
    <div class="row">
      <${SignalMark} side=${signal.side} large />
      <span class="figure confidence">
        ${share(signal.confidence)} <small>confidence</small></span>
    </div>
    <${Worth} signal=${signal} />
    <div class="row">
      <span class="figure price">${priceText(now)}</span>
      <${Sparkline} values=${closes} label=${`The last ${closes.length} closes of ${symbol}`} />
    </div>
    <${Plan} signal=${signal} price=${now} />
  </a>`;
}

function Head({ signal, stale }) {
  return html`<div class="row head">
    <strong>${signal.symbol}</strong> <span class="aside">${signal.timeframe}</span>
    <span class="badges">${stale ? html`<${StaleBadge} />` : null}<${DataBadge} sourceData=${signal.sourceData} /><${SourceBadge}
      source=${signal.source} /></span>
    <span class="aside"><${Age} at=${signal.generatedAt} />${stale ? null : html`, expires in <${Countdown}
      until=${signal.generatedAt + SIGNAL_LIFE_MS} />`}</span>
  </div>`;
}

function Worth({ signal: { evidence, abstention, side, reasoning } }) {
  const why = REASON.exec(reasoning)?.[1] ?? abstention;
  if (!evidence) return html`<p class="aside worth">${why ?? "no plan was measured"}</p>`;
  const whose = side === "Neutral" ? `${why ?? "Neutral"}; the better side's plan came to` : "Plans like this came to";
  return html`<p class="aside worth"><${VerdictBadge} verdict=${evidence.verdict} /> ${whose} ${riskUnits(evidence.expected_r)} R
    after costs, of ${count(evidence.plans)}</p>`;
}

function Plan({ signal, price }) {
  const along = progress(signal, price);
  if (along === null) return html`<p class="aside plan">no plan: nothing to gain, nothing at risk</p>`;
  const distance = (level) => change(level / price - 1);
  const text = `Stop ${priceText(signal.stop)}, target ${priceText(signal.target)}`;
  return html`<div class="plan" title=${text}>
    <${Meter} value=${along} label=${`${text}: the price stands at ${share(along)} of the way`} mark=${progress(signal, signal.price)} tone=${signal.side.toLowerCase()} />
    <span class="aside">stop ${distance(signal.stop)}</span><span class="aside">target ${distance(signal.target)}</span>
  </div>`;
}
