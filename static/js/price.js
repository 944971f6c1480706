// The price while one chooses, exact: micro-dollars times seconds, in whole numbers (BigInt).
//
// <form data-price data-balance-micros="24055000">
//   <input type="radio" name="resolution" value="1080p" data-micros="189000">   (or <option>)
//   <input type="range" name="duration" min="3" max="15">
//   [data-price-out]      "$0.945"            [data-seconds-out]   "00:05"
//   [data-after-out]      balance after       [data-short]         shown when the balance is too small
(() => {
  const MICROS = 1_000_000n;

  // The same rule as the server's filter: at least two decimals, and every digit that counts.
  const dollars = (micros) => {
    const size = micros < 0n ? -micros : micros;
    const parts = (size % MICROS).toString().padStart(6, "0").replace(/0{1,4}$/, "");
    const whole = (size / MICROS).toString().replace(/\B(?=(\d{3})+$)/g, ",");
    return `${micros < 0n ? "-" : ""}$${whole}.${parts}`;
  };

  const still = matchMedia("(prefers-reduced-motion: reduce)");

  // The new price rolls in from the side it comes from: up when it grows, down when it shrinks.
  const roll = (place, text, grows) => {
    if (place.textContent === text) return;
    const first = place.textContent === "";
    place.textContent = text;
    if (first || still.matches || place.getAnimations().length) return;
    place.animate(
      [{ transform: `translateY(${grows ? 45 : -45}%)`, opacity: 0 }, { transform: "none", opacity: 1 }],
      { duration: 180, easing: "ease-out" },
    );
  };

  const wire = (form) => {
    const range = form.elements.duration;
    if (!range) return;
    let last = 0n;

    const rate = () => {
      const chosen = form.querySelector("[name='resolution']:checked, [name='resolution'] option:checked");
      return BigInt((chosen ?? form).dataset.micros);
    };

    const write = () => {
      const seconds = Number.parseInt(range.value, 10);
      if (!Number.isInteger(seconds)) return;
      const price = rate() * BigInt(seconds);
      for (const place of form.querySelectorAll("[data-price-out]")) roll(place, dollars(price), price > last);
      for (const place of form.querySelectorAll("[data-seconds-out]")) {
        place.textContent = `00:${String(seconds).padStart(2, "0")}`;
      }
      if (range.type === "range") {
        const share = (100 * (seconds - range.min)) / (range.max - range.min);
        range.style.setProperty("--done", `${share}%`);
      }
      if (form.dataset.balanceMicros !== undefined) {
        const after = BigInt(form.dataset.balanceMicros) - price;
        for (const place of form.querySelectorAll("[data-after-out]")) place.textContent = dollars(after);
        for (const place of form.querySelectorAll("[data-short]")) place.hidden = after >= 0n;
        for (const place of form.querySelectorAll("[data-enough]")) place.hidden = after < 0n;
      }
      last = price;
    };

    form.addEventListener("input", write);
    form.addEventListener("reset", () => setTimeout(write));
    write();
  };

  document.querySelectorAll("form[data-price]").forEach(wire);
})();
