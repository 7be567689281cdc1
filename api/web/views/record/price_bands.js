/** Bands of prices that were given out: the share of closes that they hold, beside the share that they are meant to hold. */
import { html } from "../../core/html.js";
import { count, percent } from "../../core/numbers.js";
import { Table } from "../../parts/table.js";
import { Empty } from "../../parts/view_state.js";
import { IntervalBar } from "./interval.js";
import { bandWords, HORIZONS } from "./words.js";

const figure = (title, value) => ({ title, number: true, value });
const COLUMNS = [
  { title: "Timeframe", value: ({ timeframe }) => timeframe },
  { title: "Ahead", value: ({ horizon }) => HORIZONS[horizon] },
  figure("Meant to hold", ({ coverage }) => percent(coverage)),
  figure("Held", (row) => html`<${Held} row=${row} />`),
  { title: "In words", wide: true, value: (row) => html`<small>${bandWords(row)}</small>` },
  figure("Stretches of as many candles", ({ stretches }) => count(stretches)),
  figure("Waiting", ({ waiting }) => count(waiting)),
  figure("Candle never came", ({ missing }) => count(missing)),
];

/** @param {{bands: object[], timeframe?: string, horizon?: string}} props `price_bands` of `ai/lanes`. */
export function PriceBands({ bands, timeframe = "", horizon = "" }) {
  const rows = bands.filter((band) => (!timeframe || band.timeframe === timeframe) && (!horizon || String(band.horizon) === horizon));
  if (!rows.length) {
    return html`<${Empty} title="No bands of prices">Forecasts of prices for 1, 4, 12 and 24 candles ahead give bands.
      Those that trusted callers are given of real, fresh candles are held against the closes that they speak of.<//>`;
  }
  return html`<${Table} caption="Bands of prices by timeframe, candles ahead and coverage" columns=${COLUMNS} rows=${rows}
      rowKey=${(row) => `${row.timeframe} ${row.horizon} ${row.coverage}`} />
    <p class="aside">Intervals are of 95 % and hold at every look; the stroke is the share that the bands are meant to hold. Bands of one
      stretch say nearly the same: the interval is that of as many outcomes as there were stretches.</p>`;
}

function Held({ row: { coverage, settled, held, share, low, high } }) {
  if (share === null) return "–";
  const range = `[${percent(low)}, ${percent(high)}]`;
  return html`${percent(share)} of ${count(settled)} <${IntervalBar} value=${share} low=${low} high=${high} mark=${coverage}
      label=${`${count(held)} of ${count(settled)} closes within their bands, ${range}; meant to hold: ${percent(coverage)}`} />
    <small>${range}</small>`;
}
