// The record page: what is typed is previewed (150 ms), drafts of documents save themselves, steps are taken, faults are
// shown beside their fields, and a change by somebody else meanwhile never costs what was typed.

import { LINKS, NUMERIC, Refused, announce, api, english, make, pageData, readNumber, say, showNumber, showValue } from "./base.js";
import { differencesOf, same } from "./conflict.js";
import { createGrid } from "./grid.js";
import { keeper } from "./kept.js";
import { walk } from "./walk.js";

const PREVIEW_AFTER = 150;
const SAVE_AFTER = 900;
const RETRY_AFTER = 5000;
const KEEP_AFTER = 400;

const island = pageData("island");
const { form, fields } = island;
const editable = new Set(island.editable);
const page = document.getElementById("record");
const draft = island.kind === "document" && ["draft", null, undefined].includes(island.record.state);

let stored = island.record; // as the server knows it
let id = island.record.id ?? null;
const values = { ...island.record };
const touched = new Set(); // head fields that were typed into since the last save
const typedEver = new Set(); // … since the page was opened: their defaults do not follow any more
const unset = new Set(); // head fields whose default the server shall give anew
const bad = new Map(); // head fields with text that cannot be read
const grids = new Map();
let linesTouched = new Set();
let change = 0; // counts changes, so that an answer knows whether it is still the newest
let stepTried = false;
let saving = null;
let previewTimer = 0;
let saveTimer = 0;
let previewing = null;
let keepTimer = 0;
let pending = null; // a creation whose answer never came: asked again as it was, so that it is made once
const place = keeper(form, id);

