// The frame: rail, menus, palette, keys. Everything is delegated, so swapped content needs no start of its own.

import { announce, make, placeBelow, say } from "./base.js";
import { forgetAll } from "./kept.js";
import "./typeahead.js";
import "./walk.js";

const YEAR = 365 * 24 * 3600;
const remember = (name, value) => {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
};
const byId = (id) => document.getElementById(id);
const typing = (element) => element?.closest?.("input, textarea, select, [contenteditable], dialog");

// ---- rail
const foldRail = (narrow) => {
  document.body.classList.toggle("rail-narrow", narrow);
  remember("anlan_rail", narrow ? "narrow" : "wide");
};
for (const summary of document.querySelectorAll(".rail-group > summary")) {
  // The server reads the cookie, so that the rail stands still from page to page.
  summary.addEventListener("click", () => setTimeout(() => {
    remember("anlan_open", [...document.querySelectorAll(".rail-group[open]")].map((one) => one.dataset.pack).join("."));
  }));
}
document.querySelector(".rail .here")?.scrollIntoView({ block: "nearest" });

// ---- menus: the browser opens and closes popovers, we only say where
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!(menu instanceof HTMLElement) || !menu.matches(".pop") || event.newState !== "open") return;
  const anchor = document.querySelector(`[popovertarget="${menu.id}"]`);
  if (anchor) placeBelow(menu, anchor, { right: menu.classList.contains("pop-right") });
  menu.dispatchEvent(new Event("anlan:open"));
  if (menu.id === "bell") document.querySelector("[data-unread]")?.remove();
  menu.querySelector("select, input:not([type=hidden]), button, a")?.focus();
}, true);
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("[popover][role=menu]");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const items = [...menu.querySelectorAll(".pop-item")];
  const next = items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  items[(next + items.length) % items.length]?.focus();
  event.preventDefault();
});

// ---- palette
const palette = byId("palette");
const paletteInput = palette.querySelector("input");
const hits = () => [...palette.querySelectorAll(".hit")];
const choose = (index) => {
  const every = hits();
  every.forEach((one, place) => one.setAttribute("aria-selected", place === index ? "true" : "false"));
  every[index]?.scrollIntoView({ block: "nearest" });
};
// What the page offers now: its visible buttons and links, by their words. The palette names them by place.
let offered = [];
const offers = () => [...document.querySelectorAll(".work > main :is(.actions, .buttons, .record-head, .page-head) :is(button, a.btn), .work > main .pop-item")]
  .filter((one) => !one.disabled && !one.closest("[hidden]") && (one.checkVisibility() || one.closest("[popover]")))
  .map((one) => [one, (one.dataset.words || one.getAttribute("aria-label") || one.textContent).trim().replaceAll("|", " ").replace(/\s+/g, " ")])
  .filter(([, words]) => words && words.length < 40);
const openPalette = () => {
  if (palette.open) return;
  offered = offers();
  byId("palette-here").value = offered.map(([, words]) => words).join("|");
  palette.showModal();
  paletteInput.select();
  paletteInput.dispatchEvent(new Event("anlan:open"));
};
palette.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const every = hits();
  const now = every.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    choose((now + (event.key === "ArrowDown" ? 1 : -1) + every.length) % (every.length || 1));
    event.preventDefault();
  } else if (event.key === "Enter" && every.length) {
    (every[now] ?? every[0]).click();
    event.preventDefault();
  }
});
palette.addEventListener("click", (event) => event.target === palette && palette.close());
const CHOSEN = `anlan.chosen.${document.body.dataset.login}`;
palette.addEventListener("click", (event) => {
  const hit = event.target.closest(".hit");
  if (!hit) return;
  if (hit.dataset.here) {
    palette.close();
    offered[Number(hit.dataset.here)]?.[0].click();
  } else if (!hit.pathname?.startsWith("/search")) {
    const now = [hit.getAttribute("href"), hit.querySelector("span").textContent, hit.querySelector(".code")?.textContent ?? ""];
    const before = JSON.parse(localStorage.getItem(CHOSEN) || "[]").filter(([url]) => url !== now[0]);
    localStorage.setItem(CHOSEN, JSON.stringify([now, ...before].slice(0, 6)));
  }
});
// What was chosen or opened lately stands first, as long as nothing is typed.
const showRecent = () => {
  const place = palette.querySelector("[data-recent-hits]");
  if (!place || place.childElementCount) return;
  const chosen = JSON.parse(localStorage.getItem(CHOSEN) || "[]");
  const opened = recent().map((one) => [one.url, `${one.number}  ${one.title ?? ""}`, one.form]);
  const seen = new Set();
  const lately = [...opened.slice(0, 5), ...chosen].filter(([url]) => !seen.has(url) && seen.add(url)).slice(0, 8);
  if (!lately.length) return;
  place.append(make("div", { class: "hits-head" }, place.dataset.heading), ...lately.map(([url, words, side]) =>
    make("a", { role: "option", class: "hit", href: url }, make("span", {}, words), make("span", { class: "code" }, side))));
};
document.addEventListener("htmx:after:swap", () => {
  if (!palette.open) return;
  showRecent();
  choose(0);
});

