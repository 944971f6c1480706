// A form is sent once: the pressed button turns busy and a second press does nothing.
// Forms that answer with a download carry data-again and are left alone.
(() => {
  const rest = () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.dataset.again !== undefined) return;
    if (form.method === "dialog" || form.method === "get") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  });

  // A page that comes back from the history is ready again, and so is one that htmx answered.
  addEventListener("pageshow", rest);
  document.addEventListener("htmx:afterRequest", rest);
})();
