/** A share with its interval on a line from 0 to 1, and a stroke at what it has to beat. */
import { html } from "../../core/html.js";

const WIDTH = 120;
const HEIGHT = 14;
const x = (share) => (4 + share * (WIDTH - 8)).toFixed(1);

/** @param {{value: number, low: number, high: number, mark?: number | null, label: string}} props Shares, 0 to 1. */
export function IntervalBar({ value, low, high, mark = null, label }) {
  const middle = HEIGHT / 2;
  return html`<svg class="interval" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${label}>
    <title>${label}</title>
    <line class="whole" x1=${x(0)} x2=${x(1)} y1=${middle} y2=${middle} />
    <line class="reach" x1=${x(low)} x2=${x(high)} y1=${middle} y2=${middle} />
    ${mark === null ? null : html`<line class="mark" x1=${x(mark)} x2=${x(mark)} y1="1" y2=${HEIGHT - 1} />`}
    <circle cx=${x(value)} cy=${middle} r="3.2" />
  </svg>`;
}
