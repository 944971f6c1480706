// What the browser's controls of a film lack: speed, single frames, loop, full screen, and the
// strip as a way to seek. <div data-player="id of the video">; it may be put there at any time.
(() => {
  const FRAME = 1 / 24;

  const press = (group, chosen) => {
    for (const button of group) button.setAttribute("aria-pressed", String(button === chosen));
  };

  const act = (button, bar, film) => {
    const { speed, step } = button.dataset;
    if (speed) {
      film.playbackRate = Number(speed);
      press(bar.querySelectorAll("[data-speed]"), button);
    } else if (step) {
      film.pause();
      film.currentTime = Math.max(0, film.currentTime + Number(step) * FRAME);
    } else if (button.dataset.loop !== undefined) {
      film.loop = !film.loop;
      button.setAttribute("aria-pressed", String(film.loop));
    } else if (film.requestFullscreen) {
      film.requestFullscreen().catch(() => {});
    } else {
      // Telephones of one maker know their own word for it only.
      film.webkitEnterFullscreen?.();
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-player] button");
    if (button) {
      const bar = button.closest("[data-player]");
      act(button, bar, document.getElementById(bar.dataset.player));
      return;
    }
    const frame = event.target.closest(".strip--seek .strip__frame");
    const film = document.getElementById("player");
    if (!frame || !film?.duration) return;
    const frames = [...frame.parentElement.children];
    film.currentTime = (film.duration * frames.indexOf(frame)) / frames.length;
  });
})();
