/**
 * A table of rows, with a caption for readers who listen. Where its columns do not fit its frame, the cells of a row stand
 * below one another, each with its title.
 */
import { html, useEffect, useLayoutEffect, useRef } from "../core/html.js";
import { usePaper } from "../core/paper.js";

/**
 * @param {{caption: string, columns: {title: string, value: (row: any) => any, number?: boolean, wide?: boolean}[],
 *   rows: any[], rowKey: (row: any) => string, quiet?: boolean}} props `quiet` hides the caption from those who look.
 */
export function Table({ caption, columns, rows, rowKey, quiet = true }) {
  const cell = ({ number, wide }) => `${number ? "figure" : ""} ${wide ? "wide" : ""}`;
  const frame = useRef(null);
  useLayoutEffect(() => fit(frame.current));
  useEffect(() => {
    // Not within the observer's call, whose own changes of size it would report as an error.
    const follow = new ResizeObserver(() => requestAnimationFrame(() => frame.current && fit(frame.current)));
    follow.observe(frame.current);
    return () => follow.disconnect();
  }, []);
  usePaper(() => {
    fit(frame.current);
    return () => fit(frame.current);
  });
  // Cells that stand below one another are no table to browsers any more: the roles keep it one for those who listen.
  return html`<div class="table-frame" ref=${frame} tabindex="0" role="region" aria-label=${caption}>
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

// Only the browser knows how much room the columns need: it depends on words, figures, letters and the frame.
function fit(frame) {
  frame.classList.remove("stacked");
  frame.classList.toggle("stacked", frame.scrollWidth > frame.clientWidth);
}
