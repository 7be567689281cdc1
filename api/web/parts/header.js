/** The head of the page: where one can go, and whether the service is alive. */
import { html } from "../core/html.js";
import { link } from "../core/address.js";
import { useTopic } from "../core/store.js";
import { localZone } from "../core/times.js";
import { LivenessLine } from "./liveness.js";
import { choose, following } from "./theme.js";

const ICON = new URL("../icon.svg", import.meta.url).href;

export const PLACES = [["board", "Board"], ["record", "Record"], ["operations", "Operations"], ["try", "Try it"]];

/** @param {{view: string}} props The view that is shown. */
export function Header({ view }) {
  const theme = useTopic("theme", "system");
  const zone = useTopic("zone", "local");
  return html`<header>
    <a class="brand" href=${link("board")}><img src=${ICON} alt="" width="24" height="24" /> Trading signals</a>
    <nav aria-label="Views">
      ${PLACES.map(([name, title]) => html`<a key=${name} href=${link(name)}
        aria-current=${name === view || (name === "board" && view === "symbol") ? "page" : undefined}>${title}</a>`)}
    </nav>
    <div class="choices">
      <button class="quiet" onClick=${() => choose("zone", following("zone", zone))}
        title="Times in local time or UTC">${zone === "utc" ? "UTC" : `Local, ${localZone()}`}<span class="hidden-visually"> time</span></button>
      <button class="quiet" onClick=${() => choose("theme", following("theme", theme))}
        title="Colors: as the system, dark, light">${{ system: "Auto", dark: "Dark", light: "Light" }[theme]}<span
        class="hidden-visually"> colors</span></button>
    </div>
    <${LivenessLine} />
  </header>`;
}
