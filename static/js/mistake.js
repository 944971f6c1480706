// After a form came back with mistakes, the first one has the focus.
(() => {
  const focusFirst = (root) => {
    const field = root.querySelector("[aria-invalid='true']:not([type='hidden'])");
    field?.focus();
  };
  focusFirst(document);
  document.addEventListener("htmx:afterSwap", (event) => focusFirst(event.target));
})();
