/** Lines of SVG alone, for installations without the chart library. */
import { html, useRef } from "../../core/html.js";
import { useSize } from "../../core/size.js";

const HEIGHT = 280;
const EDGE = 8;
const AXIS_WIDTH = 68;
const AXIS_HEIGHT = 20;

/**
 * @param {{days: string[], lines: {lane: string, before: (number | null)[], after: (number | null)[]}[], at: number,
 *   write: (value: number) => string}} props `at` is the day that is looked at.
 */
export function PlainLines({ days, lines, at, write }) {
  const frame = useRef(null);
  const { width } = useSize(frame);
  const every = lines.flatMap(({ before, after }) => [...before, ...after]).filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...every), Math.max(0, ...every)];
  const y = (value) => HEIGHT - AXIS_HEIGHT - EDGE - ((value - low) / (high - low || 1)) * (HEIGHT - AXIS_HEIGHT - 2 * EDGE);
  const x = (index) => AXIS_WIDTH + (index / Math.max(1, days.length - 1)) * (width - AXIS_WIDTH - EDGE);
  const path = (values) => {
    const points = values.flatMap((value, index) => (value === null ? [] : [`${x(index).toFixed(1)} ${y(value).toFixed(1)}`]));
    return points.length ? `M${points.join("L")}` : "";
  };
  return html`<svg class="plain-lines" ref=${frame} viewBox="0 0 ${Math.max(1, width)} ${HEIGHT}" aria-hidden="true">
    ${[...new Set([low, 0, high])].map((value) => html`<g key=${value}><line x1=${AXIS_WIDTH} x2=${width} y1=${y(value)} y2=${y(value)} />
      <text x=${AXIS_WIDTH - 6} y=${y(value) + 4} text-anchor="end">${write(value)}</text></g>`)}
    <text x=${AXIS_WIDTH} y=${HEIGHT - 4}>${days[0]}</text><text x=${width - EDGE} y=${HEIGHT - 4} text-anchor="end">${days[days.length - 1]}</text>
    <line x1=${x(at)} x2=${x(at)} y1="0" y2=${HEIGHT - AXIS_HEIGHT} />
    ${lines.map((line) => html`<g key=${line.lane} class="lane-${line.lane}"><path d=${path(line.after)} /><path class="before" d=${path(line.before)} />
      ${line.after[at] === null ? null : html`<circle cx=${x(at)} cy=${y(line.after[at])} r="3.5" />`}</g>`)}
  </svg>`;
}
