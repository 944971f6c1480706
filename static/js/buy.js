// The buy button carries the sum: <button data-buy="Buy {sum}"> in a form with radios "pack" and
// a text "amount". Writing a sum chooses "other"; a sum that cannot be read leaves the plain word.
(() => {
  const button = document.querySelector("[data-buy]");
  if (!button) return;
  const { form, textContent: plain } = button;
  const { amount } = form.elements;
  const other = form.querySelector("[name='pack'][value='other']");

  const sum = () => {
    const chosen = form.elements.pack.value;
    const parts = /^\$?(\d{1,6})(?:\.(\d{1,2}))?$/.exec(chosen === "other" ? amount.value.trim() : chosen);
    return parts && `$${BigInt(parts[1])}.${(parts[2] ?? "").padEnd(2, "0")}`;
  };

  const write = () => {
    const known = sum();
    button.textContent = known ? button.dataset.buy.replace("{sum}", () => known) : plain;
  };

  amount.addEventListener("input", () => { other.checked = true; });
  other.addEventListener("change", () => amount.focus());
  form.addEventListener("input", write);
  addEventListener("pageshow", write);
  write();
})();