const element = (name) => document.getElementById(`field-${name}`);
const savedWords = (text, isBad = false) => {
  const place = document.getElementById("saved");
  place.textContent = text;
  place.classList.toggle("bad", isBad);
};
const clock = () => new Intl.DateTimeFormat(english ? "en-GB" : "zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date());
const dirty = () => touched.size > 0 || linesTouched.size > 0;

// ---- reading inputs
function read(input, field) {
  if (field.type === "boolean") return input.checked;
  if (field.type === "multi_choice") return [...input.querySelectorAll(":checked")].map((one) => one.value);
  if (field.type === "instant") return input.value ? new Date(input.value).toISOString() : null;
  if (NUMERIC.has(field.type)) return readNumber(input.value);
  return input.value === "" ? null : input.value;
}

function typed(name) {
  const field = fields[name];
  const input = element(name);
  const value = LINKS.has(field.type) ? (input.picked ?? null) : read(input, field);
  if (value === undefined) {
    bad.set(name, say("not_number", { text: input.value }));
    return fault(name, bad.get(name));
  }
  bad.delete(name);
  fault(name, "");
  values[name] = value === "" ? null : value;
  if (NUMERIC.has(field.type)) input.value = showNumber(values[name], field);
  touched.add(name);
  typedEver.add(name);
  unset.delete(name);
  for (const [other, one] of Object.entries(fields)) {
    if (draft && !typedEver.has(other) && !one.computed && mentions(one.default, name)) unset.add(other);
  }
  changed();
}

const mentions = (text, name) => typeof text === "string" && new RegExp(`(^|[^\\p{L}\\p{N}_.])${name}([^\\p{L}\\p{N}_]|$)`, "u").test(text.replace(/"[^"]*"/g, ""));

for (const name of Object.keys(fields)) {
  const input = element(name);
  if (!input) continue;
  if (fields[name].type === "instant" && input.dataset.instant) input.value = localInstant(input.dataset.instant);
  if (LINKS.has(fields[name].type)) {
    input.picked = values[name];
    input.dataset.suggestField = `${form}/${name}`;
    input.addEventListener("pick", () => typed(name));
    input.addEventListener("unknown", (event) => {
      bad.set(name, say("unknown", { text: event.detail, what: fields[name].label }));
      fault(name, bad.get(name));
    });
  } else {
    input.addEventListener("change", () => typed(name));
  }
}

function localInstant(text) {
  const at = new Date(text);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

// ---- lines
/** The links of the head by their ids: what hints of a link in the lines look at. */
const headLinks = () => Object.fromEntries(Object.entries(fields).filter(([name, field]) => LINKS.has(field.type) && values[name]?.id).map(([name]) => [name, values[name].id]));
for (const section of document.querySelectorAll("[data-lines][data-editable]")) {
  const name = section.dataset.lines;
  grids.set(name, createGrid(section, {
    field: fields[name], lines: island.record[name] ?? [], path: name, form,
    editable: (inner) => editable.has(`${name}.${inner}`), structure: editable.has(name), head: headLinks,
    onchange: () => {
      linesTouched.add(name);
      changed();
    },
  }));
}

for (const [name, grid] of grids) {
  const { scan } = fields[name].grid ?? {};
  if (!scan || !editable.has(name)) continue;
  const section = document.querySelector(`[data-lines="${name}"]`);
  import("./grid-scan.js").then(({ scanner }) => scanner(section, grid, { field: fields[name], form, path: name, target: fields[name].fields[scan.item].to }));
}

const plain = (value, field) => (value && typeof value === "object" && !Array.isArray(value) ? (field.type === "reference" ? { form: value.form, id: value.id } : value.id) : value);

function lineValues(row, name, { withId }) {
  const inner = fields[name].fields;
  const result = withId && row.id ? { id: row.id } : {};
  for (const [key, field] of Object.entries(inner)) {
    const value = row.values[key];
    if (field.computed || value === undefined) continue;
    if (value === null && !row.touched.has(key)) continue;
    if (withId && row.id && !editable.has(`${name}.${key}`)) continue;
    result[key] = plain(value, field);
  }
  return result;
}

// ---- what is typed is kept by the browser until it is stored
function keepNow() {
  clearTimeout(keepTimer);
  if (!dirty() && !bad.size && !pending) return place.forget();
  const texts = Object.fromEntries([...bad.keys()].map((name) => [name, element(name).value]));
  const lines = Object.fromEntries([...linesTouched].filter((name) => grids.has(name)).map((name) => [name, grids.get(name).dump()]));
  const head = Object.fromEntries([...touched].map((name) => [name, values[name] ?? null]));
  keptHere = place.keep({ base: id ? stored : null, head, texts, lines, pending: pending && { key: pending.key, body: pending.body } });
}
let keptHere = true;

/** The cell and the field that the hands are in count as well, when the page goes. */
function keepAll() {
  const active = document.activeElement;
  if (active?.matches("[data-field]") && active.value !== (active.shown ?? active.defaultValue)) {
    if (LINKS.has(fields[active.dataset.field].type)) {
      if (active.dirty && active.value.trim()) bad.set(active.dataset.field, "");
    } else typed(active.dataset.field);
  }
  for (const grid of grids.values()) grid.finish();
  keepNow();
}

/** Put back what was typed before; what changed meanwhile on the server is told, and one chooses. */
function putBack(content) {
  for (const [name, value] of Object.entries(content.head ?? {})) {
    if (!editable.has(name) || !(name in fields)) continue;
    values[name] = value;
    touched.add(name);
    typedEver.add(name);
    show(name);
  }
  for (const [name, text] of Object.entries(content.texts ?? {})) {
    const input = element(name);
    if (!input) continue;
    Object.assign(input, { value: text, dirty: true });
    bad.set(name, say("unread", { text }));
    fault(name, bad.get(name));
  }
  for (const [name, rows] of Object.entries(content.lines ?? {})) {
    if (!grids.has(name)) continue;
    grids.get(name).revive(rows);
    linesTouched.add(name);
  }
  if (!id && content.pending) pending = { ...content.pending, sent: new Map([...grids].map(([name, grid]) => [name, grid.rows()])) };
  if (content.base && content.base.version !== stored.version) {
    stored = content.base;
    clearTimeout(saveTimer);
    change += 1;
    return conflict();
  }
  return changed();
}

function keptBar(text, actions) {
  const bar = document.getElementById("kept");
  bar.replaceChildren(make("span", {}, text), ...actions.map(([words, act]) => {
    const button = make("button", { type: "button", class: "btn" }, words);
    button.addEventListener("click", act);
    return button;
  }));
  bar.hidden = false;
}

const timeOf = (at) => {
  const day = new Date(at).toDateString() === new Date().toDateString() ? {} : { month: "numeric", day: "numeric" };
  return new Intl.DateTimeFormat(english ? "en-GB" : "zh-CN", { ...day, hour: "2-digit", minute: "2-digit", hour12: false }).format(at);
};

async function comeBack() {
  const content = place.read();
  const bar = document.getElementById("kept");
  if (content) {
    const giveUp = [say("give_up"), () => {
      place.forget();
      leaveTo(location.pathname + location.search);
    }];
    if (island.editable.length) {
      await putBack(content);
      keptBar(say("restored", { time: timeOf(content.at) }), [giveUp]);
    } else {
      const told = Object.entries(content.head ?? {}).map(([name, value]) => `${fields[name]?.label ?? name}: ${showValue(value, fields[name] ?? {})}`);
      const lines = Object.values(content.lines ?? {}).reduce((sum, rows) => sum + rows.length, 0);
      if (lines) told.push(say("kept_lines", { n: lines }));
      keptBar(say("kept_closed", { time: timeOf(content.at), what: told.join("；") }), [giveUp]);
    }
  } else if (!id && !island.copied) {
    const [other] = await place.others();
    if (!other) return;
    keptBar(say("kept_other", { time: timeOf(other.content.at) }), [
      [say("restore"), () => {
        bar.hidden = true;
        putBack(place.adopt(other.key));
      }],
      [say("give_up"), () => {
        place.drop(other.key);
        bar.hidden = true;
      }]]);
  }
}

// ---- preview
function changed() {
  change += 1;
  clearTimeout(keepTimer);
  keepTimer = setTimeout(keepNow, KEEP_AFTER);
  savedWords(draft ? "" : say("unsaved"));
  if (!draft) document.getElementById("save").hidden = false;
  clearTimeout(previewTimer);
  previewTimer = setTimeout(preview, PREVIEW_AFTER);
  clearTimeout(saveTimer);
  if (draft) saveTimer = setTimeout(() => save({ asked: false }), SAVE_AFTER);
}

function headValues({ all }) {
  const body = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "lines" || field.computed || unset.has(name) || bad.has(name)) continue;
    if (touched.has(name)) body[name] = plain(values[name], field);
    else if (all && values[name] !== null && values[name] !== undefined) body[name] = plain(values[name], field);
  }
  return body;
}

async function preview() {
  previewing?.abort();
  previewing = new AbortController();
  const turn = change;
  // When a default has to follow its source, the record is previewed as if it were new: a stored value would stay.
  const anew = !id || unset.size > 0;
  const body = headValues({ all: anew });
  const sent = new Map();
  for (const [name, grid] of grids) {
    const rows = grid.rows();
    sent.set(name, rows);
    body[name] = rows.map((row) => lineValues(row, name, { withId: !anew && !grid.unset(row) }));
  }
  if (!anew) body.id = id;
  try {
    const answer = await api("POST", `/records/${form}/preview`, { body, signal: previewing.signal });
    if (turn !== change) return;
    take(answer.record, sent);
    showFaults(answer.faults.filter((one) => stepTried || worthSaying(one)), sent, { summary: false });
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error instanceof Refused) showFaults(error.problem.errors ?? [], sent, { summary: false });
    else savedWords(say("offline"), true);
  }
}

