// Before the first paint: "auto" follows the system, also when it changes in the evening.
(() => {
  const root = document.documentElement;
  if (root.dataset.themeChoice !== "auto") return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  apply();
  dark.addEventListener("change", apply);
})();
