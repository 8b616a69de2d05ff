// A file that was chosen or dropped goes off at once; the button stays for who has no scripts.

const form = document.querySelector("[data-bring]");
const input = form.querySelector("input[type=file]");
const button = form.querySelector("button");
button.hidden = true;
input.addEventListener("change", () => {
  if (!input.files.length) return;
  button.hidden = false;
  button.setAttribute("aria-busy", "true");
  form.requestSubmit();
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // back from the next page: the same file may be chosen again
  form.reset();
  button.hidden = true;
  button.removeAttribute("aria-busy");
});
