/** Lightweight Charts, told in our words: made once for a market, drawn again as data change. */
import { number, price as priceText } from "../../core/numbers.js";
import { stamp } from "../../core/times.js";
import { band, bars, levels, line, marks, volumes } from "./chart_data.js";
import { colorsOf } from "../../core/colors.js";

// Height of an indicator pane, as a share of that of the candles.
const INDICATOR_SHARE = 0.22;
const MOST_BARS = 120;
const NARROWEST_BAR = 6;

/**
 * Make a chart in an element.
 *
 * @param {object} library Of lightweight-charts.
 * @param {HTMLElement} element It fills this, and follows its size.
 * @param {"local" | "utc"} zone Of the times on the axis.
 * @param {(index: number | null) => void} onPoint Called with the candle under the pointer.
 */
export function drawing(library, element, zone, onPoint) {
  const colors = colorsOf(element);
  const chart = library.createChart(element, options(library, colors, zone));
  const price = chart.addSeries(library.CandlestickSeries, {
    upColor: colors.long, borderUpColor: colors.long, wickUpColor: colors.long,
    downColor: colors.short, borderDownColor: colors.short, wickDownColor: colors.short,
  });
  const volume = chart.addSeries(library.HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  const bandLines = ["low", "middle", "high"].map((key) => [key, chart.addSeries(library.LineSeries, {
    color: colors.accent, lineWidth: 1, lineStyle: key === "middle" ? 0 : 2, lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false,
  })]);
  const signals = library.createSeriesMarkers(price, []);
  const indicators = new Map();
  let lines = [];
  let candles = [];
  let placed = false;

  chart.subscribeCrosshairMove(({ logical }) => onPoint(logical === undefined ? null : Math.min(Math.max(0, Math.round(logical)), candles.length - 1)));

  return {
    /** Draw what has come; see `CandleChart` for its parts. */
    draw(data) {
      candles = data.candles;
      const bars_ = bars(candles);
      price.applyOptions({ priceFormat: { type: "custom", formatter: priceText, minMove: least(candles) } });
      price.setData(bars_);
      volume.setData(volumes(candles, colors));
      signals.setMarkers(marks(data.analyses, candles, data.stepMs, colors));
      const ahead = band(data.forecast, candles, data.stepMs);
      for (const [key, series] of bandLines) series.setData(ahead?.[key] ?? []);
      lines.forEach((old) => price.removePriceLine(old));
      lines = levels(data.signal, colors).map(({ title, price: level, color, dashed }) =>
        price.createPriceLine({ price: level, title, color, lineStyle: dashed ? 2 : 0, lineWidth: 1, axisLabelVisible: !dashed }));
      drawIndicators(data);
      if (!placed && candles.length) {
        const to = candles.length + (ahead ? ahead.low.length : 3) + 2;
        const shown = Math.min(MOST_BARS, Math.floor(element.clientWidth / NARROWEST_BAR) - to + candles.length);
        chart.timeScale().setVisibleLogicalRange({ from: candles.length - shown, to });
        placed = true;
      }
    },
    /** Move the crosshair to a candle. */
    point(index) {
      chart.setCrosshairPosition(candles[index].close, candles[index].timestamp / 1000, price);
      const { from, to } = chart.timeScale().getVisibleLogicalRange();
      if (index < from || index > to) chart.timeScale().setVisibleLogicalRange({ from: index - (to - from) / 2, to: index + (to - from) / 2 });
    },
    /** Return which candles are in sight, as positions among them. */
    range: () => chart.timeScale().getVisibleLogicalRange(),
    /** Return the chart as it looks with these candles in sight. */
    picture(range) {
      chart.timeScale().setVisibleLogicalRange(range);
      return chart.takeScreenshot();
    },
    remove: () => chart.remove(),
  };

  function drawIndicators({ panes, indicators: values }) {
    for (const [name, series] of indicators) {
      if (panes.includes(name)) continue;
      series.forEach((part) => chart.removeSeries(part));
      indicators.delete(name);
    }
    panes.forEach((name) => {
      if (!indicators.has(name)) indicators.set(name, PANES[name].series(library, chart, chart.panes().length, colors));
      indicators.get(name).forEach((series, index) => {
        if (PANES[name].inPrices) series.applyOptions({ priceFormat: { type: "custom", formatter: (value) => number(value), minMove: least(candles) } });
        series.setData(line(candles, values[PANES[name].columns[index]] ?? []));
      });
    });
    chart.panes().forEach((pane, index) => pane.setStretchFactor(index ? INDICATOR_SHARE : 1));
  }
}

/** The panes below the candles: their title, the columns that they draw, and how; those in prices have digits as prices do. */
export const PANES = {
  rsi: {
    title: "RSI", columns: ["rsi"],
    series: (library, chart, pane, colors) => {
      const series = chart.addSeries(library.LineSeries, {
        color: colors.accent, lineWidth: 1, priceLineVisible: false, lastValueVisible: false, autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 100 } }),
        // Its usual marks alone have a label, each at its place: the newest value, which is in the legend, would push them away.
        priceFormat: { type: "custom", formatter: (value) => number(value), tickmarksFormatter: (values) => values.map(() => ""), minMove: 0.01 },
      }, pane);
      for (const price of [30, 70]) {
        series.createPriceLine({ price, color: colors.line, lineStyle: 2, lineWidth: 1, title: "", axisLabelColor: colors.panel, axisLabelTextColor: colors.aside });
      }
      return [series];
    },
  },
  macd: {
    title: "MACD", inPrices: true, columns: ["macd_histogram", "macd", "macd_signal"],
    series: (library, chart, pane, colors) => [
      chart.addSeries(library.HistogramSeries, { color: colors.aside, priceLineVisible: false, lastValueVisible: false }, pane),
      chart.addSeries(library.LineSeries, { color: colors.long, lineWidth: 1, priceLineVisible: false, lastValueVisible: false }, pane),
      chart.addSeries(library.LineSeries, { color: colors.short, lineWidth: 1, priceLineVisible: false, lastValueVisible: false }, pane),
    ],
  },
};

function options(library, colors, zone) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    autoSize: true,
    // The logo brings a style of its own, which the security policy refuses; the foot of the page names the library.
    layout: { background: { type: library.ColorType.Solid, color: colors.panel }, textColor: colors.aside, panes: { separatorColor: colors.line }, attributionLogo: false },
    grid: { vertLines: { color: colors.raised }, horzLines: { color: colors.raised } },
    crosshair: { mode: library.CrosshairMode.Normal },
    rightPriceScale: { borderColor: colors.line, entireTextOnly: true },
    timeScale: { borderColor: colors.line, timeVisible: true, tickMarkFormatter: (time, kind) => tick(time * 1000, kind, zone) },
    localization: { timeFormatter: (time) => stamp(time * 1000, zone) },
    kineticScroll: { mouse: !still, touch: !still },
  };
}

// Kinds of marks: year, month, day, time, time with seconds.
function tick(at, kind, zone) {
  const shape = [{ year: "numeric" }, { month: "short" }, { day: "numeric", month: "short" }][kind] ?? { hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(undefined, { ...shape, ...(zone === "utc" ? { timeZone: "UTC" } : {}) }).format(at);
}

// The least distance of two prices that the chart tells apart: coins cost from a billionth to a million.
function least(candles) {
  const last = candles[candles.length - 1]?.close ?? 1;
  return 10 ** -Math.min(14, Math.max(2, 5 - Math.floor(Math.log10(last))));
}
