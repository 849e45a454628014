/* The linked outline: the place under the pointer is shown in every picture, and read out. */

const pin = { x: 0.5, y: 0.5, on: false, fixed: false };
const SMALLEST = 9; // pixels on the screen; a smaller outline could not be seen

/* ------------------------------------------------------------------ drawing the outline */

function place(stack) {
  const mark = stack.querySelector(".pag-pin");
  if (!mark) return;
  const box = stack.getBoundingClientRect();
  if (!box.width) return;
  const [cellHeight, cellWidth] = stack.dataset.cell.split(" ").map(Number);
  const [left, width] = span(pin.x, cellWidth, box.width);
  const [top, height] = span(pin.y, cellHeight, box.height);
  mark.style.cssText = `left:${left}%;top:${top}%;width:${width}%;height:${height}%`;
  mark.classList.toggle("pag-fixed", pin.fixed);
}

/* Begin and size in per cent along one axis: the picture's own cell, if it is large enough. */
function span(at, cell, pixels) {
  const size = Math.max(cell, SMALLEST / pixels);
  const begin = size === cell ? Math.floor(at / cell) * cell : at - size / 2;
  return [100 * begin, 100 * size];
}

let drawn = 0;
function drawPin() {
  if (drawn) return;
  drawn = requestAnimationFrame(() => {
    drawn = 0;
    document.body.dataset.pin = pin.on ? (pin.fixed ? "fixed" : "hover") : "off";
    for (const mark of all(".pag-pin")) mark.hidden = !pin.on;
    if (pin.on) all(".pag-stack").filter(visible).forEach(place);
    drawReadout();
    for (const hook of pinHooks) hook(pin);
  });
}
const pinHooks = [];

function pointAt(x, y, fixed = pin.fixed) {
  const inside = (value) => Math.min(Math.max(value, 0), 0.9999);
  Object.assign(pin, { x: inside(x), y: inside(y), on: true, fixed });
  drawPin();
}

/* ------------------------------------------------------------------ reading values off */

const pixels = new WeakMap(); // frame -> slot -> ImageData

async function pixelsOf(frame, slot) {
  if (!pixels.has(frame)) pixels.set(frame, {});
  const known = pixels.get(frame);
  known[slot] ??= (async () => {
    const blob = await (await fetch(pictureOf(frame, slot))).blob();
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    const bitmap = await createImageBitmap(blob, options);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  })();
  return known[slot];
}

async function colourAt(frame, slot) {
  const image = await pixelsOf(frame, slot);
  const at = Math.floor(pin.y * image.height) * image.width + Math.floor(pin.x * image.width);
  return [...image.data.slice(4 * at, 4 * at + 3)];
}

const sameColour = (a, b) => a[0] === b[0] && a[1] === b[1] && a[2] === b[2];

async function readClass(frame) {
  const colour = await colourAt(frame, "segmentation");
  return page.scene.fill.data.classes.find((entry) => sameColour(entry, colour))?.[3] ?? "";
}

/* A colour as one number; `at` is the place of its red. */
const asNumber = (data, at) => (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];

/* From colours of the scene's pictures of depth to metres; of levels in one colour the first. */
function metresOf({ fill: { data } }) {
  const { metres, colours } = data.depth;
  const table = (data.depth.table ??= new Map(
    colours.map((colour, i) => [asNumber(colour, 0), metres[i]]).reverse(),
  ));
  return (colour, at) => table.get(asNumber(colour, at)) ?? metres[0];
}

const readDepth = async (frame) => metresOf(page.scene)(await colourAt(frame, "depth"), 0);