// ---- what was open last: kept by this browser, for this person, until he logs out
const RECENT = `anlan.recent.${document.body.dataset.login}`;
const recent = () => JSON.parse(localStorage.getItem(RECENT) || "[]");
const record = byId("record");
if (record?.dataset.id) {
  const now = { url: `/f/${record.dataset.form}/${record.dataset.id}`, number: byId("heading").textContent, title: record.dataset.title === byId("heading").textContent ? "" : record.dataset.title, form: record.dataset.label };
  localStorage.setItem(RECENT, JSON.stringify([now, ...recent().filter((one) => one.url !== now.url)].slice(0, 12)));
}
const recentBlock = document.querySelector("[data-recent]");
if (recentBlock && recent().length) {
  recentBlock.hidden = false;
  recentBlock.querySelector("tbody").replaceChildren(...recent().map((one) =>
    make("tr", { "data-href": one.url }, make("td", {}, make("a", { href: one.url }, one.number)), make("td", { class: "wide" }, one.title), make("td", {}, one.form))));
}
// ---- logging out: what this browser kept for this person goes; scans that were not sent are asked for first
const SCANS = `anlan.scan.${document.body.dataset.login}.`;
const scans = () => Object.keys(localStorage).filter((one) => one.startsWith(SCANS));
document.querySelector("[data-logout]")?.addEventListener("submit", (event) => {
  if (scans().length && !confirm(say("unsent_scans", { n: scans().length }))) {
    event.preventDefault();
    return;
  }
  [RECENT, CHOSEN, ...scans()].forEach((one) => localStorage.removeItem(one));
  forgetAll();
  if ("caches" in window) caches.keys().then((names) => names.filter((one) => one.startsWith("anlan-")).forEach((one) => caches.delete(one)));
});
if ("serviceWorker" in navigator && window.isSecureContext) navigator.serviceWorker.register("/sw.js").catch(() => {});

// ---- actions of the frame
const openKeys = () => {
  const keys = byId("keys");
  keys.showModal();
  keys.dispatchEvent(new Event("anlan:open"));
};
const openHelp = () => {
  const help = byId("help");
  if (help.open) return;
  help.showModal();
  help.dispatchEvent(new Event("anlan:open"));
};
const ACTIONS = {
  help: openHelp,
  "fold-rail": () => foldRail(!document.body.classList.contains("rail-narrow")),
  "open-rail": () => {
    document.body.classList.add("rail-open");
    document.querySelector(".rail a").focus();
  },
  "close-rail": () => document.body.classList.remove("rail-open"),
  "fold-side": (button) => {
    const folded = record.classList.toggle("side-folded");
    button.setAttribute("aria-expanded", String(!folded));
    remember("anlan_side", folded ? "folded" : "open");
  },
  palette: openPalette,
  keys: () => {
    byId("person-menu").hidePopover();
    openKeys();
  },
};
document.addEventListener("click", (event) => {
  const actor = event.target.closest("[data-act]");
  ACTIONS[actor?.dataset.act]?.(actor);
  const copied = event.target.closest("[data-copy]");
  if (copied) navigator.clipboard?.writeText(copied.textContent).then(() => announce(say("copied")));
});

// ---- keys
let waitingForG = 0;
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "k") {
    openPalette();
  } else if (key === "f1") {
    openHelp();
  } else if (event.altKey && key === "n") {
    const link = document.querySelector("[data-key=new]") ?? document.querySelector(".crumbs a");
    if (!link) return;
    location.assign(link.dataset.key ? link.href : `${link.href}/new`);
  } else if (key === "escape" && document.body.classList.contains("rail-open")) {
    document.body.classList.remove("rail-open");
    return;
  } else if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  } else if (key === "?") {
    openKeys();
  } else if (key === "/") {
    const find = document.querySelector("[data-key=find]");
    if (find) find.focus();
    else openPalette();
  } else if (key === "g") {
    waitingForG = Date.now();
    return;
  } else if (key === "t" && Date.now() - waitingForG < 1000) {
    location.assign("/todo");
  } else {
    return;
  }
  event.preventDefault();
});
