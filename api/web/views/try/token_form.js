/** Says that the administrator's token is needed, and takes it; it is kept in the memory of this page alone. */
import { html, useState } from "../../core/html.js";
import { write } from "../../core/store.js";

export function TokenForm() {
  const [text, setText] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (text.trim()) write("admin", text.trim());
  };
  return html`<div class="notice">
    <p>A backtest is a job, and jobs need the administrator's token: the ADMIN_TOKEN, or the one in the file that the
      service names when it starts. It is kept in the memory of this page, until it is closed.</p>
    <form class="bar" onSubmit=${submit}>
      <label>Token <input type="password" autocomplete="off" required value=${text} onInput=${({ target }) => setText(target.value)} /></label>
      <button>Use the token</button>
    </form>
  </div>`;
}
