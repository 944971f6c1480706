// The buy button carries the sum: <button data-buy="Buy {sum}"> in a form with radios "pack" and
// a text "amount". Writing a sum chooses "other"; a sum that cannot be read leaves the plain word.
// #bonus (data-steps="100=5,250=8", data-line="… {sum} … {credit} … {bonus}") tells the bonus.
(() => {
  const button = document.querySelector("[data-buy]");
  if (!button) return;
  const { form, textContent: plain } = button;
  const { amount } = form.elements;
  const other = form.querySelector("[name='pack'][value='other']");
  const line = document.getElementById("bonus");
  const invitation = line?.textContent;
  const steps = (line?.dataset.steps ?? "").split(",").filter(Boolean)
    .map((step) => step.split("=").map(BigInt));

  // Micro-dollars, as the server counts, so that the bonus is the same to the last digit.
  const MICROS = 1_000_000n;

  const sum = () => {
    const chosen = form.elements.pack.value;
    const parts = /^\$?(\d{1,6})(?:\.(\d{1,2}))?$/.exec(chosen === "other" ? amount.value.trim() : chosen);
    return parts && BigInt(parts[1]) * MICROS + BigInt((parts[2] ?? "").padEnd(2, "0")) * 10_000n;
  };

  const money = (micros) => {
    const decimals = String(micros % MICROS).padStart(6, "0");
    return `$${micros / MICROS}.${decimals.slice(0, 2)}${decimals.slice(2).replace(/0+$/, "")}`;
  };

  const bonusOn = (micros) => {
    const percents = steps.filter(([dollars]) => micros >= dollars * MICROS).map(([, percent]) => percent);
    return micros * percents.reduce((most, next) => (next > most ? next : most), 0n) / 100n;
  };

  const writeBonus = (known) => {
    const bonus = known ? bonusOn(known) : 0n;
    const words = { "{sum}": known, "{credit}": (known ?? 0n) + bonus, "{bonus}": bonus };
    line.textContent = bonus
      ? line.dataset.line.replace(/\{\w+\}/g, (word) => money(words[word]))
      : invitation;
  };

  const write = () => {
    const known = sum();
    button.textContent = known ? button.dataset.buy.replace("{sum}", () => money(known)) : plain;
    if (line) writeBonus(known);
  };

  amount.addEventListener("input", () => { other.checked = true; });
  other.addEventListener("change", () => amount.focus());
  form.addEventListener("input", write);
  addEventListener("pageshow", write);
  write();
})();
