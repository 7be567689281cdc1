// Draws lists one after another with a library of templates; returns what stands in the document after each of them.
async ([library, states]) => {
  const { html, render, useEffect, useState } = await import(library);
  const box = document.createElement("div");
  let show;
  let told;

  function Item({ name, on, children }) {
    const [born] = useState(() => `${name}!`);
    return html`<li class="item ${on ? "on" : ""}" aria-pressed=${on} hidden=${!on} data-born=${on ? born : null}>
      ${name}: ${born}${children}</li>`;
  }
  function Pair({ of }) {
    return html`<dt>${of}</dt><dd>${of.length ? of : 0}</dd>`;
  }
  function List() {
    const [items, setItems] = useState([]);
    show = setItems;
    useEffect(() => {
      box.dataset.count = items.length;
      told?.(items);
    }, [items]);
    return html`<h2>${items.length} of <b>${null}${items.length > 2 ? "many" : false}</b></h2>
      ${items.length
        ? html`<ul>${items.map((name, at) => html`<${Item} key=${name} name=${name} on=${at % 2 === 0}>
            ${at ? html`<i>${at}</i> and` : null} <small>${items.slice(0, at)}</small><//>`)}</ul>`
        : html`<p>nothing</p>`}
      <dl>${items.map((name) => html`<${Pair} of=${name} />`)}</dl>
      <svg viewBox="0 0 9 9" ...${{ "aria-hidden": "true" }}><path d="M0 0L${items.length} 1" /></svg>
      <label for=${items[0]}>x <input value=${items.join("")} disabled=${items.length > 3} spellcheck=${false} /></label>
      <select value=${items[0] ?? "none"}><option value="none">none</option>${items.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select>`;
  }

  render(html`<${List} />`, box);
  const found = [];
  for (const state of states) {
    const next = [...state];
    const turn = new Promise((done) => (told = (items) => items === next && done()));
    show(next);
    await turn;
    const [input, select, path] = ["input", "select", "path"].map((name) => box.querySelector(name));
    found.push([box.innerHTML, input.value, select.value, box.dataset.count, path.namespaceURI]);
  }
  return found;
}
