// To-do list and approval card: deciding, reasons one tap away, people to hand it to, and what comes next.

import { announce, api, make, Refused, say } from "./base.js";

const SAID = "anlan.decided";
const card = document.getElementById("card");

// ---- what was done a moment ago stands on the page that comes next
const said = sessionStorage.getItem(SAID);
if (said) {
  sessionStorage.removeItem(SAID);
  const { words, url } = JSON.parse(said);
  const bar = make("div", { class: "said", role: "status" }, make("span", {}, words), url ? make("a", { class: "btn", href: url }, say("look")) : "");
  document.getElementById("main").prepend(bar);
  announce(words);
}
const DECIDED = { approve: "decided_approve", reject: "decided_reject", return: "decided_return", withdraw: "decided_withdraw" };
const HANDED = { transfer: "handed_transfer", before: "handed_before", after: "handed_after", copy: "handed_copy" };
const tell = (words, url) => sessionStorage.setItem(SAID, JSON.stringify({ words, url }));

/** The next thing that waits, else the list: one goes on without looking for it. */
async function goOn() {
  const { data } = await api("GET", "/todos");
  const next = data.find((one) => one.kind !== "returned" && one.record !== card?.dataset.record) ?? data.find((one) => one.kind !== "returned");
  location.assign(next ? `/todo/${next.record}` : "/todo");
}

function fault(error) {
  const place = document.getElementById("card-fault");
  place.textContent = error instanceof Refused ? (error.problem.errors?.[0]?.message ?? error.message) : say("offline");
  place.hidden = false;
  place.focus();
  place.scrollIntoView({ block: "center" });
}

let sending = false;
async function send(button, work) {
  if (sending) return; // a double tap is one tap
  sending = true;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    document.querySelectorAll("dialog[open]").forEach((one) => one.close());
    fault(error);
  } finally {
    sending = false;
    button.removeAttribute("aria-busy");
  }
}

async function decide(button, decision, comment) {
  await send(button, async () => {
    await api("POST", `/approvals/${card.dataset.request}/decide`, { body: { decision, ...(comment ? { comment } : {}) }, key: crypto.randomUUID() });
    tell(say(DECIDED[decision], { what: card.dataset.what }), `/todo/${card.dataset.record}`);
    if (decision === "withdraw") location.assign(`/todo/${card.dataset.record}`);
    else await goOn();
  });
}

