/** A small line of closes, drawn as SVG. */
import { html } from "../core/html.js";

const WIDTH = 120;
const HEIGHT = 32;

/** @param {{values: number[], label: string}} props At least two values are needed for a line. */
export function Sparkline({ values, label }) {
  if (!values || values.length < 2) return html`<svg class="sparkline" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" />`;
  const low = Math.min(...values);
  const height = Math.max(...values) - low || 1;
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * (WIDTH - 4) + 2;
    const y = HEIGHT - 3 - ((value - low) / height) * (HEIGHT - 6);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const [x, y] = points[points.length - 1].split(" ");
  return html`<svg class="sparkline" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${label}>
    <path d=${`M${points.join("L")}`} /><circle cx=${x} cy=${y} r="2" />
  </svg>`;
}
