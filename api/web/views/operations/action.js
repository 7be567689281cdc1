/** A button that changes something: it asks for confirmation, says what happened, and why where it did not. */
import { html, useEffect, useRef, useState } from "../../core/html.js";
import { announce } from "../../core/announce.js";
import { ask } from "../../core/api.js";

/**
 * The focus goes to the reason, or to the button that confirms, and back to the button that asked; Escape leaves it.
 *
 * @param {{title: string, path: string, method?: string, body?: (reason: string) => object, confirm?: string,
 *   reason?: boolean, of?: string, done?: () => void}} props `confirm` is the question; with `reason` the reader gives one; `of` tells
 *   those who listen which row of a table it is about.
 */
export function Action({ title, path, method = "POST", body, confirm, reason = false, of = "", done }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState(null);
  const first = useRef(null);
  const opened = useRef(false);
  useEffect(() => {
    if (asking || opened.current) first.current?.focus();
    opened.current = asking;
  }, [asking]);
  const leave = () => {
    setAsking(false);
    setText("");
    setProblem(null);
  };
  const act = async (event) => {
    event?.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const answer = await ask(path, { method, body: body?.(text) });
      announce(answer?.message ?? `${title}: done`);
      leave();
      done?.(answer);
    } catch (refusal) {
      setProblem(refusal);
    } finally {
      setBusy(false);
    }
  };
  if (!asking) {
    return html`<button ref=${first} disabled=${busy} onClick=${confirm || reason ? () => setAsking(true) : act}>${title}${of ? html`<span class="hidden-visually"> ${of}</span>` : null}</button>
      ${problem ? html`<span role="alert" class="problem">${problem.message}</span>` : null}`;
  }
  return html`<form class="confirm" onSubmit=${act} onKeyDown=${(event) => event.key === "Escape" && leave()}>
    <p>${confirm ?? title}</p>
    ${reason ? html`<label>Reason <input ref=${first} required maxlength="200" value=${text} onInput=${(event) => setText(event.target.value)} /></label>` : null}
    <button ref=${reason ? null : first} class="primary" disabled=${busy}>${title}</button>
    <button type="button" onClick=${leave}>Leave it</button>
    ${problem ? html`<p role="alert" class="notice bad">${problem.message}</p>` : null}
  </form>`;
}
