// The list that one came from, kept for this tab: the record page goes to the record before and after in it. When the rows
// that were loaded end, the list is asked for its next ones.

import { announce, say } from "./base.js";

const KEY = "anlan.walk";
const rowsIn = (root) => [...root.querySelectorAll("tr[data-href]")].map((row) => row.dataset.href);
const moreIn = (root) => root.querySelector("tr.more [hx-get], tr.more[hx-get]")?.getAttribute("hx-get") ?? null;

// A list leaves its rows behind when one goes from it.
addEventListener("pagehide", () => {
  const table = document.querySelector("[data-rows]");
  const urls = table ? rowsIn(table) : [];
  if (urls.length) sessionStorage.setItem(KEY, JSON.stringify({ urls, more: moreIn(table) }));
});

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

const page = document.getElementById("record");
const here = () => (page?.dataset.id ? `/f/${page.dataset.form}/${page.dataset.id}` : "");

/** Go to the record before (-1) or after (1) in the list that one came from. */
export async function walk(step) {
  const list = kept();
  const at = list?.urls.indexOf(here()) ?? -1;
  if (at < 0) return announce(say("walk_none"));
  if (at + step >= list.urls.length && list.more) await lengthen(list);
  const next = list.urls[at + step];
  if (!next) return announce(say(step < 0 ? "walk_first" : "walk_last"));
  return location.assign(next);
}

async function lengthen(list) {
  const answer = await fetch(list.more, { credentials: "same-origin", headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  const table = document.createElement("template");
  table.innerHTML = `<table>${await answer.text()}</table>`;
  list.urls.push(...rowsIn(table.content).filter((one) => !list.urls.includes(one)));
  list.more = moreIn(table.content);
  sessionStorage.setItem(KEY, JSON.stringify(list));
}

function show() {
  const place = document.getElementById("walk");
  const list = kept();
  const at = list?.urls.indexOf(here()) ?? -1;
  if (!place || at < 0) return;
  place.hidden = false;
  place.querySelector(".walk-place").textContent = `${at + 1} / ${list.urls.length}${list.more ? "+" : ""}`;
  for (const link of place.querySelectorAll("[data-walk]")) {
    const next = list.urls[at + Number(link.dataset.walk)];
    if (next) link.href = next;
    else link.setAttribute("aria-disabled", "true");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      walk(Number(link.dataset.walk));
    });
  }
}
show();
