// How a list looks: saved views, columns, their widths, columns that stay in place, values of a filter.

import { announce, api, make, placeBelow, say } from "./base.js";
import { refresh, told } from "./list.js";

const byId = (id) => document.getElementById(id);
const island = () => JSON.parse(byId("list-island").textContent);

/** Go to this list with other parts of its address; the server leaves out what the view says itself. */
function go(changes, replaceOnly = false) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  if (island().view && !url.searchParams.get("view")) url.searchParams.set("view", island().view);
  history[replaceOnly ? "replaceState" : "pushState"]({}, "", url);
  return refresh();
}

// ---- views
const content = () => {
  const { now, where } = island();
  const list = (text) => (text ? text.split(",") : []);
  return { kind: now.kind || "list", where, search: now.search, sort: list(now.sort), columns: list(now.columns), totals: list(now.totals), by: now.by };
};

async function askName(title, label, act) {
  const dialog = byId("view-dialog");
  const form = dialog.querySelector("form");
  const error = dialog.querySelector(".part-error");
  byId("view-title").textContent = title;
  form.label.value = label;
  if (form.shared) {
    form.shared.checked = false;
    form.shared.closest("label").hidden = title !== say("view_create");
  }
  error.hidden = true;
  dialog.showModal();
  form.label.select();
  form.onsubmit = async (event) => {
    if (event.submitter?.value !== "yes") return;
    event.preventDefault();
    try {
      await act({ label: form.label.value, ...(form.shared?.checked ? { shared: true } : {}) });
      dialog.close();
    } catch (refused) {
      error.textContent = refused instanceof TypeError ? say("not_reached") : refused.message;
      error.hidden = false;
    }
  };
}

const open = (form, id) => location.assign(`/f/${form}?view=${id}`);
const VIEW = {
  create: () => {
    const { form } = island();
    askName(say("view_create"), "", async (values) => open(form, (await api("POST", `/views/${form}`, { body: { ...content(), ...values } })).id));
  },
  update: async () => {
    const { form, view } = island();
    await api("PATCH", `/views/${form}/${view}`, { body: content() });
    open(form, view);
  },
  rename: () => {
    const { form, view, saved } = island();
    askName(say("view_rename"), saved.label, async (values) => {
      await api("PATCH", `/views/${form}/${view}`, { body: { label: values.label } });
      await refresh();
    });
  },
  share: async () => {
    const { form, view, saved } = island();
    await api("PATCH", `/views/${form}/${view}`, { body: { shared: !saved.shared } });
    await refresh();
  },
  first: async () => {
    const { form, view } = island();
    await api("PUT", `/views/${form}/layout`, { body: { first: view } });
    await refresh();
  },
  "not-first": async () => {
    await api("PUT", `/views/${island().form}/layout`, { body: { first: null } });
    await go({ view: island().view });
  },
  delete: async () => {
    const { form, view, saved } = island();
    await api("DELETE", `/views/${form}/${view}`);
    sessionStorage.setItem("anlan.deleted", JSON.stringify({ form, id: view, what: saved.label, view: true }));
    location.assign(`/f/${form}`);
  },
};
const failed = (error) => told(error instanceof TypeError ? say("not_reached") : error.message);

document.addEventListener("click", (event) => {
  const act = event.target.closest("[data-view]");
  if (act && VIEW[act.dataset.view]) {
    byId("view-menu").hidePopover();
    Promise.resolve(VIEW[act.dataset.view]()).catch(failed);
  }
});

// ---- columns: which, in what order, with which sums
const items = () => [...document.querySelectorAll("[data-columns] > li")];
const chosen = () => items().filter((one) => one.querySelector("input").checked).map((one) => one.dataset.path);

async function remember(changes) {
  const { form, layout } = island();
  const next = { widths: layout.widths ?? {}, frozen: layout.frozen ?? 0, columns: layout.columns ?? {}, ...changes };
  await api("PUT", `/views/${form}/layout`, { body: { layout: next } });
}

document.addEventListener("click", async (event) => {
  const move = event.target.closest("[data-columns] [data-move]");
  const sum = event.target.closest("[data-columns] [data-sum]");
  if (move) {
    const item = move.closest("li");
    if (move.dataset.move === "-1") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    move.focus();
    announce(`${item.textContent.trim()} ${items().indexOf(item) + 1}`);
  } else if (sum) {
    sum.setAttribute("aria-pressed", String(sum.getAttribute("aria-pressed") !== "true"));
    if (sum.getAttribute("aria-pressed") === "true") sum.closest("li").querySelector("input").checked = true;
  } else if (event.target.closest("[data-use-columns]")) {
    const columns = chosen();
    const totals = items().filter((one) => columns.includes(one.dataset.path) && one.querySelector("[data-sum][aria-pressed=true]")).map((one) => one.dataset.path);
    const { layout, view } = island();
    const frozen = Number(document.querySelector("[data-frozen]").value);
    byId("columns-menu").hidePopover();
    if (!columns.length) return;
    await remember({ frozen, columns: { ...layout.columns, [view || "-"]: columns } }).catch(failed);
    await go({ columns: columns.join(","), totals: totals.join(",") });
  } else if (event.target.closest("[data-reset-columns]")) {
    const { layout, view } = island();
    const columns = { ...layout.columns };
    delete columns[view || "-"];
    byId("columns-menu").hidePopover();
    await remember({ frozen: 0, widths: {}, columns }).catch(failed);
    await go({ columns: null, totals: null });
  }
});

