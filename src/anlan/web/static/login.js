// The log-in page of a demo: a person of the cast fills the form, one more key or click logs in.
for (const button of document.querySelectorAll("[data-login]")) {
  button.addEventListener("click", () => {
    const form = document.querySelector("form[action='/login']");
    form.elements.login.value = button.dataset.login;
    form.elements.password.value = button.dataset.password;
    for (const other of document.querySelectorAll("[data-login]")) other.setAttribute("aria-pressed", String(other === button));
    form.querySelector("button").focus();
  });
}
