/** For operators: what works, what it costs, what runs, what serves, and the switches. */
import { html } from "../../core/html.js";
import { Sections } from "../../parts/sections.js";
import { TokenForm } from "../../parts/token_form.js";
import { Health } from "./health.js";
import { Costs } from "./costs.js";
import { Jobs } from "./jobs.js";
import { Models } from "./models.js";
import { Schedule } from "./schedule.js";
import { Reports } from "./reports.js";
import { Suggestions } from "./suggestions.js";
import { Switches } from "./switches.js";
import { Tape } from "./tape.js";

const SECTIONS = {
  health: ["Health", Health], costs: ["Costs", Costs], jobs: ["Jobs", Jobs], models: ["Models", Models],
  schedule: ["Schedule", Schedule], reports: ["Reports", Reports], suggestions: ["Suggestions", Suggestions],
  switches: ["Switches", Switches], log: ["Log", Tape],
};
const TITLES = Object.fromEntries(Object.entries(SECTIONS).map(([key, [title]]) => [key, title]));

export function View({ parameters }) {
  const name = SECTIONS[parameters.section] ? parameters.section : "health";
  const [title, Section] = SECTIONS[name];
  return html`<h1>Operations</h1>
    <${TokenForm} />
    <${Sections} view="operations" label="Sections" titles=${TITLES} current=${name} />
    <section aria-label=${title}><${Section} key=${name} parameters=${parameters} /></section>`;
}
