/** The levels of a signal in a plain chart: a line each, and its name and price apart from those of the next. */
import { html } from "../../core/html.js";
import { price as priceText } from "../../core/numbers.js";
import { levels } from "./chart_data.js";

const CLASSES = { aside: "aside", bad: "bad", good: "good", accent: "accent" };
const LINE_HEIGHT = 14;

/** @param {{signal: object | null, y: (price: number) => number, plot: {width: number, height: number}}} props */
export function PlainLevels({ signal, y, plot }) {
  const lines = levels(signal, CLASSES)
    .map((level) => ({ ...level, at: y(level.price) }))
    .sort((one, other) => one.at - other.at);
  let free = LINE_HEIGHT;
  return lines.map(({ title, price, color, dashed, at }) => {
    // A name stands on its line, or as far below it as those above need.
    const foot = Math.max(at - 3, free);
    free = foot + LINE_HEIGHT;
    return html`<g key=${title + price} class="level ${color} ${dashed ? "dashed" : ""}">
      <line x1="0" x2=${plot.width} y1=${at} y2=${at} /><text x="4" y=${foot}>${title} ${priceText(price)}</text></g>`;
  });
}
