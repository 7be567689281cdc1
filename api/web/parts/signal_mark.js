/** A side in word, shape and color: no one of them alone carries it. */
import { html } from "../core/html.js";

const SHAPES = {
  Long: "M8 2 15 14H1Z",
  Short: "M8 14 1 2h14Z",
  Neutral: "M2 5.5h12v5H2Z",
};

/** @param {{side: "Long" | "Short" | "Neutral", word?: boolean, large?: boolean}} props */
export function SignalMark({ side, word = true, large = false }) {
  return html`<span class="signal ${side.toLowerCase()} ${large ? "large" : ""}">
    <svg viewBox="0 0 16 16" aria-hidden="true"><path d=${SHAPES[side]} /></svg>
    ${word ? side : html`<span class="hidden-visually">${side}</span>`}
  </span>`;
}
