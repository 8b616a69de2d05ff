// Lists by keyboard: up and down walk the rows, Enter opens, Space shows one in a side panel without leaving the list.

import { announce, api, make, say } from "./base.js";

const rows = () => [...document.querySelectorAll("[data-rows] tbody tr[data-href]")];
const current = () => document.querySelector("tr.walked");
const rowOf = (id) => document.querySelector(`tr[data-id="${id}"]`);
let panel = null;
let asked = 0;

/** The list as it is now, without leaving the page. */
export const refresh = () => window.htmx.ajax("GET", location.pathname + location.search + (location.search ? "&" : "?") + "part=list", { target: "#list", swap: "outerMorph" });

function mark(row) {
  current()?.classList.remove("walked");
  row.classList.add("walked");
  row.scrollIntoView({ block: "nearest" });
  if (!panel?.contains(document.activeElement)) row.querySelector("td.first a")?.focus({ preventScroll: true });
}

function walk(step) {
  const every = rows();
  if (!every.length) return;
  const now = every.indexOf(current());
  const next = every[Math.max(0, Math.min(every.length - 1, now < 0 ? 0 : now + step))];
  mark(next);
  if (panel) peek(next);
}

// ---- the side panel
async function peek(row) {
  const turn = ++asked;
  const answer = await fetch(`${row.dataset.href}?part=peek`, { credentials: "same-origin" }).catch(() => null);
  if (turn !== asked) return; // somebody has walked on meanwhile
  if (!panel) {
    panel = document.body.appendChild(make("aside", { class: "peek", "aria-label": say("peek"), tabindex: "-1" }));
    document.body.classList.add("peeking");
  }
  if (!answer) return panel.replaceChildren(make("p", { class: "part-error" }, say("not_reached")));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  panel.replaceChildren(...page.body.childNodes);
  panel.scrollTop = 0;
  const heading = panel.querySelector(".peek-head h2");
  if (heading) announce(heading.textContent);
}

function closePanel() {
  if (!panel) return;
  asked += 1;
  panel.remove();
  panel = null;
  document.body.classList.remove("peeking");
  current()?.querySelector("td.first a")?.focus({ preventScroll: true });
}

/** One step of one record; what is refused is told beside it. */
async function step(form, id, name, tell) {
  try {
    const done = await api("POST", `/records/${form}/${id}/do/${name}`, { body: {}, key: crypto.randomUUID() });
    announce(done.approval ? say("move_waits") : `${done.number ?? ""}`);
    await refresh();
    const row = rowOf(id);
    if (row) {
      mark(row);
      if (panel) peek(row);
    } else if (panel) {
      closePanel(); // it has left this filter
    }
  } catch (error) {
    tell(error instanceof TypeError ? say("not_reached") : error.message);
  }
}

/** A sentence above the list; the next one takes its place. */
export function told(text, button) {
  document.querySelector(".said")?.remove();
  const bar = make("div", { class: "said", role: "status" }, make("span", {}, text), button ?? "");
  document.getElementById("main").prepend(bar);
  announce(text);
  return bar;
}

const island = () => JSON.parse(document.getElementById("list-island").textContent);

const ACTS = {
  peek: (button) => {
    const row = button.closest("tr");
    mark(row);
    peek(row);
  },
  rowStep: (button) => {
    button.disabled = true;
    const row = button.closest("tr");
    step(island().form, row.dataset.id, button.dataset.rowStep, (text) => {
      button.disabled = false;
      told(`${row.querySelector("td.first").textContent.trim()}: ${text}`);
    });
  },
  peekWalk: (button) => walk(Number(button.dataset.peekWalk)),
  peekClose: closePanel,
  peekStep: (button) => {
    button.disabled = true;
    const error = panel.querySelector("[data-peek-error]");
    step(island().form, panel.querySelector("[data-peek-of]").dataset.peekOf, button.dataset.peekStep, (text) => {
      button.disabled = false;
      error.textContent = text;
      error.hidden = false;
      error.scrollIntoView({ block: "nearest" });
    });
  },
  peekMake: async (button) => {
    button.disabled = true;
    const error = panel.querySelector("[data-peek-error]");
    try {
      const made = await api("POST", `/records/${island().form}/${panel.querySelector("[data-peek-of]").dataset.peekOf}/make/${button.dataset.peekMake}`, { body: {}, key: crypto.randomUUID() });
      location.assign(`/f/${made.form}/${made.id}`);
    } catch (refused) {
      button.disabled = false;
      error.textContent = refused instanceof TypeError ? say("not_reached") : refused.message;
      error.hidden = false;
    }
  },
};

