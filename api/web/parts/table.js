/**
 * A table of rows, with a caption for readers who listen, that scrolls by itself. On narrow screens the rows of a broad one
 * are written one cell below another, each with its title.
 */
import { html } from "../core/html.js";

const MOST_BESIDE = 3;

/**
 * @param {{caption: string, columns: {title: string, value: (row: any) => any, number?: boolean, wide?: boolean}[],
 *   rows: any[], rowKey: (row: any) => string, quiet?: boolean}} props `quiet` hides the caption from those who look.
 */
export function Table({ caption, columns, rows, rowKey, quiet = true }) {
  const cell = ({ number, wide }) => `${number ? "figure" : ""} ${wide ? "wide" : ""}`;
  const broad = columns.length > MOST_BESIDE || columns.some(({ wide }) => wide);
  // Cells that stand below one another are no table to browsers any more: the roles keep it one for those who listen.
  return html`<div class="table-frame ${broad ? "stacks" : ""}" tabindex="0" role="region" aria-label=${caption}>
    <table role="table">
      <caption class=${quiet ? "hidden-visually" : ""}>${caption}</caption>
      <thead role="rowgroup"><tr role="row">${columns.map((column) => html`<th key=${column.title} role="columnheader" scope="col" class=${cell(column)}>${column.title}</th>`)}</tr></thead>
      <tbody role="rowgroup">
        ${rows.map((row) => html`<tr key=${rowKey(row)} role="row">
          ${columns.map((column) => html`<td key=${column.title} role="cell" class=${cell(column)} data-title=${column.title}>${column.value(row)}</td>`)}
        </tr>`)}
      </tbody>
    </table>
  </div>`;
}
