/* Legends that answer: a class of the legend lights up in the picture, the place under the
   pointer is named, and found in the colour bars. */

const LEGEND = "#legend-segmentation li";
const lit = { name: "", by: "" }; // by: "pointer" or "focus"

/* ------------------------------------------------------------------ from the legend */

function lightUp(name, by) {
  if (lit.name === name) return;
  Object.assign(lit, { name, by });
  drawLit();
}

const classViews = () =>
  all(".pag-view[data-name=segmentation]").filter(visible);

async function drawLit() {
  const entry = page.scene?.fill.data.classes.find(([, , , name]) => name === lit.name);
  const [here, there] = [page.shown, comparing() ? fullFrame() : page.shown];
  if (!entry || !here) {
    all(".pag-lit").forEach((canvas) => canvas.remove());
    return;
  }
  const name = lit.name;
  const [left, right] = await Promise.all(
    [here, there].map((frame) => pixelsOf(frame, "segmentation")),
  );
  if (name !== lit.name || here !== page.shown) return;
  const edge = comparing() ? halves.at * left.width : left.width;
  const drawn = new ImageData(left.width, left.height);
  const shade = new Uint32Array(drawn.data.buffer);
  const colours = [left, right].map((image) => new Uint32Array(image.data.buffer));
  const wanted = new Uint32Array(Uint8Array.of(...entry.slice(0, 3), 255).buffer)[0];
  const dark = new Uint32Array(Uint8Array.of(5, 8, 16, 205).buffer)[0];
  for (let i = 0; i < shade.length; i++) {
    const image = i % left.width < edge ? colours[0] : colours[1];
    if (image[i] !== wanted) shade[i] = dark;
  }
  for (const view of classViews()) {
    const stack = view.querySelector(".pag-stack");
    let canvas = stack.querySelector(".pag-lit");
    if (!canvas) {
      canvas = document.createElement("canvas");
      canvas.className = "pag-lit";
      Object.assign(canvas.style, { width: "100%", height: "100%" });
      (stack.querySelector(".pag-full") ?? stack.querySelector(".pag-picture")).after(canvas);
    }
    Object.assign(canvas, { width: left.width, height: left.height });
    canvas.getContext("2d").putImageData(drawn, 0, 0);
  }
}

const nameIn = (item) => item.querySelector(".pag-name").textContent;

/* By keyboard as well: an item can be focused. The list is new at every budget. */
function prepareLegend() {
  for (const item of all(LEGEND)) {
    item.tabIndex = 0;
    if (lit.by === "focus" && nameIn(item) === lit.name) item.focus({ preventScroll: true });
  }
}

document.addEventListener("pointerover", (event) => {
  const item = event.target.closest?.(LEGEND);
  if (item) lightUp(nameIn(item), "pointer");
  else if (lit.by === "pointer") lightUp("", "");
});
document.addEventListener("focusin", (event) => {
  const item = event.target.closest?.(LEGEND);
  if (item) lightUp(nameIn(item), "focus");
  else if (lit.by === "focus") lightUp("", "");
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest?.(LEGEND)) event.target.blur();
});
document.addEventListener("focusout", ({ target }) => {
  if (!target.matches?.(LEGEND)) return;
  // An item that a new list has replaced was not left by anybody: see what is there afterwards.
  setTimeout(() => {
    if (target.isConnected && document.activeElement !== target && lit.by === "focus") lightUp("", "");
  });
});

/* ------------------------------------------------------------------ from the picture */

let naming = 0;
async function nameThePlace() {
  const turn = ++naming;
  const frame = frameAtPin();
  const name = pin.on && frame ? await readClass(frame) : "";
  if (turn !== naming) return;
  for (const item of all(LEGEND)) item.classList.toggle("pag-here", nameIn(item) === name);
  for (const view of classViews()) {
    const stack = view.querySelector(".pag-stack");
    let tag = stack.querySelector(".pag-tag");
    if (!tag) {
      tag = document.createElement("span");
      tag.className = "pag-tag";
      tag.setAttribute("aria-hidden", "true"); // the readout says it
      stack.append(tag);
    }
    tag.hidden = !name;
    tag.textContent = name;
    // On the side that has room.
    const [x, y] = [100 * pin.x, 100 * pin.y];
    const across = pin.x < 0.5 ? `left:calc(${x}% + 12px)` : `right:calc(${100 - x}% + 12px)`;
    const down = pin.y < 0.5 ? `top:calc(${y}% + 8px)` : `bottom:calc(${100 - y}% + 8px)`;
    tag.style.cssText = `${across};${down}`;
  }
  markScales(frame);
}

/* ------------------------------------------------------------------ on the other scales */

function markOn(parent) {
  let mark = parent.querySelector(".pag-mark");
  if (!mark) {
    mark = document.createElement("i");
    mark.className = "pag-mark";
    parent.append(mark);
  }
  mark.hidden = !pin.on;
  return mark;
}

async function markScales(frame) {
  const bars = all("#legend-depth .pag-bar, #legend-boundary .pag-bar");
  if (!pin.on || !frame) {
    all(".pag-mark").forEach((mark) => (mark.hidden = true));
    return;
  }
  const { near, far } = page.scene.fill.data.depth;
  const [metres, ink, facing] = await Promise.all([
    readDepth(frame),
    colourAt(frame, "boundary"),
    colourAt(frame, "normals"),
  ]);
  const at = { "legend-depth": Math.log(metres / near) / Math.log(far / near), "legend-boundary": 1 - ink[0] / 255 };
  for (const bar of bars) markOn(bar).style.left = `${100 * at[bar.parentElement.id]}%`;
  for (const ball of all("#legend-normals .pag-key")) {
    const [x, y] = [facing[0] / 255, 1 - facing[1] / 255];
    const picture = ball.querySelector("img");
    const mark = markOn(ball);
    mark.style.left = `${picture.offsetLeft + x * picture.offsetWidth}px`;
    mark.style.top = `${picture.offsetTop + y * picture.offsetHeight}px`;
  }
}

/* ------------------------------------------------------------------ wiring */

pinHooks.push(nameThePlace);
splitHooks.push(() => lit.name && drawLit(), () => pin.on && nameThePlace());
hooks.shown.push(() => {
  prepareLegend();
  if (lit.name) drawLit();
});
hooks.mounted.push(() => {
  prepareLegend();
  if (lit.name) drawLit();
});
hooks.scene.push(() => lightUp("", ""));
