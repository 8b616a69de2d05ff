// Picking a record by code, name or pinyin initials: one floating list for every link input of a page.
//
//   <input data-suggest="base.party">   the input's `picked` becomes {id, code, label}, or null when it is emptied;
//                                       a `pick` event tells; unknown text stays, with aria-invalid
//   data-suggest-code                   (filters, parameters) the chosen code is put into the input itself

import { api, make, placeBelow, say } from "./base.js";

const kept = new Map(); // "form\nfield\ntext" -> rows, for the life of the page

/** Rows whose code, name or pinyin initials fit a text; asked once for each text. `field` (`form/path` of the link that
 *  is typed into) lets those choose who may write that form, and applies what the link allows. */
export async function suggest(form, text, { field = "", signal } = {}) {
  const key = `${form}\n${field}\n${text}`;
  if (!kept.has(key)) {
    const query = new URLSearchParams({ q: text, limit: "12" });
    if (field) query.set("field", field);
    const answer = await api("GET", `/suggest/${form}?${query}`, { signal });
    kept.set(key, answer.data);
    if (kept.size > 500) kept.delete(kept.keys().next().value);
  }
  return kept.get(key);
}

/** Figures beside choices of a link (`path` in a form), as its definition declares them: {id: {hint: figure}}. */
export async function hintsOf(form, path, ids, head) {
  const answer = await api("POST", `/records/${form}/hints`, { body: { path, ids, values: head } });
  return answer.data;
}

/** The row that a finished text means: its code exactly, else its name exactly, else the first hit. */
export const meant = (rows, text) =>
  rows.find((one) => one.code?.toLowerCase() === text.toLowerCase()) ?? rows.find((one) => one.label === text) ?? rows[0];

/** The floating list. `show(anchor, rows)`, `move(±1)`, `chosen()`, `hide()`; a click calls `onpick`. */
export function picker() {
  const list = make("div", { class: "suggest", role: "listbox", id: "suggestions", hidden: true });
  let rows = [];
  let place = 0;
  const mark = (index) => {
    place = index;
    [...list.children].forEach((one, at) => one.setAttribute("aria-selected", at === index ? "true" : "false"));
    list.children[index]?.scrollIntoView({ block: "nearest" });
  };
  const self = {
    open: () => !list.hidden,
    chosen: () => (list.hidden ? undefined : rows[place]),
    hide: () => {
      list.hidden = true;
    },
    /** Words at the right of each row, that came later than the rows. */
    beside(words) {
      [...list.children].forEach((element, index) => {
        const told = rows[index] ? words(rows[index]) : "";
        if (!told) return;
        element.querySelector(".side")?.remove();
        element.append(make("span", { class: "side" }, told));
      });
    },
    move: (step) => rows.length && mark((place + step + rows.length) % rows.length),
    show(anchor, found, { marked = 0, none = "none_found" } = {}) {
      rows = found;
      list.replaceChildren(...rows.map((one, at) => {
        const side = Object.entries(one).filter(([name]) => !["id", "code", "label", "form"].includes(name)).map(([, value]) => value);
        const row = make("div", { role: "option", "aria-selected": at === marked ? "true" : "false" },
          one.code ? make("span", { class: "code" }, one.code) : "", make("span", {}, one.label ?? ""),
          side.length ? make("span", { class: "side" }, side.filter((x) => typeof x === "string").join(" ")) : "");
        // mousedown, not click: the input must not lose its focus first.
        row.addEventListener("mousedown", (event) => {
          event.preventDefault();
          self.onpick?.(one);
        });
        return row;
      }));
      if (!rows.length) list.append(make("div", { class: "nothing" }, say(none)));
      // An open dialog or popover lies above the page, and what is outside a dialog cannot be clicked.
      const home = anchor.closest("dialog[open], [popover]") ?? document.body;
      if (list.parentElement !== home) home.append(list);
      list.hidden = false;
      place = marked;
      placeBelow(list, anchor);
    },
  };
  return self;
}

// ---- link inputs of a page
const floating = picker();
let active = null;
let asked = 0;

async function ask(input) {
  const form = input.dataset.suggest;
  const turn = ++asked;
  const text = input.value.trim();
  const rows = await suggest(form, text, { field: input.dataset.suggestField }).catch(() => []);
  if (turn === asked && active === input) {
    floating.show(input, rows);
    input.shownFor = input.value;
    input.setAttribute("aria-expanded", "true");
  }
  return rows;
}

function take(input, row) {
  input.picked = row;
  input.dirty = false;
  input.value = row ? ("suggestCode" in input.dataset ? row.code : row.label) : "";
  input.removeAttribute("aria-invalid");
  const code = input.parentElement.querySelector("[data-code]");
  if (code) code.textContent = row?.code ?? "";
  hide(input);
  input.dispatchEvent(new CustomEvent("pick", { bubbles: true, detail: row }));
}

function hide(input) {
  floating.hide();
  asked += 1;
  input?.setAttribute("aria-expanded", "false");
}

/** Whether the open list answers what stands in the input now; one that is behind the fingers chooses nothing. */
const fresh = (input) => floating.open() && input.shownFor === input.value;

/** Settle what was typed: a hit is taken, nothing empties, unknown text stays and is marked. */
async function settle(input) {
  if (!input.dirty) return;
  const text = input.value.trim();
  if (!text) return take(input, null);
  const chosen = active === input && fresh(input) ? floating.chosen() : undefined;
  const row = chosen ?? meant(await suggest(input.dataset.suggest, text, { field: input.dataset.suggestField }).catch(() => []), text);
  if (row) return take(input, row);
  input.setAttribute("aria-invalid", "true");
  input.dispatchEvent(new CustomEvent("unknown", { bubbles: true, detail: text }));
}

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-suggest]")) {
    active = event.target;
    if (!("suggestCode" in active.dataset)) active.select();
    floating.onpick = (row) => take(active, row);
  }
});
document.addEventListener("input", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-suggest]") || !input.dataset.suggest) return;
  input.dirty = true;
  clearTimeout(input.waiting);
  input.waiting = setTimeout(() => ask(input), 120);
});
document.addEventListener("focusout", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-suggest]")) return;
  clearTimeout(input.waiting);
  settle(input).finally(() => active !== input && hide(input));
  if (active === input) active = null;
  floating.hide();
});
document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-suggest]") || !input.dataset.suggest || event.isComposing) return;
  if ((event.altKey && event.key === "ArrowDown") || event.key === "F4") ask(input);
  else if (floating.open() && event.key === "ArrowDown") floating.move(1);
  else if (floating.open() && event.key === "ArrowUp") floating.move(-1);
  else if (floating.open() && event.key === "Escape") hide(input);
  else if (floating.open() && event.key === "Enter" && fresh(input) && floating.chosen()) take(input, floating.chosen());
  else if (event.key === "Enter" && input.dirty) settle(input);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
