/** Asks for a token once; it stays in the memory of this page alone, and goes with it. */
import { html, useState } from "../core/html.js";
import { announce } from "../core/announce.js";
import { ask, Problem } from "../core/api.js";
import { read, useTopic, write } from "../core/store.js";

// What a header can carry; browsers refuse to send anything else, which would read as a service that is away.
const SENDABLE = /^[\x21-\x7e]+$/;
const ADMINISTRATOR = {
  label: "Administrator's token", needed: "for jobs, reports, switches and the log", wrong: "This is not the administrator's token.",
  route: "jobs?limit=1",
};
const LISTENER = {
  label: "Token", needed: "a client's, the socket's or the administrator's", wrong: "The service does not know this token.",
  route: "ai/signals",
};

/** @param {{listener?: boolean}} props Whether any token serves that signals are given for. */
export function TokenForm({ listener = false }) {
  const { label, needed, wrong, route } = listener ? LISTENER : ADMINISTRATOR;
  const held = useTopic("admin", false);
  const expired = useTopic("expired", false);
  const [given, setGiven] = useState("");
  const [problem, setProblem] = useState(null);
  if (held) {
    return html`<p class="notice">The administrator's token is held in this page's memory.
      <button onClick=${() => hold(null, false)}>Forget it</button></p>`;
  }
  const take = async (event) => {
    event.preventDefault();
    if (!SENDABLE.test(given)) {
      setProblem(new Problem(401));
      return;
    }
    const before = read("token");
    write("token", given);
    try {
      await ask(route);
      hold(given, !listener || (await ask(ADMINISTRATOR.route).then(() => true, () => false)));
      setGiven("");
      setProblem(null);
      announce("The token was accepted");
    } catch (refusal) {
      write("token", before);
      setProblem(refusal);
    }
  };
  return html`<form class="bar" onSubmit=${take}>
    <label>${label} <input type="password" autocomplete="off" required value=${given}
      onInput=${(event) => setGiven(event.target.value)} /></label>
    <button class="primary">Use it</button>
    <span class="aside">${needed}; kept in memory only</span>
    ${expired && !problem ? html`<p role="alert" class="notice bad">The service no longer takes the token that was held here.</p>` : null}
    ${problem ? html`<p role="alert" class="notice bad">${problem.status === 401 ? wrong : problem.message}</p>` : null}
  </form>`;
}

function hold(token, isAdministrators) {
  write("token", token);
  write("admin", isAdministrators);
  write("expired", false);
}
