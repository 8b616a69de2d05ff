// Many records at once: boxes, a range with Shift, all of the filter; steps, one field, paper, a sheet, the recycle bin.

import { announce, api, make, readNumber, say } from "./base.js";
import { everyRow, refresh, told } from "./list.js";

const byId = (id) => document.getElementById(id);
const island = () => JSON.parse(byId("list-island").textContent);
const AT_ONCE = 100; // as the kernel has it: more are a job
const PAGES_AT_ONCE = 5;
const MOST_SOURCES = 200; // as the kernel has it: one document from at most so many
const picked = new Map(); // id -> state
let everything = false; // all of the filter
let last = null;

const total = () => Number((byId("count")?.textContent || "").replaceAll(",", "")) || 0;
const count = () => (everything ? total() : picked.size);
const chosen = () => {
  const { where, now } = island();
  return everything ? { where, search: now.search, sort: now.sort } : { ids: [...picked.keys()], sort: now.sort };
};

function pick(row, on) {
  const box = row.querySelector("[data-pick]");
  box.checked = on;
  row.classList.toggle("picked", on);
  if (on) picked.set(row.dataset.id, row.dataset.state ?? "");
  else picked.delete(row.dataset.id);
}

function clear() {
  everything = false;
  everyRow().forEach((row) => pick(row, false));
  picked.clear();
  last = null;
  show();
}

function show() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  bar.hidden = picked.size === 0;
  const every = everyRow();
  const loaded = every.length > 0 && every.every((row) => picked.has(row.dataset.id));
  const head = document.querySelector("[data-pick-all]");
  if (head) {
    head.checked = loaded;
    head.indeterminate = !loaded && picked.size > 0;
  }
  bar.querySelector("[data-bulk-count]").textContent = say(everything ? "all_chosen" : "chosen", { n: count().toLocaleString("en") });
  const all = bar.querySelector("[data-bulk-all]");
  all.hidden = everything || !loaded || total() <= picked.size;
  all.textContent = say("choose_all", { n: total().toLocaleString("en") });
  const steps = byId("bulk-steps");
  if (steps) {
    const states = new Set(picked.values());
    const found = island().steps.filter((one) => everything || one.from.some((state) => states.has(state)));
    steps.replaceChildren(...(found.length ? found.map((one) =>
      make("button", { type: "button", role: "menuitem", class: `pop-item${one.danger ? " danger" : ""}`, "data-bulk-step": one.key }, one.label)) : [make("p", { class: "quiet" }, say("no_step"))]));
  }
  const makes = byId("bulk-makes");
  if (makes) {
    document.querySelector("[popovertarget=bulk-makes]").hidden = everything || picked.size > MOST_SOURCES; // the documents are named one by one
    const found = island().makes.filter((one) => takenBy(one).length);
    makes.replaceChildren(...(found.length ? found.map((one) =>
      make("button", { type: "button", role: "menuitem", class: "pop-item", "data-bulk-make": one.key }, one.label)) : [make("p", { class: "quiet" }, say("no_make"))]));
  }
}

/** The chosen records that a conversion may be made of by their state. */
const takenBy = (one) => [...picked].filter(([, state]) => one.from.includes(state)).map(([id]) => id);

