/** Asks for the administrator's token once; it stays in the memory of this page alone, and goes with it. */
import { html, useState } from "../core/html.js";
import { announce } from "../core/announce.js";
import { ask, Problem } from "../core/api.js";
import { useTopic, write } from "../core/store.js";

// What a header can carry; browsers refuse to send anything else, which would read as a service that is away.
const SENDABLE = /^[\x21-\x7e]+$/;

export function TokenForm() {
  const token = useTopic("admin");
  const [given, setGiven] = useState("");
  const [problem, setProblem] = useState(null);
  if (token) {
    return html`<p class="notice">The administrator's token is held in this page's memory.
      <button onClick=${() => write("admin", null)}>Forget it</button></p>`;
  }
  const take = async (event) => {
    event.preventDefault();
    if (!SENDABLE.test(given)) {
      setProblem(new Problem(401));
      return;
    }
    write("admin", given);
    try {
      await ask("jobs?limit=1");
      setGiven("");
      setProblem(null);
      announce("The token was accepted");
    } catch (refusal) {
      write("admin", null);
      setProblem(refusal);
    }
  };
  return html`<form class="bar" onSubmit=${take}>
    <label>Administrator's token <input type="password" autocomplete="off" required value=${given}
      onInput=${(event) => setGiven(event.target.value)} /></label>
    <button class="primary">Use it</button>
    <span class="aside">for jobs, reports, switches and the log; kept in memory only</span>
    ${problem ? html`<p role="alert" class="notice bad">${problem.status === 401 ? "This is not the administrator's token." : problem.message}</p>` : null}
  </form>`;
}
