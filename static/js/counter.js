// <textarea maxlength="2500" data-counter="#id">: writes "38 / 2500" into the element with that
// id, and marks it near the end, where the figure begins to matter.
(() => {
  const NEAR = 0.9;
  for (const area of document.querySelectorAll("textarea[data-counter]")) {
    const place = document.querySelector(area.dataset.counter);
    const most = area.maxLength;
    if (!place || most < 1) continue;
    const count = () => {
      // Counted in characters, as the server counts: one emoji is one.
      const used = [...area.value].length;
      place.textContent = `${used} / ${most}`;
      place.toggleAttribute("data-near", used > most * NEAR);
    };
    area.addEventListener("input", count);
    count();
  }
})();
