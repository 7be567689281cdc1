/** A bar with a value, as text beside it for readers who listen. */
import { html } from "../core/html.js";

/** @param {{value: number | null, label: string, tone?: string, mark?: number | null}} props `value` and `mark` 0 to 1. */
export function Meter({ value, label, tone = "", mark = null }) {
  const width = Math.min(Math.max(value ?? 0, 0), 1);
  return html`<svg class="meter ${tone}" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=${label}>
    <title>${label}</title>
    <rect class="track" width="100" height="6" rx="1" />
    <rect class="level" width=${100 * width} height="6" rx="1" />
    ${mark === null ? null : html`<rect class="mark" x=${100 * mark - 0.5} width="1" height="6" />`}
  </svg>`;
}
