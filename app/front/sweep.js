/* The sweep: budgets are fetched one after the other, behind what the visitor does. Asking for
   one at a time means that a new photo or a closed tab stops it without a word to the server. */

const RETRY = 400; // milliseconds until the server is asked again while it is busy with us
const FRAME_TIME = 350; // milliseconds of one budget when the sweep is played
let asking = null; // the question under way
let stopped = false;
let player = null;

const missing = () => page.scene?.order.find((budget) => !page.frames.has(keyOf(budget)));

function pull() {
  const budget = missing();
  if (asking || stopped || budget === undefined) return;
  const scene = page.scene.id;
  asking = { scene, budget, name: `${scene} ${keyOf(budget)}` };
  page.channels.sweep?.ask(asking);
}

function receiveStep(message) {
  if (message.name !== asking?.name) return; // of another photo
  asking = null;
  if (message.frame) {
    keep(message.frame);
    if (!player) showAsked();
  }
  if (message.failed) stopped = true;
  drawProgress();
  if (message.frame) pull();
  else setTimeout(pull, RETRY);
}
handlers.sweep = receiveStep;
unanswered.sweep = () => asking && receiveStep({ name: asking.name, failed: true });

/* ------------------------------------------------------------------ progress */

function drawProgress() {
  const box = document.querySelector("#sweep");
  if (!box) return;
  const budgets = page.scene?.budgets ?? [];
  const ready = budgets.filter((budget) => page.frames.has(keyOf(budget))).length;
  const counts = { ready, all: budgets.length };
  const done = budgets.length > 0 && ready === budgets.length;
  const text = !budgets.length
    ? words.waiting
    : say(done ? words.complete : stopped ? words.stopped : words.progress, counts);
  const bar = box.querySelector(".pag-steps");
  if (bar.childElementCount !== budgets.length) {
    bar.replaceChildren(...budgets.map(() => document.createElement("i")));
  }
  bar.setAttribute("aria-valuemax", budgets.length || 1);
  bar.setAttribute("aria-valuenow", ready);
  bar.setAttribute("aria-valuetext", text);
  [...bar.children].forEach((mark, i) => {
    mark.className = page.frames.has(keyOf(budgets[i])) ? "ready" : "";
    mark.title = say(words.budget, { budget: budgets[i].toFixed(2) });
    if (page.shown && Math.abs(page.shown.budget - budgets[i]) < 0.0051) mark.classList.add("now");
  });
  box.querySelector(".pag-sweep-text").textContent = text;
  box.querySelector(".pag-play").disabled = ready < 2;
  box.dataset.state = done ? "complete" : stopped ? "stopped" : budgets.length ? "running" : "idle";
}

/* ------------------------------------------------------------------ play */

function play() {
  let place = page.scene.budgets.findIndex((b) => page.shown && b >= page.shown.budget - 0.0051);
  let direction = 1;
  const step = () => {
    const ready = page.scene.budgets.filter((budget) => page.frames.has(keyOf(budget)));
    if (ready.length < 2) return pause();
    if (place + direction < 0 || place + direction >= ready.length) direction = -direction;
    place = Math.max(0, Math.min(ready.length - 1, place + direction));
    fillHtml({ preview: "" });
    show(page.frames.get(keyOf(ready[place])));
  };
  player = setInterval(step, FRAME_TIME);
  setPlayButton();
}

/* The slider then stands where the sweep was stopped, as if it had been moved there. */
function pause(settle = true) {
  if (!player) return;
  clearInterval(player);
  player = null;
  setPlayButton();
  if (settle && page.wanted) moveSlider(page.wanted.budget);
  if (page.shown) tellShown(); // there are panels that ask for nothing while it plays
}

function setPlayButton() {
  const button = document.querySelector("#sweep .pag-play");
  if (!button) return;
  button.textContent = player ? `❚❚ ${words.pause}` : `▶ ${words.play}`;
}

function moveSlider(budget) {
  const slider = document.querySelector("#budget input[type=range]");
  if (!slider) return;
  slider.value = budget;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}

/* ------------------------------------------------------------------ a budget that is typed */

/* On the way to 0.45 there are "0" and "0.": no budgets, and nobody asked for them. */
const unfinished = (box) =>
  box.matches?.("#budget input[type=number]") &&
  (box.value === "" || Number(box.value) < Number(box.min) || Number(box.value) > Number(box.max));

/* Left like that, it becomes the nearest budget that there is; nothing becomes what was there. */
function finish(box) {
  const typed = box.value === "" ? sliderValue() : Number(box.value);
  box.value = Math.min(Math.max(typed, Number(box.min)), Number(box.max));
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/* ------------------------------------------------------------------ wiring */

document.addEventListener(
  "input",
  (event) => {
    if (!event.target.closest?.("#budget")) return;
    if (unfinished(event.target)) return event.stopPropagation();
    pause(false);
    stopped = false;
    if (page.frames.size) showAsked(Number(event.target.value));
  },
  true,
);
document.addEventListener("change", ({ target }) => unfinished(target) && finish(target), true);
document.addEventListener("click", (event) => {
  if (event.target.closest("#sweep .pag-play")) player ? pause() : play();
});
hooks.scene.push(() => {
  pause(false);
  asking = null;
  stopped = false;
});
hooks.reply.push(() => {
  drawProgress();
  pull();
});
hooks.shown.push(drawProgress);
hooks.mounted.push(drawProgress);
