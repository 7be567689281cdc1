/** Lines of SVG alone, for installations without the chart library. */
import { html } from "../../core/html.js";

const WIDTH = 960;
const HEIGHT = 280;

/** @param {{lines: {lane: string, before: (number | null)[], after: (number | null)[]}[], count: number}} props Days. */
export function PlainLines({ lines, count }) {
  const every = lines.flatMap(({ before, after }) => [...before, ...after]).filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...every), Math.max(0, ...every)];
  const y = (value) => HEIGHT - 8 - ((value - low) / (high - low || 1)) * (HEIGHT - 16);
  const x = (index) => 4 + (index / Math.max(1, count - 1)) * (WIDTH - 8);
  const path = (values) => {
    const points = values.map((value, index) => (value === null ? null : `${x(index).toFixed(1)} ${y(value).toFixed(1)}`));
    return `M${points.filter(Boolean).join("L")}`;
  };
  return html`<svg class="plain-lines" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">
    <line x1="0" x2=${WIDTH} y1=${y(0)} y2=${y(0)} />
    ${lines.map((line) => html`<g key=${line.lane} class="lane-${line.lane}"><path d=${path(line.after)} /><path class="before" d=${path(line.before)} /></g>`)}
  </svg>`;
}
