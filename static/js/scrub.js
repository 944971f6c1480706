// The gallery's scrubber: over a card's picture the pointer chooses one of the twelve real frames.
// <span class="card__media" data-scrub="sprite url"> ; nothing is fetched before the first hover.
// A card that plays its preview (preview.js) needs no scrubber.
(() => {
  const FRAMES = 12;
  const less = matchMedia("(prefers-reduced-motion: reduce)");

  const overlay = (media) => {
    const frame = document.createElement("span");
    frame.className = "scrub";
    frame.style.backgroundImage = `url("${media.dataset.scrub.replaceAll(`"`, "%22")}")`;
    const ticks = document.createElement("span");
    ticks.className = "scrub__ticks";
    for (let n = 0; n < FRAMES; n += 1) ticks.append(document.createElement("i"));
    frame.append(ticks);
    return frame;
  };

  const showFrame = (media, event) => {
    const box = media.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const at = Math.min(FRAMES - 1, Math.max(0, Math.floor(share * FRAMES)));
    const frame = media.querySelector(".scrub");
    frame.style.backgroundPositionX = `${(100 * at) / (FRAMES - 1)}%`;
    frame.querySelectorAll("i").forEach((tick, n) => tick.toggleAttribute("data-here", n === at));
  };

  document.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    const under = event.target.closest?.("[data-scrub]");
    const media = under?.dataset.preview && !less.matches ? null : under;
    for (const other of document.querySelectorAll(".scrub")) {
      if (other.parentElement !== media) other.remove();
    }
    if (!media) return;
    if (!media.querySelector(".scrub")) media.append(overlay(media));
    showFrame(media, event);
  });
})();
