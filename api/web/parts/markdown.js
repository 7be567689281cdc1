/** Markdown as the service writes it: headings, lists, tables, blocks of code, and words in bold or as code. */
import { html } from "../core/html.js";
import { Table } from "./table.js";

const FENCE = "```";

/**
 * Show a text below a heading of the second level: its own first heading is left out, further ones are of the third.
 *
 * @param {{text: string}} props Nothing in it is taken as HTML.
 */
export function Markdown({ text }) {
  let heading = "";
  return html`<div class="markdown">${blocks(text).map((lines, number) => {
    const [first] = lines;
    if (first.startsWith("# ")) return null;
    if (first.startsWith("## ")) {
      heading = first.slice(3);
      return html`<h3 key=${number}>${heading}</h3>`;
    }
    if (first.startsWith(FENCE)) return html`<pre key=${number} tabindex="0"><code>${lines.slice(1, -1).join("\n")}</code></pre>`;
    if (first.startsWith("|")) return html`<${MarkdownTable} key=${number} caption=${heading} lines=${lines} />`;
    if (first.startsWith("- ")) return html`<ul key=${number}>${lines.map((line, at) => html`<li key=${at}>${words(line.slice(2))}</li>`)}</ul>`;
    return html`<p key=${number}>${words(lines.join(" "))}</p>`;
  })}</div>`;
}

/** Return the lines of each block; blocks stand between empty lines, and those of code have such lines inside too. */
function blocks(text) {
  const found = [[]];
  let inCode = false;
  for (const line of text.split("\n")) {
    if (line.startsWith(FENCE)) inCode = !inCode;
    if (line || inCode) found[found.length - 1].push(line);
    else found.push([]);
  }
  return found.filter((lines) => lines.length);
}

function MarkdownTable({ caption, lines }) {
  const [titles, marks, ...rows] = lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const columns = titles.map((title, at) => ({ title: title || "Of", number: marks[at].endsWith(":"), value: (row) => words(row[at]) }));
  return html`<${Table} caption=${caption} columns=${columns} rows=${rows} rowKey=${([name]) => name} />`;
}

/** Return a line with its words in bold and as code. */
function words(line) {
  return line.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part, at) => {
    if (part.startsWith("`")) return html`<code key=${at}>${part.slice(1, -1)}</code>`;
    return part.startsWith("**") ? html`<strong key=${at}>${part.slice(2, -2)}</strong>` : part;
  });
}
