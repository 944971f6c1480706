// Tabs keep their language: choosing one of <div class="tabs" data-tabs="language"> chooses the
// same word (the radio's data-tab) in every such group, and on the next visit.
(() => {
  const key = (group) => `gallop-tab-${group}`;

  const choose = (group, tab) => {
    for (const tabs of document.querySelectorAll(`[data-tabs="${CSS.escape(group)}"]`)) {
      const radio = tabs.querySelector(`:scope > [data-tab="${CSS.escape(tab)}"]`);
      if (radio) radio.checked = true;
    }
  };

  document.addEventListener("change", (event) => {
    const tabs = event.target.closest("[data-tabs]");
    if (!tabs || !event.target.dataset.tab) return;
    choose(tabs.dataset.tabs, event.target.dataset.tab);
    try { localStorage.setItem(key(tabs.dataset.tabs), event.target.dataset.tab); } catch { /* private mode */ }
  });

  for (const group of new Set([...document.querySelectorAll("[data-tabs]")].map((t) => t.dataset.tabs))) {
    let stored = null;
    try { stored = localStorage.getItem(key(group)); } catch { /* private mode */ }
    if (stored) choose(group, stored);
  }
})();
