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
  asking = { scene: page.scene.id, budget };
  page.channels.sweep?.ask(asking);
}

function receiveStep(message) {
  const asked = asking;
  asking = null;
  const current = message.scene === page.scene?.id;
  if (message.frame && current) {
    keep(message.frame);
    if (!player) showAsked();
  }
  if (message.failed && current) stopped = true;
  drawProgress();
  if (message.later || !asked) setTimeout(pull, RETRY);
  else pull();
}
handlers.sweep = receiveStep;

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
}

function setPlayButton() {
  const button = document.querySelector("#sweep .pag-play");
  if (!button) return;
  button.textContent = player ? `❚❚ ${words.pause}` : `▶ ${words.play}`;
  button.setAttribute("aria-pressed", player ? "true" : "false");
}

function moveSlider(budget) {
  const slider = document.querySelector("#budget input[type=range]");
  if (!slider) return;
  slider.value = budget;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}

/* ------------------------------------------------------------------ wiring */

document.addEventListener(
  "input",
  (event) => {
    if (!event.target.closest?.("#budget")) return;
    pause(false);
    stopped = false;
    const asked = Number(event.target.value);
    if (event.target.value !== "" && page.frames.size) showAsked(asked);
  },
  true,
);
document.addEventListener("click", (event) => {
  if (event.target.closest("#sweep .pag-play")) player ? pause() : play();
});
hooks.scene.push(() => {
  pause(false);
  stopped = false;
});
hooks.reply.push(() => {
  drawProgress();
  pull();
});
hooks.shown.push(drawProgress);
hooks.mounted.push(drawProgress);