/** While somebody is still typing, what is merely missing yet is no fault, nor a figure that cannot be computed without it. */
const worthSaying = (one) => !["required", "formula_error"].includes(one.code) && !one.code?.endsWith(".required");

/** Figures and defaults that the server computed; typed values and the focus stay. */
function take(record, sent) {
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "lines") {
      if (grids.has(name)) grids.get(name).merge(record[name] ?? [], sent.get(name) ?? []);
      continue;
    }
    if (!(name in record) || !(field.computed || unset.has(name) || (!touched.has(name) && !id))) continue;
    values[name] = record[name];
    if (unset.delete(name)) touched.add(name);
    show(name);
  }
}

function show(name) {
  const field = fields[name];
  const text = showValue(values[name], field);
  for (const total of document.querySelectorAll(`[data-total="${name}"], [data-total-bar="${name}"]`)) total.textContent = text || "–";
  for (const other of document.querySelectorAll("[data-secondary]")) {
    other.hidden = String(values[other.querySelector("dd").dataset.total]) === String(values[other.dataset.secondary]);
  }
  const still = document.querySelector(`[data-text="${name}"]`);
  if (still) still.textContent = text || "–";
  const input = element(name);
  if (!input || (input === document.activeElement && input.value !== (input.shown ?? input.defaultValue))) return;
  if (field.type === "boolean") input.checked = Boolean(values[name]);
  else if (field.type === "multi_choice") input.querySelectorAll("input").forEach((one) => (one.checked = (values[name] ?? []).includes(one.value)));
  else if (field.type === "instant") input.value = values[name] ? localInstant(values[name]) : "";
  else if (LINKS.has(field.type)) {
    input.picked = values[name];
    input.dirty = false;
    input.value = text;
    const code = input.parentElement.querySelector("[data-code]");
    if (code) code.textContent = values[name]?.code ?? "";
  } else input.value = field.options || field.type === "date" ? (values[name] ?? "") : text;
  input.shown = input.value;
  if (input === document.activeElement) input.select?.();
}