/** One document from the chosen ones: a draft that opens. What their heads disagree about is asked for and said. */
async function makeOne(wanted) {
  const dialog = byId("make-one");
  const ids = takenBy(wanted);
  const left = picked.size - ids.length;
  byId("make-one-title").textContent = say("make_one", { what: wanted.label });
  byId("make-one-text").textContent = say("make_one_text", { n: ids.length }) + (left ? ` ${say("make_states", { n: left })}` : "");
  const fault = dialog.querySelector(".part-error");
  const heads = dialog.querySelector(".said-heads");
  fault.hidden = true;
  heads.replaceChildren();
  dialog.returnValue = "";
  dialog.showModal();
  const form = dialog.querySelector("form");
  const yes = form.querySelector("[value=yes]");
  let key = crypto.randomUUID();
  form.onsubmit = async (event) => {
    if (event.submitter !== yes) return;
    event.preventDefault();
    if (yes.disabled) return;
    yes.disabled = true;
    try {
      const body = { ids };
      for (const one of heads.children) body[one.dataset.field] = valueOf(one.querySelector("[name=value]"));
      const made = await api("POST", `/records/${island().form}/make/${wanted.to}`, { body, key });
      location.assign(`/f/${made.form ?? wanted.to}/${made.id}`);
    } catch (error) {
      key = crypto.randomUUID();
      await askHeads(heads, wanted, error.problem?.errors ?? []);
      fault.textContent = error instanceof TypeError ? say("not_reached") : error.problem?.errors?.[0]?.message || error.message;
      fault.hidden = false;
      yes.disabled = false;
    }
  };
  dialog.addEventListener("close", () => { yes.disabled = false; }, { once: true });
}

/** The inputs of what the documents disagree about and may be chosen, as a change of many records has them. */
async function askHeads(place, wanted, faults) {
  for (const { code, path: field } of faults) {
    if (code !== "conversion.heads_differ" || !wanted.open.includes(field) || place.querySelector(`[data-field="${field}"]`)) continue;
    const answer = await fetch(`/f/${wanted.to}/field?field=${field}`, { credentials: "same-origin" });
    if (!answer.ok) continue; // a field that the person may not write: the sentence says what is left to do
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const box = make("div", { "data-field": field }, ...page.body.childNodes);
    const label = box.querySelector("[data-label]");
    label.querySelector("span").textContent = label.dataset.label; // here it is not beside the field's name
    place.append(box);
    window.htmx.process(box);
    box.querySelector("[name=value]").focus();
  }
}

/** Ask with words; the reason, or undefined when it was thought better of. */
function ask(title, text, reason) {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = title;
  const field = dialog.querySelector("textarea");
  field.value = "";
  field.closest("label").hidden = !reason;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes" ? field.value.trim() : undefined), { once: true }));
}

