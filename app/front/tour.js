/* A short tour of the page: started by a button, led by the keyboard or the pointer. */

const tour = { at: -1, card: null, from: null };

function startTour(button) {
  endTour();
  tour.from = button;
  tour.card = document.createElement("div");
  tour.card.className = "pag-tour";
  tour.card.setAttribute("role", "dialog");
  tour.card.setAttribute("aria-live", "polite");
  tour.card.setAttribute("aria-labelledby", "pag-tour-title");
  tour.card.setAttribute("aria-describedby", "pag-tour-text");
  tour.card.innerHTML =
    '<p class="pag-tour-count"></p><h2 id="pag-tour-title"></h2><p id="pag-tour-text"></p>' +
    '<div><button type="button" class="pag-button" data-tour="end"></button>' +
    '<button type="button" class="pag-button" data-tour="back"></button>' +
    '<button type="button" class="pag-button pag-first" data-tour="next"></button></div>';
  document.querySelector(".gradio-container .contain").append(tour.card);
  goTo(0);
}

function goTo(place) {
  const steps = words.tour.steps;
  if (place >= steps.length) return endTour();
  tour.at = Math.max(0, place);
  const [selector, tab, title, text] = steps[tour.at];
  const write = (where, what) => (tour.card.querySelector(where).textContent = what);
  write(".pag-tour-count", say(words.tour.count, { step: tour.at + 1, all: steps.length }));
  write("h2", title);
  write("#pag-tour-text", text);
  write("[data-tour=end]", words.tour.end);
  write("[data-tour=back]", words.tour.back);
  write("[data-tour=next]", tour.at + 1 < steps.length ? words.tour.next : words.tour.done);
  tour.card.querySelector("[data-tour=back]").disabled = tour.at === 0;
  tour.card.querySelector("[data-tour=next]").focus({ preventScroll: true });
  if (tab) document.querySelector(`#tab-${tab}-button`)?.click();
  light(selector, 40);
}

/* A tab that was never opened makes its panel in a moment: it is looked for a few times. */
function light(selector, tries) {
  const step = tour.at;
  for (const old of all(".pag-toured")) old.classList.remove("pag-toured");
  const target = document.querySelector(selector);
  if (!target || !target.offsetParent) {
    if (tries && tour.card) setTimeout(() => step === tour.at && light(selector, tries - 1), 50);
    return;
  }
  target.classList.add("pag-toured");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  target.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}

function endTour() {
  if (!tour.card) return;
  for (const old of all(".pag-toured")) old.classList.remove("pag-toured");
  tour.card.remove();
  Object.assign(tour, { at: -1, card: null });
  tour.from?.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("#tour");
  if (button) return startTour(button);
  const pressed = event.target.closest("[data-tour]")?.dataset.tour;
  if (pressed === "next") goTo(tour.at + 1);
  if (pressed === "back") goTo(tour.at - 1);
  if (pressed === "end") endTour();
});
document.addEventListener(
  "keydown",
  (event) => {
    if (!tour.card) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      return endTour();
    }
    if (!tour.card.contains(event.target)) return;
    if (event.key === "ArrowRight") goTo(tour.at + 1);
    if (event.key === "ArrowLeft") goTo(tour.at - 1);
  },
  true,
);
