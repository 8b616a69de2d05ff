// What a pasted block's codes mean: all codes of a column in one question; what is unknown is listed once, to be replaced
// or left out.

import { api, make, say } from "./base.js";

const AT_ONCE = 200;
const MOST_BY_NAME = 60;

/** The records that some texts mean: Map text → {id, code, label}. Codes first, all at once; then names. */
export async function meanings(target, texts, choices) {
  const known = new Map();
  for (let start = 0; start < texts.length; start += AT_ONCE) {
    const list = texts.slice(start, start + AT_ONCE).map((one) => `"${one.replaceAll('"', '""')}"`).join(", ");
    const answer = await api("POST", `/records/${target}/query`, { body: { where: `IN(code, ${list})`, fields: ["code", "name"], limit: AT_ONCE } }).catch(() => ({ data: [] }));
    for (const one of answer.data) known.set(one.code, { id: one.id, code: one.code, label: one.name ?? one.code });
  }
  for (const text of texts.filter((one) => !known.has(one)).slice(0, MOST_BY_NAME)) {
    const found = await choices(text).catch(() => []);
    const exact = found.find((one) => one.label === text || one.code?.toLowerCase() === text.toLowerCase());
    if (exact) known.set(text, exact);
  }
  return known;
}

/**
 * The bar above the grid after a paste: what came, undo, and the unknown codes.
 *
 * @param unknown [{name, label, target, source, text, rows}]; `replace(one, record)` and `skip(one)` mend them
 */
export function pasteBar(place, text, { undo, unknown = [], replace, skip }) {
  const head = make("div", { class: "paste-head" }, make("span", {}, text));
  const button = (words, act) => {
    const made = make("button", { type: "button", class: "btn" }, words);
    made.addEventListener("click", act);
    return made;
  };
  const close = () => {
    place.hidden = true;
    place.replaceChildren();
  };
  if (undo) head.append(button(say("undo"), () => (close(), undo())));
  head.append(button(say("close"), close));
  const list = make("ul", { class: "unknown" });
  for (const one of unknown) {
    const input = make("input", { class: "form-control", role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", autocomplete: "off",
      spellcheck: "false", "data-suggest": one.target, "data-suggest-field": one.source, placeholder: say("replace_by"), "aria-label": `${one.text}: ${say("replace_by")}` });
    const row = make("li", {}, make("b", {}, one.text), make("span", { class: "quiet" }, say("unknown_lines", { what: one.label, n: one.rows.length })),
      make("span", { class: "link-input" }, input, make("span", { class: "code", "data-code": "" })), button(say("skip_lines"), () => done(() => skip(one))));
    const done = (act) => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      act();
      row.remove();
      if (!list.children.length) list.remove();
      next?.querySelector("input").focus();
    };
    input.addEventListener("pick", () => input.picked && done(() => replace(one, input.picked)));
    list.append(row);
  }
  place.replaceChildren(head, ...(unknown.length ? [make("p", {}, say("unknown_codes", { n: unknown.length })), list] : []));
  place.hidden = !text;
}
