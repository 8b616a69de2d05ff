// A board: a card that is dragged to another lane takes the step there, or changes the field; its button does the same.

import { announce, api, make, placeBelow, say } from "./base.js";
import { refresh, told } from "./list.js";

const byId = (id) => document.getElementById(id);
const island = () => JSON.parse(byId("list-island").textContent);
const board = () => document.querySelector("[data-board]");
const laneName = (key) => board().querySelector(`[data-lane="${CSS.escape(key)}"]`)?.getAttribute("aria-label") ?? key;
const title = (card) => card.querySelector(".card-head a").textContent.trim();

/** The steps that lead from one lane to another. */
const stepsBetween = (from, to) => island().steps.filter((one) => one.from.includes(from) && one.to === to);

function reason(step) {
  const dialog = byId("ask");
  byId("ask-title").textContent = step.label;
  byId("ask-text").textContent = say("ask_text");
  byId("ask-yes").textContent = step.label;
  const field = dialog.querySelector("textarea");
  field.value = "";
  field.closest("label").hidden = false;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes" ? field.value.trim() : undefined), { once: true }));
}

/** Do it; refused, the card goes back where it was and the sentence stands above. */
async function move(card, from, to, step) {
  const { form } = island();
  const back = (why) => {
    refresh();
    if (why) told(say("moved_back", { what: title(card), why }));
  };
  try {
    if (board().dataset.board === "state") {
      const wanted = step ?? stepsBetween(from, to)[0];
      if (!wanted) return back(say("no_move", { from: laneName(from), to: laneName(to) }));
      const comment = wanted.ask ? await reason(wanted) : "";
      if (comment === undefined) return back();
      const done = await api("POST", `/records/${form}/${card.dataset.id}/do/${wanted.key}`, { body: comment ? { comment } : {}, key: crypto.randomUUID() });
      if (done.approval) return back(say("move_waits"));
    } else {
      await api("PATCH", `/records/${form}/${card.dataset.id}`, { body: { [board().dataset.board]: to || null }, version: Number(card.dataset.version) });
    }
    await refresh();
    announce(say("moved", { what: title(card), to: laneName(to) }));
  } catch (error) {
    back(error instanceof TypeError ? say("not_reached") : error.message);
  }
}

function menu(button) {
  const card = button.closest("[data-id]");
  const from = card.closest("[data-lane]").dataset.lane;
  const pop = byId("card-menu") ?? document.body.appendChild(make("div", { id: "card-menu", popover: "auto", class: "pop", role: "menu" }));
  const choices = board().dataset.board === "state"
    ? island().steps.filter((one) => one.from.includes(from)).map((one) => [one.label, () => move(card, from, one.to, one), one.danger])
    : [...board().querySelectorAll("[data-lane]")].filter((one) => one.dataset.lane !== from).map((one) => [one.getAttribute("aria-label"), () => move(card, from, one.dataset.lane), false]);
  pop.replaceChildren(...(choices.length ? choices.map(([label, act, danger]) => {
    const item = make("button", { type: "button", role: "menuitem", class: `pop-item${danger ? " danger" : ""}` }, label);
    item.addEventListener("click", () => {
      pop.hidePopover();
      act();
    });
    return item;
  }) : [make("p", { class: "quiet" }, say("no_step"))]));
  pop.showPopover();
  placeBelow(pop, button);
  pop.querySelector("button")?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-card-menu]");
  if (button) return menu(button);
  const card = event.target.closest(".card-item");
  if (card && !event.target.closest("a, button")) location.assign(card.dataset.href);
});

function dress() {
  if (board()?.dataset.movable !== "yes" || !window.Sortable) return;
  for (const cards of board().querySelectorAll("[data-cards]")) {
    if (cards.sorted) continue;
    cards.sorted = window.Sortable.create(cards, {
      group: "cards", sort: false, animation: 120, delay: 180, delayOnTouchOnly: true, ghostClass: "card-ghost", filter: "button, a", preventOnFilter: false,
      onEnd: ({ item, from, to }) => {
        if (from !== to) move(item, from.closest("[data-lane]").dataset.lane, to.closest("[data-lane]").dataset.lane);
      },
    });
  }
}
document.addEventListener("htmx:after:swap", dress);
addEventListener("load", dress);
dress();
