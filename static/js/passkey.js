/* Says in words why a passkey was not used. The browser's own names for it stay in here. */
(() => {
  const place = document.getElementById("passkey-trouble");
  if (!place) return;

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const nameless = event.detail.exception?.name === "SecurityError";
    place.textContent = nameless ? place.dataset.name : place.dataset.none;
    place.hidden = false;
    place.closest(".entrance, .rooms, main")?.querySelector("form")?.before(place);
  });
})();