// ---- saving
/** Save what was typed; one at a time. Resolves to true when everything is stored. A cell that is being typed into
 *  is only taken along when somebody asked for the save: by itself it must never cut a word in two. */
async function save({ asked = true } = {}) {
  clearTimeout(saveTimer);
  if (asked) {
    if (document.activeElement?.matches("[data-field]")) document.activeElement.dispatchEvent(new Event("change"));
    for (const grid of grids.values()) await grid.settle();
  }
  if (saving) return saving.then(() => (dirty() ? save({ asked }) : true));
  if (!dirty() && id) return bad.size === 0;
  saving = store(asked);
  let done;
  try {
    done = await saving;
  } finally {
    saving = null;
  }
  return done === "again" ? save({ asked }) : done;
}

async function store(asked) {
  clearTimeout(previewTimer);
  if (unset.size || [...grids.values()].some((grid) => grid.rows().some((row) => grid.unset(row)))) await preview();
  const turn = change;
  const sent = new Map([...grids].map(([name, grid]) => [name, grid.rows()]));
  const body = headValues({ all: !id });
  const typedNow = new Set(touched);
  for (const name of id ? linesTouched : grids.keys()) body[name] = sent.get(name).map((row) => lineValues(row, name, { withId: true }));
  const linesNow = new Set(linesTouched);
  savedWords(say("saving"));
  try {
    if (!id) return await makeRecord(body, sent, { typedNow, linesNow, turn });
    const record = await api("PATCH", `/records/${form}/${id}`, { body, version: stored.version });
    accept(record, sent, { typedNow, linesNow, newest: turn === change });
    return turn === change ? bad.size === 0 : true;
  } catch (error) {
    return failed(error, sent, asked);
  }
}

/** A creation that was not answered is asked again with its first body and key, so it is made once; what was typed
 *  since follows as a change. */
async function makeRecord(body, sent, { typedNow, linesNow, turn }) {
  const again = pending !== null;
  pending ??= { key: crypto.randomUUID(), body, sent };
  try {
    const record = await api("POST", `/records/${form}`, { body: pending.body, key: pending.key });
    const rows = pending.sent;
    pending = null;
    const newest = !again && turn === change;
    place.becomes(record.id);
    accept(record, rows, { typedNow, linesNow, newest });
    if (again && dirty()) return "again";
    return newest ? bad.size === 0 : true;
  } catch (error) {
    if (error instanceof Refused) pending = null; // it was answered: nothing was made
    throw error;
  }
}

