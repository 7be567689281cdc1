/** What is said where no call is settled. */
import { html } from "../../core/html.js";
import { Empty } from "../../parts/view_state.js";

/** @param {{days: string}} props Of the record. */
export function NoCalls({ days }) {
  return html`<${Empty} title="No settled calls">
    <p>No call of the last ${days} days that fits these choices is settled. An answer is settled once the candles after it have
      closed, and counts where its candles are real and its caller is trusted.</p><//>`;
}
