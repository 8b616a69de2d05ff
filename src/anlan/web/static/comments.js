// Comments: `@` offers who may read the record; what is typed is kept until it is sent.

import { api, announce, say } from "./base.js";
import { picker } from "./typeahead.js";

const page = document.getElementById("record");
const floating = picker();
let asked = 0;
let named = new Map(); // "@name" → id, of those who were chosen

const box = () => document.getElementById("comment");
const keptAt = () => `anlan.kept.${document.body.dataset.login}.comment.${page.dataset.id}`;

/** The `@…` that stands before the cursor: {start, text}, or null. */
function mention(input) {
  const before = input.value.slice(0, input.selectionStart);
  const found = /(?:^|[\s，。；、,.;:：(（])[@＠]([^\s@＠]{0,20})$/u.exec(before);
  return found ? { start: before.length - found[1].length - 1, text: found[1] } : null;
}

async function offer(input) {
  const at = mention(input);
  const turn = ++asked;
  if (!at) return floating.hide();
  await new Promise((done) => setTimeout(done, 90));
  if (turn !== asked) return;
  const query = new URLSearchParams({ q: at.text });
  const found = await api("GET", `/records/${page.dataset.form}/${page.dataset.id}/mentionable?${query}`).catch(() => ({ data: [] }));
  if (turn !== asked || document.activeElement !== input) return;
  floating.onpick = (person) => take(input, person);
  floating.show(input, found.data, { none: "no_reader" });
}

function take(input, person) {
  const at = mention(input);
  if (!at) return;
  const words = `@${person.label}`;
  named.set(words, person.id);
  input.setRangeText(`${words} `, at.start, input.selectionStart, "end");
  hide();
  keep();
  input.focus();
}

function hide() {
  asked += 1;
  floating.hide();
}

function keep() {
  const input = box();
  try {
    if (input.value.trim()) localStorage.setItem(keptAt(), JSON.stringify({ text: input.value, named: [...named] }));
    else localStorage.removeItem(keptAt());
  } catch {
    // A browser that keeps nothing: the text stands in its box until it is sent.
  }
}

async function send(form) {
  const input = box();
  const text = input.value.trim();
  const button = form.querySelector("button");
  const place = form.querySelector("[role=alert]");
  if (!text || button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  place.hidden = true;
  try {
    const mentions = [...named].filter(([words]) => text.includes(words)).map(([, id]) => id);
    await api("POST", `/records/${page.dataset.form}/${page.dataset.id}/comments`, { body: { text, mentions }, key: crypto.randomUUID() });
    input.value = "";
    named = new Map();
    keep();
    document.body.dispatchEvent(new Event("anlan:saved"));
    announce(say("comment_sent"));
  } catch (error) {
    place.textContent = error.problem?.errors?.[0]?.message ?? (error.status ? error.message : say("comment_offline"));
    place.hidden = false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "comment" || event.isComposing) return;
  keep();
  offer(event.target);
});
document.addEventListener("compositionend", (event) => {
  if (event.target.id === "comment") offer(event.target);
});
document.addEventListener("focusout", (event) => event.target.id === "comment" && hide());
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "comment" || event.isComposing) return;
  if (floating.open() && event.key === "ArrowDown") floating.move(1);
  else if (floating.open() && event.key === "ArrowUp") floating.move(-1);
  else if (floating.open() && event.key === "Escape") hide();
  else if (floating.open() && (event.key === "Enter" || event.key === "Tab") && floating.chosen()) take(event.target, floating.chosen());
  else if ((event.ctrlKey || event.metaKey) && event.key === "Enter") send(event.target.form);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-comment]")) return;
  event.preventDefault();
  send(event.target);
});

function comeBack() {
  const input = box();
  if (!input || input.value) return;
  try {
    const content = JSON.parse(localStorage.getItem(keptAt()) ?? "null");
    if (!content) return;
    input.value = content.text;
    named = new Map(content.named);
  } catch {
    localStorage.removeItem(keptAt());
  }
}
comeBack();

// Whoever followed a message is led to the comment: the trail comes after the page, or stands there already.
function lead() {
  const wanted = /^#event-\d+$/.test(location.hash) && document.querySelector(location.hash);
  if (!wanted || wanted.classList.contains("meant")) return;
  wanted.classList.add("meant");
  if (page.classList.contains("side-folded")) document.querySelector("[data-act=fold-side]")?.click();
  wanted.scrollIntoView({ block: "center" });
  wanted.focus({ preventScroll: true });
}
document.addEventListener("htmx:after:swap", lead);
addEventListener("hashchange", lead);
