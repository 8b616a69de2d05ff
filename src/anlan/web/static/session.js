// A session that ran out while somebody was working: log in again in place, and what was asked is asked again. The page, and
// what is typed in it, stays as it is. Another person cannot come in here: he goes to the log-in page.

import { make, say } from "./base.js";

let waiting = null;

/** Ask for the password; resolves when the same person is in again. */
export function reenter() {
  waiting ??= shown().finally(() => (waiting = null));
  return waiting;
}

const elsewhere = () => `/login?next=${encodeURIComponent(location.pathname + location.search)}`;

function shown() {
  const login = document.body.dataset.login;
  const password = make("input", { class: "form-control", type: "password", name: "password", autocomplete: "current-password", required: true });
  const code = make("input", { class: "form-control", name: "totp", inputmode: "numeric", autocomplete: "one-time-code" });
  const codeLabel = make("label", { hidden: true }, say("relogin_code"), code);
  const told = make("p", { class: "field-fault", role: "alert", hidden: true });
  const go = make("button", { class: "btn btn-primary" }, say("relogin_go"));
  const form = make("form", {}, make("h2", { id: "relogin-title" }, say("relogin_title")), make("p", {}, say("relogin_text")),
    make("label", {}, say("relogin_login"), make("input", { class: "form-control", name: "login", value: login, readonly: true, autocomplete: "username" })),
    make("label", {}, say("relogin_password"), password), codeLabel, told,
    make("div", { class: "actions" }, make("a", { class: "btn btn-quiet", href: elsewhere() }, say("relogin_other")), go));
  const dialog = make("dialog", { class: "sheet", "aria-labelledby": "relogin-title" }, form);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
  password.focus();
  return new Promise((done) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.setAttribute("aria-busy", "true");
      const problem = await enter(new URLSearchParams({ login, password: password.value, totp: code.value }));
      go.removeAttribute("aria-busy");
      if (problem === "") {
        dialog.close();
        dialog.remove();
        return done();
      }
      if (problem === "code") codeLabel.hidden = false;
      told.hidden = problem === "code";
      told.textContent = problem;
      (problem === "code" ? code : password).focus();
    });
  });
}

/** "" when one is in, "code" when the second factor is asked for, else the reason. */
async function enter(fields) {
  try {
    const answer = await fetch("/login", { method: "POST", body: fields, credentials: "same-origin", redirect: "manual" });
    if (answer.type === "opaqueredirect") return "";
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.querySelector("[name=new_password]")) {
      location.assign(elsewhere()); // a password of one's own is wanted first: the page asks for it
      return " ";
    }
    const reason = page.querySelector(".login-error")?.textContent.trim();
    if (page.querySelector("[name=totp]") && !fields.get("totp")) return "code";
    return reason || say("relogin_failed");
  } catch {
    return say("offline");
  }
}
