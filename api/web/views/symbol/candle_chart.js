/** Candles with their volume, indicators, past signals, levels and the band ahead; by keyboard too. */
import { html, useEffect, useRef, useState, withoutLibraries } from "../../core/html.js";
import { announce } from "../../core/announce.js";
import { usePrintedPicture } from "../../core/paper.js";
import { useTopic } from "../../core/store.js";
import { stamp } from "../../core/times.js";
import { Legend } from "./legend.js";
import { spoken } from "./chart_data.js";
import { drawing } from "./drawing.js";
import { PlainChart } from "./plain_chart.js";

/**
 * @param {{symbol: string, timeframe: string, candles: object[], indicators: Record<string, (number | null)[]>,
 *   analyses: object[], signal: object | null, forecast: object | null, panes: string[], stepMs: number}} props
 *   `panes` are the indicator panes that are open.
 */
export function CandleChart(props) {
  const { symbol, timeframe, candles } = props;
  const frame = useRef(null);
  const chart = useRef(null);
  const [library, setLibrary] = useState(undefined);
  const [at, setAt] = useState(null);
  const palette = useTopic("palette");
  const zone = useTopic("zone", "local");

  useEffect(() => {
    import("../../vendor/lightweight-charts.standalone.production.mjs").then(
      (found) => setLibrary(found.createChart ? found : null), () => setLibrary(null));
  }, []);
  useEffect(() => {
    if (!library || !frame.current) return undefined;
    chart.current = drawing(library, frame.current, zone, setAt);
    return () => chart.current.remove();
  }, [library, palette, zone, symbol, timeframe]);
  useEffect(() => chart.current?.draw(props), [library, palette, zone, candles, props.analyses, props.signal, props.forecast, props.panes]);
  usePrintedPicture(frame, (stage) => {
    const printed = drawing(library, stage, zone, () => {});
    printed.draw(props);
    return { picture: printed.picture(chart.current.range()), end: printed.remove };
  });

  const shown = at !== null && candles[at] ? at : candles.length - 1;
  const move = (event) => {
    const to = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: candles.length - 1 }[event.key];
    if (to === undefined || !candles[to]) return;
    event.preventDefault();
    setAt(to);
    chart.current?.point(to);
    announce(spoken(candles[to], stamp(candles[to].timestamp)));
  };
  const label = `${symbol} ${timeframe} candles. Arrow keys speak one candle after another; a table follows below.`;
  return html`<div class="chart">
    <${Legend} candle=${candles[shown]} index=${shown} indicators=${props.indicators} panes=${props.panes} />
    <div class="canvas" ref=${frame} tabindex="0" role="application" aria-roledescription="chart" aria-label=${label} onKeyDown=${move}>
      ${library === null ? html`<${PlainChart} ...${props} at=${at} onPoint=${setAt} />` : null}
    </div>
    ${library === null && !withoutLibraries ? html`<p class="aside">The chart library is not installed, so this chart is a plain one: <code>make
      setup</code> installs it where npm is there.</p>` : null}
  </div>`;
}
