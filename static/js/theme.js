// The theme: loaded in <head> before the first paint, so that nothing flashes.
// Says that script runs (class "js"), restores the chosen theme, and wires the switch.
(() => {
  const root = document.documentElement;
  const key = "gallop-theme";
  root.classList.add("js");

  // Storage may be forbidden; then the switch works for one page only.
  const read = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const write = (theme) => { try { localStorage.setItem(key, theme); } catch { /* see above */ } };

  const stored = read();
  if (stored === "dark" || stored === "light") root.dataset.theme = stored;

  const current = () =>
    root.dataset.theme || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.addEventListener("click", () => {
        const next = current() === "dark" ? "light" : "dark";
        root.dataset.theme = next;
        write(next);
      });
    }
  });
})();