// ---- the card
if (card) {
  const dialog = document.getElementById("decide");
  const reason = dialog.querySelector("textarea");
  const openReason = (kind) => {
    const title = dialog.querySelector("h2");
    title.textContent = title.dataset[kind];
    dialog.querySelectorAll("[data-only]").forEach((one) => { one.hidden = one.dataset.only !== kind; });
    dialog.querySelector("[data-reasons]").hidden = kind !== "return";
    dialog.querySelector("[data-missing]").hidden = true;
    dialog.showModal();
  };
  const people = document.getElementById("people");
  const picks = people.querySelector("[data-picks]");
  const search = people.querySelector("input");
  let chosen = new Map();
  let kind = "";
  const drawPicks = (found) => {
    const rows = [...chosen.values(), ...found.filter((one) => !chosen.has(one.id))];
    picks.replaceChildren(...rows.map((one) => {
      const button = make("button", { type: "button", class: "btn", "aria-pressed": String(chosen.has(one.id)) }, one.label, make("span", { class: "code" }, one.code));
      button.addEventListener("click", () => {
        if (chosen.has(one.id)) chosen.delete(one.id);
        else {
          if (kind === "transfer") chosen = new Map();
          chosen.set(one.id, one);
        }
        people.querySelector("[data-missing]").hidden = true;
        drawPicks(found);
      });
      return button;
    }));
    if (!rows.length) picks.replaceChildren(make("p", { class: "quiet" }, say("nobody_found")));
  };
  let asked = 0;
  const look = async () => {
    const mine = ++asked;
    try {
      const { data } = await api("GET", `/colleagues?limit=8&q=${encodeURIComponent(search.value.trim())}`);
      if (mine === asked) drawPicks(data);
    } catch (error) {
      picks.replaceChildren(make("p", { class: "quiet" }, error.message));
    }
  };
  search.addEventListener("input", look);
  const openPeople = (wanted) => {
    kind = wanted;
    chosen = new Map();
    search.value = "";
    const title = people.querySelector("h2");
    title.textContent = title.dataset[kind];
    people.querySelector("[data-with-comment]").hidden = kind === "copy";
    people.showModal();
    look();
  };
  const sendPeople = (button) => {
    const who = [...chosen.keys()];
    people.querySelector("[data-missing]").hidden = who.length > 0;
    if (!who.length) return;
    const comment = people.querySelector("textarea").value.trim() || null;
    const path = `/approvals/${card.dataset.request}`;
    send(button, async () => {
      const names = [...chosen.values()].map((one) => one.label).join("、");
      if (kind === "transfer") await api("POST", `${path}/transfer`, { body: { to: who[0], comment }, key: crypto.randomUUID() });
      else if (kind === "copy") await api("POST", `${path}/copies`, { body: { to: who }, key: crypto.randomUUID() });
      else await api("POST", `${path}/signers`, { body: { who, when: kind, comment }, key: crypto.randomUUID() });
      tell(say(HANDED[kind], { who: names, what: card.dataset.what }), `/todo/${card.dataset.record}`);
      if (kind === "copy" || kind === "after") location.reload();
      else await goOn();
    });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { decide: decision, hand, reason: words, send: sent } = button.dataset;
    if (decision === "approve") decide(button, "approve");
    else if (decision) openReason("return");
    else if (words !== undefined) {
      reason.value = words;
      reason.focus();
    } else if (sent === "people") sendPeople(button);
    else if (sent) {
      const comment = reason.value.trim();
      const missing = sent !== "withdraw" && !comment;
      dialog.querySelector("[data-missing]").hidden = !missing;
      if (missing) reason.focus();
      else {
        dialog.close();
        decide(button, sent, comment);
      }
    } else if (hand) {
      document.getElementById("card-more")?.hidePopover();
      if (hand === "withdraw") openReason("withdraw");
      else if (hand === "urge") {
        send(button, async () => {
          await api("POST", `/approvals/${card.dataset.request}/urge`, { body: {}, key: crypto.randomUUID() });
          tell(say("urged"), "");
          location.reload();
        });
      } else openPeople(hand);
    }
  });
}

// ---- several at once
const bulk = document.querySelector("[data-bulk]");
if (bulk) {
  const ticks = () => [...document.querySelectorAll("[data-tick]")];
  const draw = () => {
    const count = ticks().filter((one) => one.checked).length;
    bulk.hidden = count === 0;
    bulk.querySelector("[data-bulk-count]").textContent = say("ticked", { n: count });
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) ticks().forEach((one) => { one.checked = event.target.checked; });
    if (event.target.matches("[data-tick], [data-tick-all]")) draw();
  });
  bulk.querySelector("[data-bulk-clear]").addEventListener("click", () => {
    document.querySelectorAll("[data-tick], [data-tick-all]").forEach((one) => { one.checked = false; });
    draw();
  });
  bulk.querySelector("[data-bulk-approve]").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    const requests = ticks().filter((one) => one.checked).map((one) => one.dataset.tick);
    try {
      const { data } = await api("POST", "/approvals/decide", { body: { requests, decision: "approve" } });
      const bad = data.filter((one) => one.code);
      tell([say("approved_many", { n: data.length - bad.length }), ...bad.map((one) => one.message)].join(" "), "");
      location.reload();
    } catch (error) {
      announce(error.message);
      bulk.querySelector("[data-bulk-count]").textContent = error instanceof Refused ? error.message : say("offline");
      button.removeAttribute("aria-busy");
    }
  });
}
