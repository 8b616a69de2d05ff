// The lines of a draft by scanning. What was scanned is kept in this browser until the server has it: without a network
// it waits, and is sent once, under a key that stays the same however often it is tried.

import { announce, api, make, readNumber, Refused, say, showNumber } from "./base.js";
import { beep, listen, speak } from "./scanner.js";

const island = JSON.parse(document.getElementById("scan-island").textContent);
const { scan } = island;
const place = document.getElementById("scan-lines");
const list = place.querySelector("[data-scan-rows]");
const KEY = `anlan.scan.${island.login}.${island.form}.${island.id}`;
const expected = scan.mode === "expected";
const whole = { type: "quantity" };

// ---- what was counted: by line id, or by code (and lot) for lines that come new
const kept = JSON.parse(localStorage.getItem(KEY) || "null");
const state = kept && kept.version === island.version ? kept : { version: island.version, counts: {}, fresh: [], sending: null };
const keep = () => localStorage.setItem(KEY, JSON.stringify(state));
const count = (row) => state.counts[row.id] ?? (expected ? "0" : row.kept ?? "0");

/** Decimal text plus a whole number, without floats. */
function plus(text, step) {
  const [head, tail = ""] = text.split(".");
  const sum = String(BigInt(head || "0") + BigInt(step));
  return tail ? `${sum}.${tail}` : sum;
}

function parts(code) {
  // The server reads all of GS1; here only what tells lines apart without a network.
  const bracketed = Object.fromEntries([...code.matchAll(/\((\d{2,4})\)([^()]*)/g)].map((one) => [one[1], one[2]]));
  if (bracketed["01"]) return { code: bracketed["01"], lot: bracketed["10"] ?? null };
  const bare = code.replace(/^\](?:C1|e0|d2|Q3)/, "");
  const gs1 = bare === code && !code.includes("\u001d") ? null : /^01(\d{14})(?:17\d{6})?(?:10([^\u001d]{1,20}))?/.exec(bare);
  return gs1 ? { code: gs1[1], lot: gs1[2] ?? null } : { code: code.trim(), lot: null };
}
const same = (a, b) => {
  const [x, y] = [a, b].map((one) => one.toLowerCase().replace(/^0(?=\d{13}$)/, ""));
  return x === y;
};

function heard(raw) {
  if (state.sending) {
    beep(false);
    speak(place, say("scan_sending"), false);
    return;
  }
  const { code, lot } = parts(raw);
  const rows = island.rows.filter((row) => row.codes.some((one) => same(one, code)) && (lot === null || row.lot === null || same(row.lot, lot)));
  // Of several lines with the same item, the first that is not full yet.
  const row = rows.find((one) => one.expected === null || Number(count(one)) < Number(one.expected)) ?? rows[0];
  if (row) {
    state.counts[row.id] = plus(count(row), 1);
    done(row.item.label, state.counts[row.id]);
  } else if (expected) {
    beep(false);
    speak(place, say("code_not_here", { code }), false);
  } else add(code, lot);
}

function done(label, quantity) {
  beep(true);
  keep();
  draw();
  speak(place, `${label} × ${showNumber(quantity, whole)}`, true);
}

async function add(code, lot) {
  const known = state.fresh.find((one) => same(one.code, code) && one.lot === lot);
  if (known) {
    known.quantity = plus(known.quantity, 1);
    done(known.label ?? known.code, known.quantity);
    return;
  }
  const one = { code, lot, quantity: "1", label: null, item: null };
  try {
    const { data } = await api("GET", `/scan?form=${island.target}&code=${encodeURIComponent(code)}`);
    if (!data.length) {
      beep(false);
      speak(place, say("code_unknown", { code }), false);
      return;
    }
    Object.assign(one, { item: data[0].id, label: data[0].title ?? data[0].code });
  } catch (error) {
    if (error instanceof Refused) {
      beep(false);
      speak(place, error.message, false);
      return;
    }
    offline(true); // no network: the code is kept, and looked up when it is back
  }
  state.fresh.push(one);
  done(one.label ?? code, one.quantity);
}

// ---- the rows on screen
function draw() {
  const rows = [
    ...island.rows.map((row) => ({ label: row.item.label, code: row.item.code, lot: row.lot, expected: row.expected, quantity: count(row),
      set: (value) => { state.counts[row.id] = value; } })),
    ...state.fresh.map((one) => ({ label: one.label ?? one.code, code: one.item ? one.code : say("code_later"), lot: one.lot, expected: null, quantity: one.quantity,
      set: (value) => { one.quantity = value; } })),
  ];
  list.replaceChildren(...rows.map(drawRow));
  const full = island.rows.filter((row) => row.expected !== null && Number(count(row)) >= Number(row.expected)).length;
  document.querySelector("[data-scan-total]").textContent = expected ? say("scan_progress", { n: full, all: island.rows.length }) : say("scan_count", { n: rows.length });
}

