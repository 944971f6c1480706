// What asks for itself again and again is exchanged only when it has changed: nothing flickers,
// and focus, hover and a playing film stay as they are.
(() => {
  const last = new Map();

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo, requestConfig } = event.detail;
    // An answer from elsewhere means that the session has ended: that page is meant as a whole.
    if (new URL(xhr.responseURL).pathname !== pathInfo.requestPath.split("?")[0]) {
      event.detail.shouldSwap = false;
      location.assign(xhr.responseURL);
      return;
    }
    // What is asked for once is wanted, even if it looks like an earlier answer.
    if (!requestConfig.elt.getAttribute("hx-trigger")?.startsWith("every")) return;
    if (last.get(pathInfo.requestPath) === xhr.response) event.detail.shouldSwap = false;
    last.set(pathInfo.requestPath, xhr.response);
  });
})();
