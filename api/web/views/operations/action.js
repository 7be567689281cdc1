/** A button that changes something: it asks for confirmation, says what happened, and why where it did not. */
import { html, useState } from "../../core/html.js";
import { announce } from "../../core/announce.js";
import { ask } from "../../core/api.js";

/**
 * @param {{title: string, path: string, method?: string, body?: (reason: string) => object, confirm?: string,
 *   reason?: boolean, done?: () => void}} props `confirm` is the question; with `reason` the reader gives one.
 */
export function Action({ title, path, method = "POST", body, confirm, reason = false, done }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState(null);
  const act = async (event) => {
    event?.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const answer = await ask(path, { method, body: body?.(text) });
      announce(answer?.message ?? `${title}: done`);
      setAsking(false);
      done?.(answer);
    } catch (refusal) {
      setProblem(refusal);
    } finally {
      setBusy(false);
    }
  };
  if (!asking) {
    return html`<button disabled=${busy} onClick=${confirm || reason ? () => setAsking(true) : act}>${title}</button>
      ${problem ? html`<span role="alert" class="problem">${problem.message}</span>` : null}`;
  }
  return html`<form class="confirm" onSubmit=${act}>
    <p>${confirm ?? title}</p>
    ${reason ? html`<label>Reason <input required maxlength="200" value=${text} onInput=${(event) => setText(event.target.value)} /></label>` : null}
    <button class="primary" disabled=${busy}>${title}</button>
    <button type="button" onClick=${() => setAsking(false)}>Leave it</button>
    ${problem ? html`<p role="alert" class="notice bad">${problem.message}</p>` : null}
  </form>`;
}
