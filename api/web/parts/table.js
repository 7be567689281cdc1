/** A table of rows, with a caption for readers who listen, that scrolls by itself on narrow screens. */
import { html } from "../core/html.js";

/**
 * @param {{caption: string, columns: {title: string, value: (row: any) => any, number?: boolean, wide?: boolean}[],
 *   rows: any[], rowKey: (row: any) => string, quiet?: boolean}} props `quiet` hides the caption from those who look.
 */
export function Table({ caption, columns, rows, rowKey, quiet = true }) {
  const cell = ({ number, wide }) => `${number ? "figure" : ""} ${wide ? "wide" : ""}`;
  return html`<div class="table-frame" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class=${quiet ? "hidden-visually" : ""}>${caption}</caption>
      <thead><tr>${columns.map((column) => html`<th key=${column.title} scope="col" class=${cell(column)}>${column.title}</th>`)}</tr></thead>
      <tbody>
        ${rows.map((row) => html`<tr key=${rowKey(row)}>
          ${columns.map((column) => html`<td key=${column.title} class=${cell(column)}>${column.value(row)}</td>`)}
        </tr>`)}
      </tbody>
    </table>
  </div>`;
}