function accept(record, sent, { typedNow, linesNow, newest }) {
  const first = !id;
  stored = record;
  id = record.id;
  if (newest) {
    typedNow.forEach((name) => touched.delete(name));
    linesNow.forEach((name) => linesTouched.delete(name));
    grids.forEach((grid) => grid.clean());
    document.getElementById("kept").hidden = true;
  }
  keepNow();
  for (const [name, rows] of sent) rows.forEach((row, index) => (row.id = record[name]?.[index]?.id ?? row.id));
  take(record, sent);
  values.state = record.state;
  document.getElementById("conflict").hidden = true;
  if (!stepTried) showFaults([], sent, { summary: true });
  savedWords(say("saved", { time: clock() }));
  if (first) {
    history.replaceState(null, "", `/f/${form}/${id}`);
    page.dataset.id = id;
    document.getElementById("heading").textContent = record.number ?? record.code ?? page.dataset.label;
    document.querySelector(".crumbs .here").textContent = record.number ?? record.code ?? page.dataset.draft;
    if (draft) refreshAround();
    else leaveTo(`/f/${form}/${id}`);
  }
  document.body.dispatchEvent(new Event("anlan:saved"));
}

/** A record that has just come to be has more actions, links and a trail; what is being typed stays untouched. */
async function refreshAround() {
  const answer = await fetch(`/f/${form}/${id}`, { credentials: "same-origin" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of [".record-side", ".record-head .actions"]) {
    const place = document.querySelector(part);
    const focused = place.contains(document.activeElement);
    if (focused || place.querySelector("[aria-busy=true]")) continue;
    place.replaceChildren(...fresh.querySelector(part).children);
    window.htmx?.process(place);
  }
}

async function failed(error, sent, asked) {
  if (!(error instanceof Refused)) {
    savedWords(say("offline"), true);
    keepNow();
    saveTimer = setTimeout(() => save({ asked: false }), RETRY_AFTER);
    return false;
  }
  savedWords(say("unsaved"), true);
  const found = error.problem.errors ?? [{ path: "", message: error.message }];
  if (error.status === 412) await conflict();
  // A save that nobody asked for marks what is wrong and leaves the hands where they are.
  else if (asked) showFaults(found, sent, { summary: true });
  else showFaults(found.filter((one) => stepTried || worthSaying(one)), sent, { summary: false });
  return false;
}

// ---- somebody else was quicker
async function conflict() {
  const theirs = await api("GET", `/records/${form}/${id}`);
  const sent = new Map([...grids].map(([name, grid]) => [name, grid.rows()]));
  if (alreadyStored(theirs, sent)) {
    // Our own change, whose answer was lost on the way.
    accept(theirs, sent, { typedNow: new Set(touched), linesNow: new Set(linesTouched), newest: true });
    return;
  }
  const differences = differencesOf({ fields, stored, theirs, mine: values, touched, grids });
  const box = document.getElementById("conflict");
  const self = theirs.updated_by?.code === document.body.dataset.login;
  const who = self ? say("yourself") : (theirs.updated_by?.label ?? say("somebody"));
  const keep = make("button", { type: "button", class: "btn btn-primary" }, say("keep_mine"));
  const drop = make("button", { type: "button", class: "btn" }, say("take_theirs"));
  keep.addEventListener("click", () => {
    const before = stored;
    stored = theirs;
    for (const [name, field] of Object.entries(fields)) {
      if (field.type === "lines") grids.get(name)?.rebase(theirs[name] ?? [], before[name] ?? []);
      else if (!touched.has(name)) {
        values[name] = theirs[name];
        show(name);
      }
    }
    box.hidden = true;
    if (theirs.state !== island.record.state) {
      // What may be typed into is another now: the page is asked anew, with what was typed.
      keepNow();
      return location.reload();
    }
    return save();
  });
  drop.addEventListener("click", () => {
    place.forget();
    leaveTo(`/f/${form}/${id}`);
  });
  box.replaceChildren(make("b", {}, say("conflict", { who })),
    differences.length ? make("ul", {}, ...differences.map(([label, before, now, mine]) => make("li", {}, `${label} `, before ? make("del", {}, before) : "", " → ", make("ins", {}, `${now || "–"}`), ` (${say("theirs")})`, mine ? `, ${mine} (${say("mine")})` : ""))) : make("p", {}, say("no_difference")),
    make("div", { class: "actions" }, keep, drop));
  box.hidden = false;
  box.focus();
}

const alreadyStored = (theirs, sent) =>
  theirs.updated_by?.code === document.body.dataset.login && dirty() &&
  [...touched].every((name) => same(values[name], theirs[name], fields[name])) &&
  [...linesTouched].every((name) => sent.get(name)?.length === (theirs[name] ?? []).length &&
    sent.get(name).every((row, at) => [...row.dirty].every((key) => same(row.values[key], theirs[name][at][key], fields[name].fields[key]))));

// ---- faults
function fault(name, words) {
  const place = document.getElementById(`fault-${name}`);
  const input = element(name);
  if (!place) return;
  place.textContent = words;
  place.hidden = !words;
  if (words) input?.setAttribute("aria-invalid", "true");
  else input?.removeAttribute("aria-invalid");
}

/** Whether something is typed that cannot be read (it is kept as text); it is told like any fault. */
function unreadable() {
  const cells = [...grids].flatMap(([name, grid]) => grid.bad().map((one) => ({ grid, ...one, path: `${name}[].${one.name}` })));
  if (!cells.length && !bad.size) return false;
  tell([...[...bad].map(([name, words]) => [words, "", () => element(name).focus()]),
    ...cells.map(({ grid, row, name, message }) => [`${say("line", { n: grid.number(row) })}: ${message}`, "", () => grid.focus(row, name)])]);
  return true;
}

const PATH = /^(\w+)(?:\[(\d+)\](?:\.(\w+))?)?/;

function showFaults(found, sent, { summary }) {
  Object.keys(fields).forEach((name) => bad.has(name) || fault(name, ""));
  const lines = new Map([...grids.keys()].map((name) => [name, []]));
  const entries = [];
  for (const one of found) {
    const [, name, index, inner] = PATH.exec(one.path ?? "") ?? [];
    const words = one.message ?? one.code;
    if (index !== undefined && lines.has(name)) {
      const row = sent.get(name)?.[Number(index)];
      lines.get(name).push({ index: Number(index), name: inner ?? fields[name].order[0], message: words });
      entries.push([`${say("line", { n: row ? grids.get(name).number(row) : Number(index) + 1 })}: ${words}`, one.help, () => row && grids.get(name).focus(row, inner)]);
    } else {
      if (name in fields) fault(name, words);
      const target = element(name);
      entries.push([words, one.help, grids.has(name) ? () => grids.get(name).focusFirst() : target ? () => target.focus() : null]);
    }
  }
  for (const [name, grid] of grids) grid.faults(lines.get(name), sent.get(name) ?? []);
  const place = document.getElementById("faults");
  if (!summary && (place.hidden || found.length)) return;
  tell(entries);
}

/** The summary on top: what is to be mended, each a link that jumps there. */
function tell(entries) {
  const place = document.getElementById("faults");
  place.hidden = entries.length === 0;
  if (!entries.length) return;
  place.replaceChildren(make("b", {}, say("faults", { n: entries.length })), make("ul", {}, ...entries.map(([words, help, jump]) => {
    const link = jump ? make("a", { href: "#" }, words) : make("span", {}, words);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      jump?.();
    });
    return make("li", {}, link, help ? make("span", { class: "help" }, ` ${help}`) : "");
  })));
  place.focus();
  place.scrollIntoView({ block: "center" });
}