function drawRow(row) {
  const input = make("input", { class: "form-control num", inputmode: "decimal", value: showNumber(row.quantity, whole), "aria-label": `${row.label} ${say("scan_quantity")}` });
  input.addEventListener("change", () => {
    const value = readNumber(input.value);
    if (value === undefined || value.startsWith("-")) {
      input.setAttribute("aria-invalid", "true");
      speak(place, say("scan_bad_number"), false);
      return;
    }
    row.set(value || "0");
    keep();
    draw();
  });
  const minus = make("button", { type: "button", class: "btn btn-icon", "aria-label": `${row.label} −1` }, "−");
  minus.addEventListener("click", () => {
    if (Number(row.quantity) < 1) return;
    row.set(plus(row.quantity, -1));
    keep();
    draw();
  });
  const full = row.expected !== null && Number(row.quantity) >= Number(row.expected);
  const over = row.expected !== null && Number(row.quantity) > Number(row.expected);
  return make("li", { class: over ? "over" : full ? "full" : Number(row.quantity) > 0 ? "begun" : "" },
    make("div", { class: "scan-item" }, make("b", {}, row.label), make("span", { class: "code" }, [row.code, row.lot].filter(Boolean).join(" · "))),
    minus, input, row.expected === null ? "" : make("span", { class: "quiet" }, `/ ${showNumber(row.expected, whole)}`));
}

// ---- to the server
const offline = (away) => { place.querySelector("[data-offline]").hidden = !away; };

/** The lines as the record shall have them: what was not received stays out, what was counted stands as counted. */
async function lines() {
  for (const one of state.fresh.filter((entry) => !entry.item)) {
    const { data } = await api("GET", `/scan?form=${island.target}&code=${encodeURIComponent(one.code)}`);
    if (!data.length) throw new Refused(422, { errors: [{ message: say("code_unknown", { code: one.code }) }] });
    Object.assign(one, { item: data[0].id, label: data[0].title ?? data[0].code });
  }
  const rows = island.rows.filter((row) => !expected || Number(count(row)) > 0).map((row) => ({ id: row.id, [scan.quantity]: count(row) }));
  const fresh = state.fresh.map((one) => ({ [scan.item]: one.item, [scan.quantity]: one.quantity, ...(scan.lot && one.lot ? { [scan.lot]: one.lot } : {}) }));
  return [...rows, ...fresh];
}

let running = false;
async function send() {
  if (running || !state.sending) return;
  running = true;
  const bar = document.querySelectorAll("[data-scan-save], [data-scan-step]");
  bar.forEach((one) => one.setAttribute("aria-busy", "true"));
  try {
    if (!state.sending.operations) {
      const values = { [scan.lines]: await lines() };
      state.sending.operations = [{ op: "update", form: island.form, id: island.id, version: island.version, values }];
      if (state.sending.step) state.sending.operations.push({ op: "do", form: island.form, id: island.id, transition: state.sending.step });
      keep();
    }
    await api("POST", "/batch", { body: { operations: state.sending.operations }, key: state.sending.key });
    localStorage.removeItem(KEY);
    location.assign(`/f/${island.form}/${island.id}`);
  } catch (error) {
    if (error instanceof Refused && error.status !== 401 && error.status < 500) {
      state.sending = null; // an answer: it was looked at and refused; what was scanned stays and can be mended
      keep();
      const faults = place.querySelector("[data-scan-faults]");
      faults.replaceChildren(...(error.problem.errors?.length ? error.problem.errors : [{ message: error.message }]).map((one) => make("p", {}, one.message ?? one.code)));
      faults.hidden = false;
      faults.focus();
    } else {
      offline(true);
      announce(say("scan_waits"));
      setTimeout(send, 5000);
    }
  } finally {
    running = false;
    bar.forEach((one) => one.removeAttribute("aria-busy"));
  }
}

function begin(step) {
  if (state.sending) return;
  if (!island.rows.some((row) => Number(count(row)) > 0) && !state.fresh.length) {
    speak(place, say("scan_nothing"), false);
    return;
  }
  place.querySelector("[data-scan-faults]").hidden = true;
  state.sending = { key: crypto.randomUUID(), step, operations: null };
  keep();
  send();
}
document.querySelector("[data-scan-save]").addEventListener("click", () => begin(null));
document.querySelector("[data-scan-step]")?.addEventListener("click", (event) => begin(event.currentTarget.dataset.scanStep));
addEventListener("online", () => {
  offline(false);
  send();
});
addEventListener("offline", () => offline(true));
offline(!navigator.onLine);
draw();
listen(place, heard);
send(); // what was left unsent when the page was closed
