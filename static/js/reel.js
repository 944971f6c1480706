// The landing page's films: they play while they are seen, and their strip follows frame by frame.
//
// <figure data-reel="loop|once"> with a <video controls> and a strip; [data-reel-switch] stops and
// starts it. Over the strip the pointer chooses the frame. For who wants less motion nothing starts
// by itself. Without script, and where there is no switch then, the browser's own controls stay.
(() => {
  const FRAMES = 12;
  const SEEN = 0.5;
  const LOOK_MS = 100;
  const less = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const wire = (figure) => {
    const film = figure.querySelector("video");
    const frames = [...figure.querySelectorAll(".strip__frame")];
    const button = figure.querySelector("[data-reel-switch]");
    let stopped = less;
    let held = false;
    if (less && !button) return;
    film.controls = false;

    let here = -1;
    const mark = () => {
      const at = Math.min(FRAMES - 1, Math.floor((FRAMES * film.currentTime) / (film.duration || 1)));
      if (at === here) return;
      frames[here]?.removeAttribute("data-here");
      frames[at].setAttribute("data-here", "");
      here = at;
    };
    // Ten looks a second are enough for twelve frames in five seconds.
    const follow = () => {
      mark();
      if (!film.paused) setTimeout(follow, LOOK_MS);
    };
    const say = () => {
      if (!button) return;
      button.toggleAttribute("data-stopped", film.paused);
      button.setAttribute("aria-label", film.paused ? button.dataset.play : button.dataset.stop);
    };
    const play = () => film.play().catch(() => {});

    film.addEventListener("play", () => { say(); follow(); });
    film.addEventListener("pause", say);
    film.addEventListener("seeked", mark);

    if (button) {
      button.hidden = false;
      say();
      button.addEventListener("click", () => {
        stopped = !film.paused;
        if (stopped) film.pause(); else play();
      });
    } else {
      figure.addEventListener("pointerenter", play);
    }

    const strip = figure.querySelector(".strip");
    strip.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse" || !film.duration) return;
      const box = strip.getBoundingClientRect();
      held = true;
      film.pause();
      film.currentTime = film.duration * Math.min(0.999, Math.max(0, (event.clientX - box.left) / box.width));
    });
    strip.addEventListener("pointerleave", () => {
      if (held && !stopped) play();
      held = false;
    });

    new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) film.pause();
      else if (!stopped && !(film.ended && figure.dataset.reel === "once")) play();
    }, { threshold: SEEN }).observe(film);
  };

  // The page itself comes first.
  const start = () => document.querySelectorAll("[data-reel]").forEach(wire);
  if (document.readyState === "complete") start();
  else addEventListener("load", start);
})();