// ---- steps
async function take_step(button) {
  stepTried = true;
  const comment = "ask" in button.dataset ? await ask(button.dataset.words, button.dataset.ask === "decision" ? say("ask_decision") : say("ask_text")) : "";
  if (comment === null) return;
  await busy(button, async () => {
    if (!(await save()) || !id || unreadable()) return;
    const answer = await api("POST", `/records/${form}/${id}/do/${button.dataset.step}`, { body: comment ? { comment } : {}, version: stored.version, key: crypto.randomUUID() });
    if (answer.approval?.status === "waiting") sessionStorage.setItem("anlan.said", say("waiting", { who: answer.approval.who.map((one) => one.label).join("、") }));
    leaveTo(`/f/${form}/${id}`);
  });
}

async function makeNext(button) {
  await busy(button, async () => {
    if (!(await save())) return;
    const next = await api("POST", `/records/${form}/${id}/make/${button.dataset.make}`, { body: {}, key: crypto.randomUUID() });
    leaveTo(`/f/${next.form ?? button.dataset.make}/${next.id}`);
  });
}

async function remove(button) {
  const title = say(island.kind === "document" ? "delete_title" : "delete_one_title");
  if ((await ask(title, say("delete_text"), { yes: say("delete"), comment: false })) === null) return;
  await busy(button, async () => {
    await api("DELETE", `/records/${form}/${id}`);
    // The list that comes next offers to take it back (list.js).
    sessionStorage.setItem("anlan.deleted", JSON.stringify({ id, form, what: stored.number ?? stored.code ?? page.dataset.draft }));
    leaveTo(`/f/${form}`);
  });
}

