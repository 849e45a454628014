/* Two answers side by side. Another budget is in the browser already; for another policy, model or
   steering the server is asked. */

const OPAQUE = 235;
const beside = new Map(); // question -> {frame} or {html}: answers that are in no sweep
let besideAsked = "";

const showsNow = () => document.querySelector("#two-show input:checked")?.value ?? "segmentation";
const chosenNow = () => document.querySelector("#two-against select")?.value ?? "";
const split = (choice) => [choice.split(":")[0], choice.slice(choice.indexOf(":") + 1)];
const viewsOf = (side) => all(`.pag-view[data-name="two-${side}"]`);

/* ------------------------------------------------------------------ what can be B */

function choices() {
  const { budgets, models, fill } = page.scene;
  const found = budgets.map((budget) => [`budget:${keyOf(budget)}`, nameOfChoice("budget", budget)]);
  const policy = page.shown?.fill.data.two.policy;
  for (const other of Object.keys(words.two.policy)) {
    if (policy && other !== policy) found.push([`policy:${other}`, nameOfChoice("policy", other)]);
  }
  for (const model of models) found.push([`model:${model}`, nameOfChoice("model", model)]);
  if (fill.data.painting.cells) found.push(["steering:none", nameOfChoice("steering")]);
  return found;
}

function nameOfChoice(what, value) {
  if (what === "budget") return say(words.two.budget, { budget: Number(value).toFixed(2) });
  if (what === "policy") return words.two.policy[value];
  return what === "model" ? say(words.two.model, { name: value }) : words.two.steering;
}

function listChoices() {
  const select = document.querySelector("#two-against select");
  if (!select || !page.scene) return;
  const found = choices();
  const values = found.map(([value]) => value);
  if (values.join() === [...select.options].map((option) => option.value).join()) return;
  const before = select.value;
  const groups = new Map();
  for (const [value, name] of found) {
    const [what] = split(value);
    if (!groups.has(what)) {
      const group = document.createElement("optgroup");
      group.label = words.two.groups[what];
      groups.set(what, group);
    }
    groups.get(what).append(new Option(name, value));
  }
  select.replaceChildren(...groups.values());
  // Full budget says most, unless something else was chosen.
  const full = `budget:${keyOf(page.scene.budgets.at(-1))}`;
  select.value = values.includes(before) && select.dataset.chosen ? before : full;
}

/* The answer to compare with: {frame}, {html} if there is none, null while it is computed. */
function otherNow() {
  const [what, value] = split(chosenNow());
  if (what === "budget") {
    const frame = page.frames.get(value);
    return frame ? { frame } : null;
  }
  const question = { scene: page.scene.id, budget: page.shown.budget, what, value };
  const name = JSON.stringify(question);
  if (beside.has(name)) return beside.get(name);
  if (besideAsked !== name && !player) {
    besideAsked = name;
    page.channels.two?.ask({ ...question, name });
  }
  return null;
}

handlers.two = (message) => {
  if (message.name === besideAsked) besideAsked = "";
  if (message.scene !== page.scene?.id || !(message.frame || message.html)) return;
  beside.set(message.name, message);
  drawTwo();
};

unanswered.two = () => {
  if (besideAsked) beside.set(besideAsked, { failed: true, html: words.two.failed });
  besideAsked = "";
  drawTwo();
};

/* What could not be answered can be asked again once the visitor has done something. */
function forgetFailed() {
  for (const [name, { failed }] of beside) if (failed) beside.delete(name);
}

/* ------------------------------------------------------------------ drawing */

function drawTwo() {
  const panel = document.querySelector("#two-panel");
  if (!panel || !page.shown || !page.scene) return;
  if (![...viewsOf("a")].some(visible)) return;
  listChoices();
  const shows = showsNow();
  const other = otherNow();
  const name = nameOfChoice(...split(chosenNow()));
  const captions = { a: { budget: page.shown.budget.toFixed(2) }, b: { name } };
  for (const [side, values] of Object.entries(captions)) {
    const title = panel.querySelector(`#two-${side} [data-two=title]`);
    title.textContent = say(words.two.captions[side], values);
    viewsOf(side).forEach((view) => (view.dataset.title = title.textContent));
  }
  drawSide("a", page.shown, shows);
  drawSide("b", other?.frame, shows);
  const numbers = document.querySelector("#two-b-numbers");
  numbers.innerHTML = other ? (other.frame?.fill.html["two-numbers"] ?? other.html ?? "") : words.two.waiting;
  panel.dataset.state = other?.frame ? "ready" : other ? "failed" : "waiting";
  drawApart(page.shown, other?.frame, shows);
}

function drawSide(side, frame, shows) {
  for (const view of viewsOf(side)) {
    view.dataset.shows = shows;
    const picture = view.querySelector(".pag-picture");
    const url = frame && pictureOf(frame, shows);
    picture.hidden = shows === "ponder";
    if (url) picture.src = url;
    else picture.removeAttribute("src");
    drawPonderOver(view, shows === "ponder" ? frame : null);
  }
}

/* A canvas over the photo of a view; hidden when there is nothing to draw. */
function canvasOver(view, width, height) {
  const stack = view.querySelector(".pag-stack");
  let canvas = stack.querySelector("canvas");
  if (!canvas) {
    canvas = document.createElement("canvas");
    Object.assign(canvas.style, { width: "100%", height: "100%" });
    stack.querySelector(".pag-picture").after(canvas);
  }
  canvas.hidden = !width;
  view.classList.toggle("pag-drawn", Boolean(width));
  if (width) Object.assign(canvas, { width, height });
  return canvas;
}