// ---- widths by drag, columns that stay in place
const table = () => document.querySelector("table[data-rows]");

function freeze() {
  const found = table();
  if (!found) return;
  const frozen = innerWidth > 860 ? Number(found.dataset.frozen) : 0;
  const heads = [...found.tHead.rows[0].cells];
  const count = frozen ? frozen + 1 : 0; // the boxes go along
  const lefts = [];
  let left = 0;
  for (const head of heads.slice(0, count)) {
    lefts.push(left);
    left += head.getBoundingClientRect().width;
  }
  found.classList.toggle("frozen", count > 0);
  for (const row of found.querySelectorAll("tr")) {
    if (row.classList.contains("more") || row.classList.contains("space")) continue;
    [...row.cells].forEach((cell, at) => {
      const held = at < count;
      cell.classList.toggle("held", held);
      cell.classList.toggle("held-last", held && at === count - 1);
      cell.style.left = held ? `${lefts[at]}px` : "";
    });
  }
}

function sizes() {
  const found = table();
  if (!found?.classList.contains("sized")) return;
  const columns = [...found.querySelectorAll("col")];
  found.style.width = `${columns.reduce((sum, one) => sum + Number(one.width || 140), 0)}px`;
}

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest("[data-resize]");
  if (!handle) return;
  event.preventDefault();
  const found = table();
  const head = handle.closest("th");
  const heads = [...found.tHead.rows[0].cells];
  const columns = [...found.querySelectorAll("col")];
  const widths = heads.map((one) => Math.round(one.getBoundingClientRect().width));
  columns.forEach((one, at) => {
    one.width = String(widths[at]);
  });
  found.classList.add("sized");
  sizes();
  const at = heads.indexOf(head);
  const start = event.clientX;
  const drag = (moved) => {
    columns[at].width = String(Math.max(48, Math.min(900, widths[at] + Math.round(moved.clientX - start))));
    sizes();
    freeze();
  };
  const end = () => {
    document.removeEventListener("pointermove", drag);
    const kept = { ...island().layout.widths };
    columns.forEach((one) => {
      if (one.dataset.path) kept[one.dataset.path] = Number(one.width);
    });
    remember({ widths: kept }).then(() => {
      const data = island();
      byId("list-island").textContent = JSON.stringify({ ...data, layout: { ...data.layout, widths: kept } });
    }).catch(failed);
  };
  document.addEventListener("pointermove", drag);
  document.addEventListener("pointerup", end, { once: true });
});

// ---- the filter's menus: a chip's stands below its chip; several links become tags
let anchor = null;
document.addEventListener("click", (event) => {
  anchor = event.target.closest("[data-chip]") ?? anchor;
  const off = event.target.closest(".tag-off");
  if (off) off.closest(".chip").remove();
}, true);
document.addEventListener("htmx:after:swap", () => {
  const menu = byId("chip-menu");
  if (menu?.matches(":popover-open")) {
    if (anchor?.isConnected) placeBelow(menu, anchor);
    if (!menu.contains(document.activeElement)) menu.querySelector("select, input:not([type=hidden])")?.focus();
  }
});
document.addEventListener("pick", (event) => {
  const input = event.target.closest("[data-tag]");
  const row = event.detail;
  if (!input || !row) return;
  const off = make("button", { type: "button", class: "tag-off", "aria-label": `${say("remove")} ${row.code}` }, "×");
  input.parentElement.querySelector("[data-tags]").append(
    make("span", { class: "chip" }, make("span", { class: "chip-words" }, row.code), make("input", { type: "hidden", name: "add_value", value: row.code }), off));
  input.value = "";
  input.picked = null;
});

function dress() {
  const list = document.querySelector("[data-columns]");
  if (list && window.Sortable && !list.sorted) list.sorted = window.Sortable.create(list, { handle: ".grip", animation: 120 });
  sizes();
  freeze();
}
document.addEventListener("htmx:after:swap", dress);
addEventListener("resize", freeze);
addEventListener("load", dress);
addEventListener("popstate", () => setTimeout(dress, 50));
dress();
