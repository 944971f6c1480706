// Small manners: an open menu closes on Escape, on a click elsewhere and when another opens;
// a message can be put away.
(() => {
  const openMenus = () => document.querySelectorAll("details[data-menu][open]");

  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
    event.target.closest("[data-close]")?.closest(".notice")?.remove();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  const showClose = () => {
    for (const button of document.querySelectorAll("[data-close][hidden]")) button.hidden = false;
  };
  showClose();
  document.addEventListener("htmx:load", showClose);
})();
