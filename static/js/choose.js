// Choosing films: how many there are, and a range with the shift key held. The bar itself comes and
// goes without script. <span data-chosen data-most="100" data-some="Chosen: {number}"> says it.
(() => {
  let last = null;

  const boxes = () => [...document.querySelectorAll("input[name=film][form=bulk]")];

  const tell = () => {
    const place = document.querySelector("[data-chosen]");
    if (!place) return;
    const number = boxes().filter((box) => box.checked).length;
    const most = Number(place.dataset.most);
    place.dataset.none ??= place.textContent;
    const said = number > most ? `${number} / ${most}` : String(number);
    place.textContent = number ? place.dataset.some.replace("{number}", said) : place.dataset.none;
    place.toggleAttribute("data-over", number > most);
  };

  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches?.("input[name=film][form=bulk]")) return;
    const all = boxes();
    if (event.shiftKey && last?.isConnected) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const between of all.slice(from, to)) between.checked = box.checked;
    }
    last = box;
    tell();
  });
  document.addEventListener("reset", () => setTimeout(tell));
  document.addEventListener("change", tell);
  addEventListener("pageshow", tell);
})();
