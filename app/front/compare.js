/* Agreement with full budget below every output, and the line between the budget shown, on the
   left, and full budget, on the right. Both come from frames that are here already. */

const OUTPUTS = ["segmentation", "boundary", "depth", "normals"];
const FULL = keyOf(1);
const fullFrame = () => page.frames.get(FULL);
const outputViews = (root = document) =>
  all(".pag-view", root).filter((view) => OUTPUTS.includes(view.dataset.name));

/* ------------------------------------------------------------------ agreement */

const agreements = new Map(); // budget as text -> what the server measured

function drawAgreement(root = document) {
  if (!page.shown) return;
  const known = agreements.get(keyOf(page.shown.budget));
  const waiting = fullFrame() ? "" : words.agreementWaiting;
  for (const name of OUTPUTS) {
    const slot = `agreement-${name}`;
    fillHtml({ [slot]: known ? known.html[slot] : waiting }, root);
  }
  // What was measured on this photo comes before what the machine's table says.
  fillHtml({ time: (known ?? page.shown.fill).html.time }, root);
}

/* ------------------------------------------------------------------ the line */

const halves = { wanted: false, at: 0.5 };
const comparing = () => halves.wanted && Boolean(fullFrame());
/* What is seen at the pin: the readout speaks of that side. */
const frameAtPin = () => (comparing() && pin.x >= halves.at ? fullFrame() : page.shown);

function drawCompare(root = document) {
  const values = { shown: page.shown?.budget.toFixed(2) ?? "" };
  for (const view of outputViews(root)) {
    const stack = view.querySelector(".pag-stack");
    stack.classList.toggle("pag-compared", comparing());
    if (!comparing()) all(".pag-full, .pag-divider, .pag-side", stack).forEach((e) => e.remove());
    else drawLine(view, stack, values);
  }
  const same = page.shown === fullFrame();
  const note = !comparing() ? words.compareWaiting : same ? words.compareSame : words.compareOn;
  const status = document.querySelector("#compare-note");
  if (status) status.textContent = halves.wanted && page.scene ? say(note, values) : "";
  drawSplit();
}

function drawLine(view, stack, values) {
  let full = stack.querySelector(".pag-full");
  if (!full) {
    full = new Image();
    full.className = "pag-full";
    full.alt = say(words.fullAlt, { title: view.dataset.title });
    stack.querySelector(".pag-picture").after(full);
    stack.append(side("left"), side("right"));
  }
  const url = pictureOf(fullFrame(), view.dataset.name);
  if (full.src !== url) full.src = url;
  full.dataset.name = view.dataset.name;
  stack.querySelector(".pag-side.pag-left").textContent = say(words.leftSide, values);
  let line = stack.querySelector(".pag-divider");
  if (!line?.alive) {
    line?.remove(); // a copy: it hears nothing
    stack.append((line = divider()));
  }
  line.setAttribute("aria-label", `${view.dataset.title} ${say(words.divider, values)}`);
}

function side(name) {
  const label = document.createElement("span");
  label.className = `pag-side pag-${name}`;
  label.setAttribute("aria-hidden", "true");
  label.textContent = say(words[`${name}Side`], {});
  return label;
}

/* What happens at the line is not for the picture below it: no event goes further. */
function divider() {
  const line = document.createElement("div");
  line.alive = true;
  line.className = "pag-divider";
  line.tabIndex = 0;
  const fixed = { role: "slider", "aria-orientation": "horizontal", "aria-valuemin": 0 };
  for (const [name, value] of Object.entries({ ...fixed, "aria-valuemax": 100 })) {
    line.setAttribute(name, value);
  }
  const listen = (name, then) =>
    line.addEventListener(name, (event) => {
      event.stopPropagation();
      then(event);
    });
  listen("click", () => {});
  listen("pointerdown", (event) => {
    line.setPointerCapture(event.pointerId);
    line.focus();
    event.preventDefault();
  });
  listen("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const box = line.parentElement.getBoundingClientRect();
    moveSplit((event.clientX - box.left) / box.width);
  });
  listen("keydown", (event) => {
    const far = event.shiftKey ? 0.1 : 0.02;
    const to = { ArrowLeft: halves.at - far, ArrowRight: halves.at + far, Home: 0, End: 1 };
    if (!(event.key in to) || isShortcut(event)) return;
    event.preventDefault();
    moveSplit(to[event.key]);
  });
  return line;
}

function moveSplit(at) {
  halves.at = Math.min(Math.max(at, 0), 1);
  drawSplit();
  if (pin.on) drawReadout();
  for (const hook of splitHooks) hook();
}
const splitHooks = [];

/* One place for all pictures. */
function drawSplit() {
  document.body.style.setProperty("--pag-split", `${100 * halves.at}%`);
  const values = { share: percent(halves.at), shown: page.shown?.budget.toFixed(2) ?? "" };
  for (const line of all(".pag-divider")) {
    line.setAttribute("aria-valuenow", Math.round(100 * halves.at));
    line.setAttribute("aria-valuetext", say(words.dividerAt, values));
  }
}

/* For a picture that is saved: each side of the line keeps its own. */
function clipAtSplit(context, layer, width, height) {
  if (!layer.closest(".pag-compared") || !layer.matches(".pag-picture, .pag-full")) return;
  const [from, to] = layer.matches(".pag-full") ? [halves.at, 1] : [0, halves.at];
  context.beginPath();
  context.rect(from * width, 0, (to - from) * width, height);
  context.clip();
}

/* ------------------------------------------------------------------ wiring */

document.addEventListener("input", (event) => {
  if (!event.target.closest?.("#compare")) return;
  halves.wanted = event.target.checked;
  drawCompare();
  if (pin.on) drawReadout();
  for (const hook of splitHooks) hook();
});
hooks.scene.push(() => {
  agreements.clear();
  drawCompare();
});
hooks.arrival.push((frame) => {
  for (const entry of frame.agreements ?? []) agreements.set(keyOf(entry.budget), entry);
  drawAgreement();
  if (keyOf(frame.budget) === FULL) drawCompare();
});
hooks.shown.push(() => {
  drawAgreement();
  drawCompare();
});
hooks.mounted.push((element) => {
  drawAgreement(element);
  drawCompare(element);
});