async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return; // a double click is one click
  document.querySelectorAll(".pop:popover-open").forEach((one) => one.hidePopover());
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    const sent = new Map([...grids].map(([name, grid]) => [name, grid.rows()]));
    if (error instanceof Refused && error.status === 412) await conflict();
    else if (error instanceof Refused) showFaults(error.problem.errors ?? [{ path: "", message: error.message }], sent, { summary: true });
    else savedWords(say("offline"), true);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function leaveTo(url) {
  touched.clear();
  linesTouched.clear();
  bad.clear();
  clearTimeout(keepTimer);
  if (location.pathname === url) location.reload();
  else location.assign(url);
}

/** The small dialog before what cannot be undone: the comment, or null for "back". */
function ask(title, text, { yes = title, comment = true } = {}) {
  const dialog = document.getElementById("ask");
  document.querySelectorAll(".pop:popover-open").forEach((one) => one.hidePopover());
  dialog.querySelector("#ask-title").textContent = title;
  dialog.querySelector("#ask-text").textContent = text;
  dialog.querySelector("#ask-yes").textContent = yes;
  dialog.querySelector("label").hidden = !comment;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes" ? dialog.querySelector("textarea").value.trim() : null), { once: true });
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step], [data-make], [data-act=save], [data-act=delete]");
  if (!button || !page.contains(button)) return;
  if (button.dataset.step) take_step(button);
  else if (button.dataset.make) makeNext(button);
  else if (button.dataset.act === "save") {
    stepTried = true;
    busy(button, save);
  } else remove(button);
});
document.addEventListener("keydown", (event) => {
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "s") save();
  else if (event.altKey && key === "s") document.querySelector(".record-head .btn-primary[data-step], .record-head .btn-primary[data-make]")?.click();
  else if (event.altKey && (key === "pageup" || key === "pagedown")) walk(key === "pageup" ? -1 : 1);
  else if (key === "enter" && event.target.matches?.(".field .form-control, .field .form-select, .field .form-check-input") && !(event.target.matches("textarea") && event.target.value)) nextField(event.target);
  else return;
  event.preventDefault();
});

/** Enter goes on: to the next field, after the last one into the lines. */
function nextField(input) {
  const every = [...document.querySelectorAll(".field .form-control, .field .form-select, .field .form-check-input")].filter((one) => !one.disabled && one.offsetParent);
  const next = every[every.indexOf(input) + 1];
  if (next) next.focus();
  else if (grids.size) grids.values().next().value.focusFirst();
}

addEventListener("beforeunload", (event) => {
  if (dirty() && !keptHere) event.preventDefault(); // only where the browser keeps nothing
});
addEventListener("pagehide", keepAll);
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // the back button: as it is now, with what was typed
});
addEventListener("online", () => {
  if (dirty()) save({ asked: false });
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return;
  keepNow();
  if (draft && dirty()) save({ asked: false });
});
const said = sessionStorage.getItem("anlan.said");
if (said) {
  sessionStorage.removeItem("anlan.said");
  savedWords(said);
  announce(said);
}
if (!id) document.querySelector(".field .form-control:not([value]), .field .form-control[value='']")?.focus();
if (island.copied?.length) {
  // A copy is typed as far as saving goes; what it does not bring along follows its defaults.
  for (const name of island.copied) {
    if (fields[name].type === "lines") {
      grids.get(name)?.touchAll();
      linesTouched.add(name);
    } else {
      touched.add(name);
      typedEver.add(name);
    }
  }
  history.replaceState(null, "", location.pathname);
  changed();
}
comeBack();
