// /scan: a code leads to the record that it names, with what comes next.

import { api, make, Refused, say } from "./base.js";
import { beep, listen, speak } from "./scanner.js";

const place = document.getElementById("scan-find");
const hits = place.querySelector("[data-hits]");

async function heard(code) {
  speak(place, code, true);
  try {
    const { data } = await api("GET", `/scan?code=${encodeURIComponent(code)}`);
    beep(data.length > 0);
    hits.replaceChildren(...data.map(card));
    if (!data.length) speak(place, say("code_unknown", { code }), false);
    else if (data.length === 1 && !data[0].scan && !data[0].make.length) location.assign(`/f/${data[0].form}/${data[0].id}`);
    else hits.querySelector(".btn-primary")?.focus();
  } catch (error) {
    beep(false);
    speak(place, error instanceof Refused ? error.message : say("offline"), false);
  }
}

function card(one) {
  const open = make("a", { class: `btn${one.scan || one.make.length ? "" : " btn-primary"}`, href: `/f/${one.form}/${one.id}` }, say("open"));
  const buttons = [open];
  if (one.scan) buttons.push(make("a", { class: "btn btn-primary", href: `/scan/${one.form}/${one.id}` }, say("scan_lines")));
  for (const next of one.make) {
    const button = make("button", { type: "button", class: "btn btn-primary" }, next.label, " · ", say("scan_lines"));
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-busy") === "true") return;
      button.setAttribute("aria-busy", "true");
      try {
        const made = await api("POST", `/records/${one.form}/${one.id}/make/${next.to}`, { body: {}, key: crypto.randomUUID() });
        location.assign(`/scan/${next.to}/${made.id}`);
      } catch (error) {
        button.removeAttribute("aria-busy");
        speak(place, error instanceof Refused ? (error.problem.errors?.[0]?.message ?? error.message) : say("offline"), false);
      }
    });
    buttons.push(button);
  }
  return make("article", { class: "scan-hit" },
    make("div", {}, make("b", {}, one.code ?? ""), " ", make("span", { class: "quiet" }, one.label)),
    make("div", {}, one.title ?? "", one.state ? make("span", { class: "state" }, make("i", { class: `dot dot-${one.state.colour}`, "aria-hidden": "true" }), one.state.label) : ""),
    make("div", { class: "actions" }, ...buttons));
}

listen(place, heard);
