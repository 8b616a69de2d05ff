// Scanning into lines: a box that keeps the focus. A scanner types and presses Enter; the same item again adds one. GS1 codes
// are split into item, lot, expiry and serial number. What is not found beeps and stays red until the next scan.

import { announce, api, make, say } from "./base.js";
import { add } from "./decimal.js";
import { beep } from "./scanner.js";

const FIXED = { "00": 18, "01": 14, "02": 14, 11: 6, 12: 6, 13: 6, 15: 6, 16: 6, 17: 6, 20: 2 };
const NAMES = { "01": "item", "02": "item", 10: "lot", 17: "expiry", 15: "expiry", 21: "serial" };
const GROUP = "\u001d"; // ends a part of varying length

/** What a scanned text says: {item, lot, expiry, serial}; a text that is no GS1 code is an item's own code. */
export function read(scanned) {
  const code = scanned.trim().replace(/^\](C1|d2|Q3|e0)/, "");
  const parts = code.startsWith("(") ? bracketed(code) : /^(01|02)\d{14}/.test(code) || scanned.startsWith("]") || code.includes(GROUP) ? running(code) : null;
  if (!parts?.item) return { item: code };
  if (parts.expiry) parts.expiry = day(parts.expiry);
  return parts;
}

function bracketed(code) {
  const found = {};
  for (const [, ai, content] of code.matchAll(/\((\d{2,4})\)([^(]*)/g)) if (NAMES[ai]) found[NAMES[ai]] = content.replaceAll(GROUP, "");
  return found;
}

function running(code) {
  const found = {};
  let rest = code;
  while (rest.length > 2) {
    const ai = rest.slice(0, 2);
    const end = FIXED[ai] ? 2 + FIXED[ai] : rest.indexOf(GROUP) < 0 ? rest.length : rest.indexOf(GROUP);
    if (NAMES[ai]) found[NAMES[ai]] = rest.slice(2, end);
    else if (!FIXED[ai]) break; // a part that we do not know: what follows cannot be told apart
    rest = rest.slice(end).replace(GROUP, "");
  }
  return found;
}

/** YYMMDD as a day; day 00 is the last of its month. */
function day(text) {
  const [year, month, date] = [2000 + Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4, 6))];
  return date ? `${year}-${text.slice(2, 4)}-${text.slice(4, 6)}` : new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
}

/** The spellings under which an item's code may be kept: as it is, a GTIN of 14 also with 13, 12 and 8 digits. */
const spellings = (code) => [...new Set([code, ...(/^\d{14}$/.test(code) ? [code.replace(/^0/, ""), code.replace(/^0{2}/, ""), code.replace(/^0{6}/, "")] : [])])];

/** @param grid what createGrid gives; `target` the item's form, `scan` of the definition */
export function scanner(section, grid, { field, form, path, target }) {
  const { scan } = field.grid;
  const key = `anlan.scan.${form}.${path}`;
  const toggle = make("button", { type: "button", class: "btn btn-quiet", "aria-pressed": "false" }, say("scan"));
  section.querySelector(".lines-head .actions").prepend(toggle);
  const input = make("input", { class: "form-control", autocomplete: "off", spellcheck: "false", autocapitalize: "none", placeholder: say("scan_hint"), "aria-label": say("scan") });
  const told = make("p", { class: "scan-told", role: "status" });
  const box = make("div", { class: "scan", hidden: true }, input, told);
  section.querySelector(".lines-head").after(box);
  const waiting = [];
  let busy = false;

  const open = (on) => {
    box.hidden = !on;
    toggle.setAttribute("aria-pressed", String(on));
    if (on) input.focus();
  };
  toggle.addEventListener("click", () => {
    const on = box.hidden;
    localStorage.setItem(key, on ? "1" : "");
    open(on);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    // Ctrl+] and Ctrl+Shift+] are how keyboards-that-are-scanners send the group separator.
    if (event.key === "F8" || (event.ctrlKey && event.key === "]")) input.setRangeText(GROUP, input.selectionStart, input.selectionEnd, "end");
    else if (event.key === "Enter" || (event.key === "Tab" && input.value)) {
      const code = input.value;
      input.value = "";
      if (code.trim()) take(code);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  /** Scans come faster than answers: they are worked off in their order. */
  function take(code) {
    waiting.push(code);
    if (!busy) work();
  }
  async function work() {
    busy = true;
    while (waiting.length) await one(waiting.shift());
    busy = false;
  }
  async function one(code) {
    const parts = read(code);
    let item;
    try {
      item = await find(parts.item);
    } catch (error) {
      return fail(error.status ? error.message : say("scan_offline", { code: parts.item }));
    }
    if (!item) return fail(say("scan_unknown", { code: parts.item }));
    const n = grid.scanned(item, parts, scan, add);
    beep(true);
    told.classList.remove("bad");
    told.textContent = say("scan_taken", { what: item.label, n: n.quantity, line: n.line });
    announce(told.textContent);
    input.focus({ preventScroll: true });
    return undefined;
  }
  function fail(words) {
    beep(false);
    told.classList.add("bad");
    told.textContent = words;
    announce(words);
    input.focus({ preventScroll: true });
  }
  async function find(code) {
    const texts = spellings(code).map((one) => `"${one.replaceAll('"', '""')}"`).join(", ");
    const where = scan.by.map((name) => `IN(${name}, ${texts})`);
    const answer = await api("POST", `/records/${target}/query`, { body: { where: where.length > 1 ? `OR(${where.join(", ")})` : where[0], fields: ["code", "name"], limit: 2 } });
    const found = answer.data[0];
    return answer.data.length === 1 ? { id: found.id, code: found.code, label: found.name ?? found.code } : undefined;
  }
  if (localStorage.getItem(key)) open(true);
  return { open: () => !box.hidden, focus: () => input.focus() };
}
