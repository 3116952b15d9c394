// What a strip of a chart says, beside the pointer. Without this script the browser shows the same titles, later.
(() => {
  "use strict";
  const tip = document.body.appendChild(document.createElement("div"));
  tip.id = "tip";
  tip.hidden = true;
  for (const strip of document.querySelectorAll(".strip")) {
    const title = strip.querySelector("title");
    strip.dataset.tip = title.textContent;
    title.remove();
  }
  document.addEventListener("pointermove", (event) => {
    const strip = event.target instanceof Element ? event.target.closest(".strip") : null;
    tip.hidden = !strip;
    if (!strip) return;
    tip.textContent = strip.dataset.tip;
    const room = { x: innerWidth - tip.offsetWidth - 12, y: innerHeight - tip.offsetHeight - 12 };
    tip.style.left = Math.max(4, Math.min(event.clientX + 16, room.x)) + "px";
    tip.style.top = Math.max(4, Math.min(event.clientY + 18, room.y)) + "px";
  });
  document.addEventListener("pointerleave", () => { tip.hidden = true; });
})();