async function send(body) {
  const dialog = byId("bulk-result");
  const place = byId("bulk-told");
  place.replaceChildren(make("p", {}, say("working")), make("progress", { "aria-label": say("working") }));
  dialog.showModal();
  try {
    const form = new FormData();
    form.set("body", JSON.stringify({ ...body, ...chosen() }));
    const answer = await fetch(`/f/${island().form}/bulk`, { method: "POST", body: new URLSearchParams(form), credentials: "same-origin", headers: { "HX-Request": "true" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceChildren(...page.body.childNodes);
    window.htmx.process(place);
  } catch {
    place.replaceChildren(make("p", { class: "part-error" }, say("not_reached")));
  }
}

byId("bulk-result").addEventListener("close", () => {
  // What was refused stays chosen: it can be mended and asked for again.
  const refused = new Set([...byId("bulk-told").querySelectorAll("tr[data-outcome=refused] a")].map((one) => one.href.split("/").pop()));
  const keep = refused.size > 0 && refused.size < picked.size;
  for (const id of [...picked.keys()]) if (!keep || !refused.has(id)) picked.delete(id);
  everything = false;
  byId("bulk-told").replaceChildren();
  refresh();
});

async function exported() {
  const { form, where, now } = island();
  if (!everything && picked.size <= AT_ONCE) {
    const query = new URLSearchParams({ ids: [...picked.keys()].join(","), ...(now.sort ? { sort: now.sort } : {}) });
    location.assign(`/api/v1/export/${form}?${query}`);
    return;
  }
  const body = everything ? { where, search: now.search, sort: now.sort } : { ids: [...picked.keys()], sort: now.sort };
  for (const name of ["where", "search", "sort"]) if (!body[name]) delete body[name];
  const { job } = await api("POST", `/export/${form}`, { body, key: crypto.randomUUID() });
  const answer = await fetch(`/f/${form}/bulk/${job}?part=1`, { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  byId("bulk-told").replaceChildren(...page.body.childNodes);
  window.htmx.process(byId("bulk-told"));
  byId("bulk-result").showModal();
}

function valueOf(input) {
  if (input.dataset.kind === "boolean") return input.value === "true";
  if (input.dataset.kind === "list") return [...input.selectedOptions].map((one) => one.value);
  const text = input.value.trim();
  if (input.dataset.kind !== "number") return text || null;
  const read = readNumber(text);
  if (read === undefined) throw new Error(say("not_number", { text }));
  return read || null;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-bulk-set]");
  if (!form) return;
  event.preventDefault();
  if (!form.elements.value) return;
  try {
    const body = { action: "set", values: { [form.elements.field.value]: valueOf(form.elements.value) } };
    byId("bulk-set").hidePopover();
    send(body);
  } catch (error) {
    form.querySelector(".part-error")?.remove();
    form.append(make("p", { class: "part-error", role: "alert" }, error.message));
  }
});

document.addEventListener("click", async (event) => {
  const box = event.target.closest("[data-pick]");
  if (box) {
    const row = box.closest("tr");
    const every = everyRow();
    everything = false;
    if (event.shiftKey && last) {
      const [from, to] = [every.findIndex((one) => one.dataset.id === last), every.indexOf(row)].sort((a, b) => a - b);
      every.slice(Math.max(0, from), to + 1).forEach((one) => pick(one, box.checked));
    } else pick(row, box.checked);
    last = row.dataset.id;
    return show();
  }
  if (event.target.closest("[data-pick-all]")) {
    const on = event.target.checked;
    everything = false;
    everyRow().forEach((row) => pick(row, on));
    return show();
  }
  if (event.target.closest("[data-bulk-all]")) {
    everything = true;
    show();
    return announce(say("all_chosen", { n: count() }));
  }
  if (event.target.closest("[data-bulk-none]")) return clear();
  const step = event.target.closest("[data-bulk-step]");
  const print = event.target.closest("[data-bulk-print]");
  const one = event.target.closest("[data-bulk-make]");
  if (one) {
    byId("bulk-makes").hidePopover();
    makeOne(island().makes.find((each) => each.key === one.dataset.bulkMake));
  } else if (step) {
    byId("bulk-steps").hidePopover();
    const wanted = island().steps.find((one) => one.key === step.dataset.bulkStep);
    const comment = await ask(wanted.label, say("ask_bulk", { n: count(), what: wanted.label }), wanted.ask);
    if (comment !== undefined) send({ action: "step", transition: wanted.key, ...(comment ? { comment } : {}) });
  } else if (print) {
    byId("bulk-print").hidePopover();
    const { form, now } = island();
    if (!everything && picked.size <= PAGES_AT_ONCE) {
      const query = new URLSearchParams({ print: print.dataset.bulkPrint, ids: [...picked.keys()].join(","), ...(now.sort ? { sort: now.sort } : {}) });
      window.open(`/api/v1/print/${form}?${query}`, "_blank", "noopener");
    } else send({ print: print.dataset.bulkPrint });
  } else if (event.target.closest("[data-bulk-export]")) {
    exported().catch((error) => told(error instanceof TypeError ? say("not_reached") : error.message));
  } else if (event.target.closest("[data-bulk-delete]")) {
    const sure = count() <= AT_ONCE ? "" : await ask(say("delete"), say("ask_delete", { n: count() }), false);
    if (sure !== undefined) send({ action: "delete" });
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && picked.size && !event.defaultPrevented && !event.target.closest("dialog, [popover], input:not([type=checkbox]), select, textarea")) clear();
});
document.addEventListener("htmx:after:swap", () => {
  const here = new Set();
  for (const row of everyRow()) {
    here.add(row.dataset.id);
    pick(row, picked.has(row.dataset.id));
  }
  for (const id of [...picked.keys()]) if (!here.has(id)) picked.delete(id);
  show();
});
