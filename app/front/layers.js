/* Layer by layer: what ran, what the gates wished, or what differs from another budget. */

const LAYERS = ".pag-view[data-name^='mask-']"; // the tiles, and the one that is seen large
const nameOf = (view) => view.dataset.name.slice("mask-".length);
const modeNow = () => document.querySelector("#gates-show input:checked")?.value ?? "mask";
const againstNow = () => page.frames.get(document.querySelector("#gates-against select")?.value);

/* The slot of every layer follows the mode; the frame then fills it as any other. */
function setMode(root = document) {
  const mode = modeNow();
  const differs = mode === "difference";
  for (const view of all(LAYERS, root)) {
    const picture = view.querySelector(".pag-picture");
    picture.dataset.slot = `${mode === "wish" ? "wish" : "mask"}-${nameOf(view)}`;
    picture.style.visibility = differs ? "hidden" : "";
    for (const canvas of all(".pag-difference", view)) canvas.hidden = !differs;
  }
  for (const line of all(".pag-changed", root)) line.hidden = !differs;
  const against = document.querySelector("#gates-against");
  if (against) against.hidden = !differs;
  fillHtml({ "gates-key": keyLine(mode) });
  if (page.shown) fillPictures(page.shown, root);
  drawDifferences();
}

const keyLine = (mode) =>
  words.keys[mode]
    .map(([kind, text]) => `<span><i class="pag-swatch pag-${kind}"></i>${text}</span>`)
    .join("");

/* ------------------------------------------------------------------ difference */

/* Those that are ready. What the visitor chose is chosen again as soon as it is there. */
function listBudgets() {
  const select = document.querySelector("#gates-against select");
  if (!select) return;
  const frames = [...page.frames.values()].sort((a, b) => b.budget - a.budget);
  const keys = frames.map((frame) => keyOf(frame.budget));
  if (keys.join() === [...select.options].map((option) => option.value).join()) return;
  const { chosen } = select.dataset;
  select.replaceChildren(
    ...frames.map((frame) => new Option(frame.budget.toFixed(2), keyOf(frame.budget))),
  );
  select.value = keys.includes(chosen) ? chosen : keys[0];
}

const ran = (image, i) => image.data[4 * i] > 128; // the red of the two colours of a mask

async function drawDifference(view, name) {
  const [here, other] = [page.shown, againstNow()];
  if (!here || !other) return;
  const slot = `mask-${name}`;
  const [now, then] = await Promise.all([pixelsOf(here, slot), pixelsOf(other, slot)]);
  if (here !== page.shown || other !== againstNow() || modeNow() !== "difference") return;
  const stack = view.querySelector(".pag-stack");
  const picture = stack.querySelector(".pag-picture");
  let canvas = stack.querySelector("canvas");
  if (!canvas) {
    canvas = document.createElement("canvas");
    canvas.className = "pag-difference";
    picture.after(canvas);
  }
  Object.assign(canvas.style, { width: picture.style.width, height: picture.style.height });
  Object.assign(canvas, { width: now.width, height: now.height });
  const count = now.width * now.height;
  const drawn = new ImageData(now.width, now.height);
  const found = { off: 0, on: 0 };
  for (let i = 0; i < count; i++) {
    const [a, b] = [ran(now, i), ran(then, i)];
    const kind = a && b ? "active" : b ? "off" : a ? "on" : "skipped";
    if (kind in found) found[kind] += 1;
    drawn.data.set(words.colours[kind], 4 * i);
  }
  canvas.getContext("2d").putImageData(drawn, 0, 0);
  const caption = view.closest(".pag-tile, dialog")?.querySelector(".pag-changed");
  if (caption) {
    caption.textContent = [
      say(words.off, { share: percent(found.off / count) }),
      say(words.on, { share: percent(found.on / count) }),
    ].join(", ");
  }
}

function drawDifferences() {
  if (modeNow() !== "difference") return;
  all(LAYERS)
    .filter(visible)
    .forEach((view) => drawDifference(view, nameOf(view)));
}

/* ------------------------------------------------------------------ wiring */

document.addEventListener("input", (event) => {
  if (event.target.closest?.("#gates-show")) setMode();
  if (event.target.closest?.("#gates-against")) {
    event.target.dataset.chosen = event.target.value;
    drawDifferences();
  }
});
hooks.scene.push(() => setMode());
hooks.mounted.push((element) => {
  listBudgets();
  setMode(element);
});
hooks.arrival.push(() => {
  listBudgets();
  drawDifferences();
});
hooks.shown.push(drawDifferences);
hooks.tab.push(drawDifferences);
