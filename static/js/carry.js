// <a data-carry="form-id">: what was written and chosen in the form comes along to the next page,
// which has a form of the same id and some fields of the same names.
(() => {
  const STAY = ["csrfmiddlewaretoken", "kept", "model"];
  const key = (id) => `gallop-carry-${id}`;

  const pack = (form) => {
    const fields = [...new FormData(form)];
    return JSON.stringify(fields.filter(([name, value]) => typeof value === "string" && !STAY.includes(name)));
  };

  const unpack = (form) => {
    const packed = sessionStorage.getItem(key(form.id));
    sessionStorage.removeItem(key(form.id));
    for (const [name, value] of JSON.parse(packed ?? "[]")) {
      const field = form.elements.namedItem(name);
      // A choice that is not offered here leaves the one that is shown.
      if (field instanceof RadioNodeList ? [...field].some((one) => one.value === value) : field) {
        field.value = value;
      }
    }
  };

  try {
    for (const link of document.querySelectorAll("a[data-carry]")) {
      const form = document.getElementById(link.dataset.carry);
      unpack(form);
      link.addEventListener("click", () => sessionStorage.setItem(key(form.id), pack(form)));
    }
  } catch { /* private mode */ }
})();
