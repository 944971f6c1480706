// The gallery's preview: a card's film plays, small and silent, under the pointer or the focus.
// <span class="card__media" data-preview="film url">. Who wants less motion keeps the scrubber, and
// so does everyone when the preview cannot be played. Nothing is fetched before it is wanted.
(() => {
  const less = matchMedia("(prefers-reduced-motion: reduce)");
  let shown = null;

  const stop = () => {
    const film = shown?.querySelector("video");
    shown = null;
    if (!film) return;
    film.remove();
    // Only an emptied element stops fetching.
    film.removeAttribute("src");
    film.load();
  };

  const play = (media) => {
    const film = document.createElement("video");
    film.muted = true;
    film.loop = true;
    film.playsInline = true;
    film.setAttribute("aria-hidden", "true");
    film.addEventListener("error", () => {
      if (!film.isConnected) return;
      film.remove();
      delete media.dataset.preview;
    });
    film.src = media.dataset.preview;
    media.append(film);
    film.play().catch(() => {});
  };

  const show = (media) => {
    if (media === shown) return;
    stop();
    if (!media || less.matches) return;
    shown = media;
    play(media);
  };

  const within = (target) => target?.closest?.(".card")?.querySelector("[data-preview]") ?? null;

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse") show(within(event.target) ?? within(document.activeElement));
  });
  document.addEventListener("focusin", (event) => show(within(event.target)));
  document.addEventListener("focusout", () => show(null));
})();
