/** The sections of a view as links: each has an address, so that it can be kept, sent and gone back to. */
import { html } from "../core/html.js";
import { link } from "../core/address.js";

/**
 * @param {{view: string, label: string, titles: Record<string, string>, current: string, parameters?: object}} props
 *   `titles` by the name of the section, `parameters` of the address that stay.
 */
export function Sections({ view, label, titles, current, parameters = {} }) {
  return html`<nav class="sections" aria-label=${label}>
    ${Object.entries(titles).map(([name, title]) => html`<a key=${name} href=${link(view, null, { ...parameters, section: name })}
      aria-current=${name === current ? "page" : undefined}>${title}</a>`)}
  </nav>`;
}