document.addEventListener("click", (event) => {
  for (const [name, act] of Object.entries(ACTS)) {
    const button = event.target.closest(`[data-${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}]`);
    if (button?.tagName === "BUTTON") return act(button);
  }
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, .pick") || getSelection().toString()) return;
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
  else location.assign(row.dataset.href);
});
document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=checkbox]), textarea, select, dialog, [popover]");
  if (field?.dataset.key === "find" && ["ArrowDown", "Enter"].includes(event.key) && !event.isComposing) {
    if (searching) thenWalk = true;
    else walk(1);
    return event.preventDefault();
  }
  if (field || event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("button, input, summary, .peek a") && [" ", "Enter"].includes(event.key)) return;
  const row = current();
  if (event.key === "ArrowDown") walk(1);
  else if (event.key === "ArrowUp") walk(-1);
  else if (event.key === "Enter" && row && !event.target.closest("a")) location.assign(row.dataset.href);
  else if (event.key === " " && row) panel ? closePanel() : peek(row);
  else if (event.key === "x" && row) row.querySelector("[data-pick]")?.click();
  else if (event.key === "Escape" && panel) closePanel();
  else return;
  event.preventDefault();
});

// ---- the search box: from the words that were searched for to what was found; a word for days before them is a filter
let searching = false;
let thenWalk = false;
document.addEventListener("input", (event) => {
  const input = event.target.closest("[data-key=find]");
  if (!input) return;
  searching = true;
  if (!input.dataset.day || event.isComposing) return;
  const word = Object.keys(island().days).find((one) => input.value.toLowerCase().startsWith(`${one.toLowerCase()} `) || input.value.startsWith(`${one}\u3000`));
  if (!word) return;
  input.value = input.value.slice(word.length + 1);
  const chip = { add_field: input.dataset.day, add_operator: "during", add_value: island().days[word] };
  input.form.append(...Object.entries(chip).map(([name, value]) => make("input", { type: "hidden", name, value })));
}, true);
document.addEventListener("htmx:after:swap", () => {
  searching = false;
  if (thenWalk) walk(1);
  thenWalk = false;
});

// ---- many pages of rows: those far from the screen leave the document until they come near again
const PAGES_KEPT = 5;
const away = new Map(); // a page's tbody -> its rows
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) bring(entry.target);
    else if (document.querySelectorAll("tbody.rows-page").length > PAGES_KEPT) leave(entry.target, entry.boundingClientRect.height);
  }
}, { rootMargin: "2500px 0px" });
function leave(body, height) {
  if (away.has(body) || height < 1 || body.querySelector(".walked") || body.contains(document.activeElement)) return;
  const space = make("tr", { class: "space", "aria-hidden": "true" }, make("td", { colspan: "99" }));
  space.firstChild.style.height = `${height}px`;
  away.set(body, [...body.childNodes]);
  body.replaceChildren(space);
}
function bring(body) {
  if (!away.has(body)) return;
  body.replaceChildren(...away.get(body));
  away.delete(body);
}
/** The rows of every page that was loaded, on the screen or not. */
export const everyRow = () => [...document.querySelectorAll("tbody.rows-page")].flatMap((body) => (away.get(body) ?? [...body.children]).filter((one) => one.dataset?.id));
function watch() {
  for (const body of away.keys()) if (!body.isConnected) away.delete(body);
  document.querySelectorAll("tbody.rows-page").forEach((body) => watcher.observe(body));
}
document.addEventListener("htmx:after:swap", watch);
watch();

// A list that was swapped for itself has an empty count, and nothing that would ask for it again.
document.addEventListener("htmx:after:swap", () => setTimeout(() => {
  const counter = document.querySelector("[data-count]");
  if (counter && !document.getElementById("count").textContent) counter.dispatchEvent(new Event("anlan:uncounted"));
}, 200));

// What was deleted a moment ago, on its record's page: said, and taken back by one press.
const deleted = JSON.parse(sessionStorage.getItem("anlan.deleted") || "null");
sessionStorage.removeItem("anlan.deleted");
if (deleted && location.pathname === `/f/${deleted.form}`) {
  const undo = make("button", { type: "button", class: "btn" }, say("undo"));
  const bar = told(say(deleted.view ? "view_deleted" : "deleted", { what: deleted.what }), undo);
  undo.addEventListener("click", async () => {
    undo.disabled = true;
    try {
      const path = deleted.view ? `/views/${deleted.form}/${deleted.id}/restore` : `/recycle-bin/${deleted.id}/restore`;
      const back = await api("POST", path, { key: crypto.randomUUID() });
      location.assign(deleted.view ? `/f/${deleted.form}?view=${back.id}` : `/f/${back.form}/${back.id}`);
    } catch (error) {
      bar.firstChild.textContent = error.message;
      undo.remove();
      announce(error.message);
    }
  });
}