/* The ponder cost of a frame, in the colours of its own tab. */
function drawPonderOver(view, frame) {
  const grid = frame?.fill.data.ponder;
  const canvas = canvasOver(view, grid?.columns, grid?.rows);
  if (!grid) return;
  const drawn = new ImageData(grid.columns, grid.rows);
  const colours = ponderColours(frame.fill.data.two.gates);
  layerCounts(grid).forEach((count, i) => drawn.data.set([...colours[count], OPAQUE], 4 * i));
  canvas.getContext("2d").putImageData(drawn, 0, 0);
}

function ponderColours(gates) {
  const scale = page.scene.fill.data.ponder.layers.colorscale;
  const parts = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return Array.from({ length: gates + 1 }, (_, count) => {
    const at = count / gates;
    const above = Math.max(1, scale.findIndex(([place]) => place >= at));
    const [[low, from], [high, to]] = [scale[above - 1], scale[above]];
    const blend = (at - low) / (high - low);
    return parts(from).map((value, i) => Math.round(value + blend * (parts(to)[i] - value)));
  });
}

/* ------------------------------------------------------------------ where they differ */

/* How much two pixels differ, and how much would be drawn in full. */
const APART = {
  segmentation: () => [(a, b, i) => Number(asNumber(a, i) !== asNumber(b, i)), 1],
  boundary: () => [(a, b, i) => Math.abs(a[i] - b[i]) / 255, 0.5],
  depth: () => {
    const [metresAt, { near, far }] = [metresOf(page.scene), page.scene.fill.data.depth];
    return [(a, b, i) => Math.abs(metresAt(a, i) - metresAt(b, i)), (far - near) / 4];
  },
  normals: () => {
    const vector = (data, i) => [0, 1, 2].map((k) => data[i + k] / 127.5 - 1);
    const apart = (a, b, i) => {
      const [u, v] = [vector(a, i), vector(b, i)];
      const dot = u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
      const cosine = dot / (Math.hypot(...u) * Math.hypot(...v) || 1);
      return (Math.acos(Math.min(1, cosine)) * 180) / Math.PI;
    };
    return [apart, 45];
  },
};

let apartTurn = 0;
async function drawApart(frame, other, shows) {
  const turn = ++apartTurn;
  const line = document.querySelector("#two-difference-words");
  const { plain, ponder, scale } = words.two.keys;
  const key = shows === "ponder" ? [...ponder, ...scale] : plain;
  document.querySelector("#two-key").innerHTML = key
    .map(([kind, text]) => `<span><i class="pag-swatch pag-${kind}"></i>${text}</span>`)
    .join("");
  if (!other) {
    line.textContent = "";
    viewsOf("difference").forEach((view) => canvasOver(view, 0));
    return;
  }
  const found = shows === "ponder" ? ponderApart(frame, other) : await picturesApart(frame, other, shows);
  if (turn !== apartTurn || !found) return;
  for (const view of viewsOf("difference")) {
    const canvas = canvasOver(view, found.drawn.width, found.drawn.height);
    canvas.getContext("2d").putImageData(found.drawn, 0, 0);
  }
  line.textContent = say(words.two.differ[shows], found.values);
}

function ponderApart(frame, other) {
  const { rows, columns } = frame.fill.data.ponder;
  const [a, b] = [frame, other].map(({ fill: { data } }) => layerCounts(data.ponder));
  const [ofA, ofB] = [frame.fill.data.two.gates, other.fill.data.two.gates];
  const drawn = new ImageData(columns, rows);
  let [more, less] = [0, 0];
  a.forEach((count, i) => {
    const apart = count / ofA - b[i] / ofB;
    if (Math.abs(apart) < 1e-9) return;
    if (apart > 0) more += 1;
    else less += 1;
    const [red, green, blue] = words.colours[apart > 0 ? "on" : "off"];
    drawn.data.set([red, green, blue, Math.min(OPAQUE, 60 + 350 * Math.abs(apart))], 4 * i);
  });
  return { drawn, values: { more: percent(more / a.length), less: percent(less / a.length) } };
}

async function picturesApart(frame, other, shows) {
  const [a, b] = await Promise.all([pixelsOf(frame, shows), pixelsOf(other, shows)]);
  if (a.width !== b.width || a.height !== b.height) return null;
  const [apart, most] = APART[shows]();
  const drawn = new ImageData(a.width, a.height);
  const [red, green, blue] = words.colours.off;
  let total = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    const value = apart(a.data, b.data, i);
    if (!value) continue;
    total += value;
    drawn.data.set([red, green, blue, Math.min(1, value / most) * OPAQUE], i);
  }
  const mean = total / (a.width * a.height);
  return { drawn, values: { share: percent(mean), mean: mean.toFixed(mean < 0.1 ? 3 : 2) } };
}

/* ------------------------------------------------------------------ wiring */

document.addEventListener("input", (event) => {
  if (event.target.closest?.("#two-against")) {
    event.target.dataset.chosen = "yes";
    forgetFailed();
  }
  if (event.target.closest?.("#two-against, #two-show")) drawTwo();
});

let drawing = null;
function twoSoon() {
  clearTimeout(drawing);
  drawing = setTimeout(drawTwo, 100);
}
hooks.shown.push(twoSoon);
hooks.arrival.push(twoSoon);
hooks.tab.push(twoSoon);
hooks.mounted.push((element) => element.querySelector("[data-name^='two-']") && twoSoon());
hooks.reply.push(forgetFailed);
hooks.scene.push(() => {
  const old = [...beside.values()];
  beside.clear();
  besideAsked = "";
  release(old.flatMap(({ frame }) => frame ?? []));
  twoSoon();
});
