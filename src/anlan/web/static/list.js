// Lists by keyboard: up and down walk the rows, Enter opens, Space shows one in a side panel without leaving the list.

import { announce, api, make, say } from "./base.js";

const rows = () => [...document.querySelectorAll("[data-rows] tbody tr[data-href]")];
const current = () => document.querySelector("tr.walked");
let panel = null;

function walk(step) {
  const every = rows();
  if (!every.length) return;
  const now = every.indexOf(current());
  const next = every[Math.max(0, Math.min(every.length - 1, now < 0 ? 0 : now + step))];
  current()?.classList.remove("walked");
  next.classList.add("walked");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus({ preventScroll: true });
  if (panel) peek(next);
}

async function peek(row) {
  const answer = await fetch(`${row.dataset.href}?part=peek`, { credentials: "same-origin" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  panel ??= document.body.appendChild(make("aside", { class: "peek", "aria-live": "polite" }));
  const head = page.querySelector(".record-head h1");
  const state = page.querySelector(".record-state");
  const content = page.querySelector(".record-main");
  panel.replaceChildren(make("div", { class: "page-head" }, head ?? "", state ?? ""), content);
}

function closePanel() {
  panel?.remove();
  panel = null;
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input") || getSelection().toString()) return;
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
  else location.assign(row.dataset.href);
});
document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, textarea, select, dialog, [popover], button");
  if (busy || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const row = current();
  if (event.key === "ArrowDown") walk(1);
  else if (event.key === "ArrowUp") walk(-1);
  else if (event.key === "Enter" && row && !event.target.closest("a")) location.assign(row.dataset.href);
  else if (event.key === " " && row) panel ? closePanel() : peek(row);
  else if (event.key === "Escape" && panel) closePanel();
  else return;
  event.preventDefault();
});

// What was deleted a moment ago, on its record's page: said, and taken back by one press.
const deleted = JSON.parse(sessionStorage.getItem("anlan.deleted") || "null");
sessionStorage.removeItem("anlan.deleted");
if (deleted && location.pathname === `/f/${deleted.form}`) {
  const words = make("span", {}, say("deleted", { what: deleted.what }));
  const undo = make("button", { type: "button", class: "btn" }, say("undo"));
  const bar = make("div", { class: "said", role: "status" }, words, undo);
  undo.addEventListener("click", async () => {
    undo.disabled = true;
    try {
      const back = await api("POST", `/recycle-bin/${deleted.id}/restore`, { key: crypto.randomUUID() });
      location.assign(`/f/${back.form}/${back.id}`);
    } catch (error) {
      words.textContent = error.message;
      undo.remove();
      announce(error.message);
    }
  });
  document.getElementById("main").prepend(bar);
  announce(words.textContent);
}
