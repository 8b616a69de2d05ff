// A file that was chosen or dropped goes off at once; the button stays for who has no scripts.
// Cells that are put right: Enter walks down them, as in a spreadsheet; typing a code chooses "replace by".

const bring = document.querySelector("[data-bring]");
if (bring) {
  const input = bring.querySelector("input[type=file]");
  const button = bring.querySelector("button");
  button.hidden = true;
  input.addEventListener("change", () => {
    if (!input.files.length) return;
    button.hidden = false;
    button.setAttribute("aria-busy", "true");
    bring.requestSubmit();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return; // back from the next page: the same file may be chosen again
    bring.reset();
    button.hidden = true;
    button.removeAttribute("aria-busy");
  });
}

const mend = document.querySelector("[data-mend]");
if (mend) {
  mend.addEventListener("keydown", (event) => {
    const cell = event.target.closest("[data-cell], [data-link-to]");
    if (!cell || event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const kind = cell.matches("[data-cell]") ? "[data-cell]" : "[data-link-to]";
    const all = [...cell.closest("table").querySelectorAll(kind)];
    const next = all[all.indexOf(cell) + (event.shiftKey ? -1 : 1)];
    if (next) {
      next.focus(); // leaving the cell is what has it checked
      next.select();
    } else cell.blur();
  });
  mend.addEventListener(
    "change",
    (event) => {
      if (!event.target.matches("[data-link-to]")) return;
      const choice = event.target.closest(".import-link").querySelector("select");
      if (event.target.value.trim()) choice.value = "other";
      else if (choice.value === "other") choice.value = "";
    },
    true, // before the form is sent to be checked
  );
}
