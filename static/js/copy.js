// Copy buttons: <button data-copy="#id" data-copied="Copied">Copy</button> copies that element's
// text (or data-copy-text), says so for two seconds, and tells screen readers through aria-live.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || button.dataset.before) return;
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  const text = (source.value ?? source.dataset.copyText ?? source.textContent).trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No permission, or no https: select the text, so that a keystroke copies it.
    getSelection().selectAllChildren(source);
    return;
  }
  const word = button.querySelector("[data-word]") ?? button;
  button.dataset.before = word.textContent;
  button.setAttribute("aria-live", "polite");
  word.textContent = button.dataset.copied;
  setTimeout(() => {
    word.textContent = button.dataset.before;
    delete button.dataset.before;
  }, 2000);
});
