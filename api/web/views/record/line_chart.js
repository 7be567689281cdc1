/** Lines over days, drawn by uPlot, which no other view loads; a cursor by pointer or arrow keys. */
import { html, useEffect, useRef, useState, withoutLibraries } from "../../core/html.js";
import { announce } from "../../core/announce.js";
import { colorsOf } from "../../core/colors.js";
import { count } from "../../core/numbers.js";
import { usePrintedPicture } from "../../core/paper.js";
import { useTopic } from "../../core/store.js";
import { PlainLines } from "./plain_lines.js";

const HEIGHT = 280;
const STYLES = new URL("../../vendor/uPlot.min.css", import.meta.url).href;
// Lanes keep their colors and dashes, whichever of them are shown.
const COLORS = { rules: "long", model: "warn", llm: "short", blend: "good", shadow: "aside" };
const BEFORE_COSTS_DASH = [5, 4];
const DAYS_BETWEEN = [1, 2, 3, 5, 7, 14, 30, 60, 90].map((days) => days * 86_400);

/**
 * @param {{days: string[], lines: {lane: string, title: string, calls: (number | null)[], before: (number | null)[],
 *   after: (number | null)[]}[], write: (value: number) => string, label: string}} props Days are UTC, YYYY-MM-DD.
 */
export function LineChart({ days, lines, write, label }) {
  const frame = useRef(null);
  const plot = useRef(null);
  const [uPlot, setLibrary] = useState(undefined);
  const [at, setAt] = useState(null);
  const palette = useTopic("palette");
  const shown = at !== null && days[at] ? at : days.length - 1;

  useEffect(() => {
    load().then((found) => setLibrary(() => found), () => setLibrary(null));
  }, []);
  useEffect(() => {
    if (!uPlot || !frame.current) return undefined;
    plot.current = new uPlot(options(frame.current, lines, write, setAt), columns(days, lines), frame.current);
    const follow = new ResizeObserver(([{ contentRect }]) => plot.current.setSize({ width: contentRect.width, height: HEIGHT }));
    follow.observe(frame.current);
    return () => {
      follow.disconnect();
      plot.current.destroy();
    };
  }, [uPlot, palette, days, lines]);
  usePrintedPicture(frame, (stage) => {
    const printed = new uPlot(options(stage, lines, write, () => {}), columns(days, lines), stage);
    return { picture: printed.ctx.canvas, end: () => printed.destroy() };
  });

  const move = (event) => {
    const to = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: days.length - 1 }[event.key];
    if (to === undefined || !days[to]) return;
    event.preventDefault();
    setAt(to);
    plot.current?.setCursor({ left: plot.current.valToPos(seconds(days[to]), "x"), top: 0 });
    announce(`${days[to]}: ${lines.map((line) => `${line.title} ${write(line.after[to])}`).join(", ")}`);
  };
  return html`<div class="lines">
    <${Legend} day=${days[shown]} at=${shown} lines=${lines} write=${write} />
    <div class="canvas" ref=${frame} tabindex="0" role="application" aria-roledescription="chart" onKeyDown=${move}
      aria-label=${`${label}. Arrow keys speak one day after another; a table follows below.`}>
      ${uPlot === null ? html`<${PlainLines} days=${days} lines=${lines} at=${shown} write=${write} />` : null}
    </div>
    ${uPlot === null && !withoutLibraries ? html`<p class="aside">The chart library is not installed, so this chart is a plain one: <code>make
      setup</code> installs it where npm is there.</p>` : null}
  </div>`;
}

function Legend({ day, at, lines, write }) {
  return html`<ul class="legend figure" aria-label=${`On ${day}`}>
    <li><strong>${day}</strong></li>
    ${lines.map((line) => html`<li key=${line.lane}><svg class="swatch lane-${line.lane}" viewBox="0 0 20 6" aria-hidden="true"><path d="M0 3H20" /></svg>
      ${line.title} <b>${write(line.after[at])}</b> after, ${write(line.before[at])} before costs, of ${count(line.calls[at])}</li>`)}
  </ul>`;
}

/** Return uPlot with its styles; null where it is not installed. */
async function load() {
  const { default: uPlot } = await import("../../vendor/uPlot.esm.js");
  if (uPlot && !document.querySelector(`link[href="${STYLES}"]`)) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: STYLES }));
  }
  return uPlot;
}

const dayName = (moment) => new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" }).format(moment * 1000);
const seconds = (day) => Date.parse(day) / 1000;
const columns = (days, lines) => [days.map(seconds), ...lines.flatMap(({ after, before }) => [after, before])];

function options(element, lines, write, onPoint) {
  const colors = colorsOf(element);
  const axis = { stroke: colors.aside, grid: { stroke: colors.line, width: 1 }, ticks: { stroke: colors.line, width: 1 } };
  const series = (line) => {
    const stroke = colors[COLORS[line.lane]];
    return [
      { label: line.title, stroke, width: 2.5, points: { show: line.after.filter((value) => value !== null).length < 2 } },
      { label: `${line.title} before costs`, stroke, width: 1.2, dash: BEFORE_COSTS_DASH, points: { show: false } },
    ];
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [10, 16, 0, 0],
    legend: { show: false },
    // Days are UTC days, also for readers elsewhere.
    tzDate: (moment) => new Date(moment * 1000 + new Date(moment * 1000).getTimezoneOffset() * 60_000),
    cursor: { drag: { x: false, y: false }, y: false },
    axes: [{ ...axis, space: 70, incrs: DAYS_BETWEEN, values: (_, ticks) => ticks.map(dayName) }, { ...axis, size: 68, values: (_, ticks) => ticks.map(write) }],
    series: [{}, ...lines.flatMap(series)],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
}