async function readFacing(frame) {
  const [x, y, z] = (await colourAt(frame, "normals")).map((value) => value / 127.5 - 1);
  const most = Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
  if (most === Math.abs(z)) return words.facing[z > 0 ? "you" : "away"];
  if (most === Math.abs(y)) return words.facing[y > 0 ? "up" : "down"];
  return words.facing[x > 0 ? "right" : "left"];
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function gridAt(grid, values) {
  const row = Math.floor(pin.y * grid.rows);
  return values[row * grid.columns + Math.floor(pin.x * grid.columns)];
}

const layerCounts = (grid) => (grid.counts ??= bytes(grid.layers));
const layersAt = ({ fill: { data } }) => gridAt(data.ponder, layerCounts(data.ponder));

/* The index of the pooling field at the pin, and the cell that chose it. */
function fieldAt(frame) {
  const grid = frame.fill.data.dilation;
  const { stride, dilations, names } = page.scene.fill.data.pooling;
  grid.choices ??= bytes(grid.index);
  const row = Math.floor((pin.y * page.scene.height) / stride);
  const column = Math.floor((pin.x * page.scene.width) / stride);
  const index = grid.choices[row * grid.columns + column];
  return { row, column, stride, dilation: dilations[index], name: names[index] };
}

/* In the photo that was handed in, as its story has it. */
const pinPlace = () => ({
  x: Math.floor(pin.x * page.scene.photo_width),
  y: Math.floor(pin.y * page.scene.photo_height),
});

let reading = 0;
async function drawReadout() {
  const line = document.querySelector("#readout");
  const frame = frameAtPin();
  const turn = ++reading;
  if (!line) return;
  if (!pin.on && line.textContent !== words.readout) line.textContent = words.readout;
  if (!frame || !pin.on) return;
  const [name, depth, facing, ink] = await Promise.all([
    readClass(frame),
    readDepth(frame),
    readFacing(frame),
    colourAt(frame, "boundary"),
  ]);
  if (turn !== reading) return; // the pointer has moved on, or left
  const parts = [
    ["place", say(words.place, pinPlace())],
    ["class", name],
    ["depth", say(words.metres, { value: depth.toFixed(1) })],
    ["facing", facing],
    ["boundary", say(words.boundary, { value: (1 - ink[0] / 255).toFixed(2) })],
    ["layers", say(words.layers, { count: layersAt(frame), all: page.scene.fill.data.gates.length })],
    ["field", fieldAt(frame).name],
  ];
  line.replaceChildren(
    ...parts.map(([kind, text]) => {
      const part = document.createElement("span");
      part.dataset.value = kind;
      part.textContent = text;
      return part;
    }),
  );
}

/* ------------------------------------------------------------------ pointer and keys */

const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function within(stack, event) {
  const box = stack.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

document.addEventListener("pointermove", (event) => {
  const stack = event.target.closest?.(".pag-stack");
  if (!page.shown || pin.fixed) return;
  if (stack) pointAt(...within(stack, event));
  else if (pin.on && !event.target.closest?.("#ponder-plot")) unpin();
});
document.addEventListener("click", (event) => {
  const stack = event.target.closest(".pag-stack:not(.pag-paint)");
  if (!stack || !page.shown) return;
  if (stack.closest(".pag-tile")) openLarge(stack.closest(".pag-view"));
  else fix(...within(stack, event));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && pin.on && !document.querySelector("dialog[open]")) unpin();
  const stack = event.target.closest?.(".pag-stack");
  if (!stack || !page.shown || isShortcut(event)) return;
  if (event.key in STEP) {
    const far = event.shiftKey ? 0.1 : 0.02;
    const [x, y] = STEP[event.key];
    pointAt(pin.x + x * far, pin.y + y * far, true);
  } else if ((event.key === "Enter" || event.key === " ") && !stack.matches(".pag-paint")) {
    if (stack.closest(".pag-tile")) openLarge(stack.closest(".pag-view"));
    else fix(pin.x, pin.y);
  } else return;
  event.preventDefault();
});

/* Keeps the place; a second time at the same place lets go of it. */
function fix(x, y) {
  const same = pin.fixed && Math.hypot(x - pin.x, y - pin.y) < 0.01;
  if (same) return unpin();
  pointAt(x, y, true);
  for (const hook of fixHooks) hook(pin);
}
const fixHooks = [];

function unpin() {
  Object.assign(pin, { on: false, fixed: false });
  drawPin();
}

hooks.shown.push(() => pin.on && drawPin());
hooks.scene.push(() => unpin());
hooks.mounted.push(() => pin.on && drawPin());
hooks.tab.push(drawPin); // also without a pin: a chart that was hidden may still show one
window.addEventListener("resize", () => pin.on && drawPin());
