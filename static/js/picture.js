// The picture's place: choose, drop or paste; judged in words before anything is uploaded.
// Limits and sentences stand in data attributes of the zone (see _picture_field.html).
(() => {
  const TYPES = ["image/jpeg", "image/png", "image/bmp", "image/x-ms-bmp", "image/webp"];
  const MEGABYTE = 1_048_576;
  const keptPictures = new Map();
  let shownUrl = "";

  const say = (zone, name, have) => (zone.dataset[name] ?? "").replace("{have}", have);

  const judgeFile = (zone, file) => {
    if (!TYPES.includes(file.type)) return say(zone, "sayType");
    if (file.size > Number(zone.dataset.maxBytes)) {
      return say(zone, "sayBytes", (Math.ceil((file.size / MEGABYTE) * 10) / 10).toString());
    }
    return "";
  };

  const judgeSides = (zone, width, height) => {
    const least = Number(zone.dataset.minSide);
    const most = Number(zone.dataset.maxRatio);
    if (width < least) return say(zone, "sayNarrow", width);
    if (height < least) return say(zone, "sayLow", height);
    // Rounded up to two decimals, so that 2.501 does not read as 2.5.
    const times = (a, b) => (Math.ceil((a / b) * 100) / 100).toString();
    if (width > most * height) return say(zone, "sayFlat", times(width, height));
    if (height > most * width) return say(zone, "sayTall", times(height, width));
    return "";
  };

  const load = (url) =>
    new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = reject;
      image.src = url;
    });

  const errorPlace = (zone) => zone.parentElement.querySelector("[data-picture-error]");

  const complain = (zone, sentence) => {
    const input = zone.querySelector("input[type='file']");
    const line = zone.querySelector("template").content.cloneNode(true);
    line.querySelector("span").textContent = sentence;
    errorPlace(zone)?.replaceChildren(...(sentence ? [line] : []));
    if (sentence) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };

  const fillStrip = (zone, url) => {
    const strip = document.getElementById(zone.dataset.strip);
    if (!strip) return;
    for (const frame of strip.querySelectorAll(".strip__frame")) {
      const image = new Image();
      image.alt = "";
      image.src = url;
      frame.replaceChildren(...(url ? [image] : []));
    }
    strip.dataset.state = url ? "waiting" : "empty";
  };

  // Puts an image into the zone; without one the zone is empty again.
  const show = (zone, image, url) => {
    zone.querySelector(".drop__picture")?.remove();
    zone.toggleAttribute("data-full", Boolean(image));
    zone.querySelector("[data-picture-bar]").hidden = !url.startsWith("blob:");
    if (image) {
      zone.prepend(image);
      zone.querySelector("[data-picture-facts]").textContent = `${image.naturalWidth} × ${image.naturalHeight}`;
    }
    fillStrip(zone, url);
    if (shownUrl) URL.revokeObjectURL(shownUrl);
    shownUrl = url.startsWith("blob:") ? url : "";
  };

  // A refused file leaves nothing behind: the picture the page came with returns, or none.
  const refuse = (zone, sentence, url) => {
    zone.querySelector("input[type='file']").value = "";
    if (url) URL.revokeObjectURL(url);
    const kept = keptPictures.get(zone);
    show(zone, kept, kept?.src ?? "");
    complain(zone, sentence);
  };

  const take = async (zone, file) => {
    const first = judgeFile(zone, file);
    if (first) return refuse(zone, first);
    const url = URL.createObjectURL(file);
    let image;
    try {
      image = await load(url);
    } catch {
      return refuse(zone, say(zone, "sayBroken"), url);
    }
    const second = judgeSides(zone, image.naturalWidth, image.naturalHeight);
    if (second) return refuse(zone, second, url);
    complain(zone, "");
    image.className = "drop__picture";
    image.alt = file.name;
    return show(zone, image, url);
  };

  const give = (zone, files) => {
    const file = [...files].find((one) => one.type.startsWith("image/")) ?? files[0];
    if (!file) return;
    const carrier = new DataTransfer();
    carrier.items.add(file);
    zone.querySelector("input[type='file']").files = carrier.files;
    take(zone, file);
  };

  const wire = (zone) => {
    const input = zone.querySelector("input[type='file']");
    keptPictures.set(zone, zone.querySelector(".drop__picture"));
    const over = (event) => {
      event.preventDefault();
      zone.dataset.over = "";
    };
    const out = () => delete zone.dataset.over;

    input.addEventListener("change", () => (input.files[0] ? take(zone, input.files[0]) : refuse(zone, "")));
    zone.addEventListener("dragenter", over);
    zone.addEventListener("dragover", over);
    zone.addEventListener("dragleave", out);
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      out();
      give(zone, event.dataTransfer.files);
    });
    document.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length) give(zone, event.clipboardData.files);
    });
  };

  document.querySelectorAll("[data-picture]").forEach(wire);
})();
