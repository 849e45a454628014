/* Depth in space: a canvas over the picture of depth that is turned by hand; see surface.js. */

const START = { yaw: 0.38, pitch: 0.14, zoom: 1 };
const FRONT = { yaw: 0, pitch: 0, zoom: 1 };
const LARGEST = 900; // pixels of the canvas's longer side
const PAPER = [16, 20, 31];
const SWING = { reach: 0.5, seconds: 7 };
const space = { on: false, turning: false, ...START };

/* ------------------------------------------------------------------ drawing */

async function drawCloud(canvas) {
  const [scene, frame] = [page.scene, page.shown];
  if (!scene || !frame || !visible(canvas)) return;
  const other = comparing() ? fullFrame() : frame;
  const [colours, metres, full] = await Promise.all([
    photoColours(scene),
    depthsOf(frame, scene),
    depthsOf(other, scene),
  ]);
  if (frame !== page.shown || !canvas.isConnected) return;
  fit(canvas);
  const { width, height } = canvas;
  const { columns } = scene.fill.data.cloud;
  const drawn = new ImageData(width, height);
  const shade = new Uint32Array(drawn.data.buffer);
  shade.fill(new Uint32Array(Uint8Array.of(...PAPER, 255).buffer)[0]);
  const far = new Float32Array(width * height).fill(Infinity);
  const ids = new Int32Array(width * height).fill(-1);
  const target = { shade, far, ids, width, height };
  const places = (depths) => projected(scene, depths, middleOf(scene), canvas, space);
  const [here, there] = full === metres ? Array(2).fill(places(metres)) : [places(metres), places(full)];
  const edge = comparing() ? Math.round(halves.at * width) : width;
  drawSurface(metres, colours, columns, here, target, 0, edge);
  if (edge < width) drawSurface(full, colours, columns, there, target, edge, width);
  canvas.ids = ids;
  const context = canvas.getContext("2d");
  context.putImageData(drawn, 0, 0);
  if (pin.on) drawRing(context, frameAtPin() === frame ? here : there, scene.fill.data.cloud);
  canvas.dataset.yaw = space.yaw.toFixed(2);
  canvas.dataset.zoom = space.zoom.toFixed(2);
}

function drawRing(context, at, { rows, columns }) {
  const i = Math.floor(pin.y * rows) * columns + Math.floor(pin.x * columns);
  const [x, y] = [at[3 * i], at[3 * i + 1]];
  for (const [colour, thick] of [["#fff", 5], [pin.fixed ? "#d61f69" : "#000", 2]]) {
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    Object.assign(context, { strokeStyle: colour, lineWidth: thick });
    context.stroke();
  }
}

/* As many pixels as the screen shows, within reason. */
function fit(canvas) {
  const box = canvas.getBoundingClientRect();
  const dense = Math.min(window.devicePixelRatio || 1, LARGEST / Math.max(box.width, box.height));
  const size = { width: Math.round(box.width * dense), height: Math.round(box.height * dense) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
}

let waitingClouds = 0;
function drawClouds() {
  if (!space.on || waitingClouds) return;
  waitingClouds = requestAnimationFrame(() => {
    waitingClouds = 0;
    all(".pag-cloud").forEach(drawCloud);
  });
}

/* ------------------------------------------------------------------ turning */

function turn(yaw, pitch) {
  space.yaw = Math.min(Math.max(yaw, -Math.PI / 2), Math.PI / 2);
  space.pitch = Math.min(Math.max(pitch, -0.9), 0.9);
  drawClouds();
}

function closer(factor) {
  space.zoom = Math.min(Math.max(space.zoom * factor, 0.4), 5);
  drawClouds();
}

const KEYS = {
  ArrowLeft: () => turn(space.yaw - 0.08, space.pitch),
  ArrowRight: () => turn(space.yaw + 0.08, space.pitch),
  ArrowUp: () => turn(space.yaw, space.pitch - 0.06),
  ArrowDown: () => turn(space.yaw, space.pitch + 0.06),
  "+": () => closer(1.15),
  "=": () => closer(1.15),
  "-": () => closer(1 / 1.15),
};

/* The point of the photo that is seen at a place of the canvas. */
function pointSeen(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const u = Math.floor(((event.clientX - box.left) / box.width) * canvas.width);
  const v = Math.floor(((event.clientY - box.top) / box.height) * canvas.height);
  const id = canvas.ids?.[v * canvas.width + u] ?? -1;
  if (id < 0) return null;
  const { rows, columns } = page.scene.fill.data.cloud;
  return [((id % columns) + 0.5) / columns, (Math.floor(id / columns) + 0.5) / rows];
}

/* Pictures are pointed at; this one is also turned, so it hears its own events first. */
function makeCloud() {
  const canvas = document.createElement("canvas");
  canvas.alive = true;
  canvas.className = "pag-cloud";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words.space);
  Object.assign(canvas.style, { width: "100%", height: "100%" });
  let grip = null;
  const listen = (name, then, options) =>
    canvas.addEventListener(name, (event) => (event.stopPropagation(), then(event)), options);
  listen("pointerdown", (event) => {
    if (event.button) return;
    setTurning(false);
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    grip = { x: event.clientX, y: event.clientY, yaw: space.yaw, pitch: space.pitch, far: 0 };
  });
  listen("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId) && grip) {
      const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
      grip.far = Math.max(grip.far, Math.hypot(dx, dy));
      const width = canvas.getBoundingClientRect().width;
      turn(grip.yaw + (2 * dx) / width, grip.pitch + (2 * dy) / width);
    } else if (!pin.fixed) {
      const seen = pointSeen(canvas, event);
      if (seen) pointAt(...seen);
      else if (pin.on) unpin();
    }
  });
  listen("click", (event) => {
    const seen = grip && grip.far < 4 ? pointSeen(canvas, event) : null;
    grip = null;
    if (seen) fix(...seen);
  });
  listen("keydown", (event) => {
    if (event.key === "Escape") return unpin();
    if (!(event.key in KEYS) || isShortcut(event)) return;
    event.preventDefault();
    setTurning(false);
    KEYS[event.key]();
  });
  // Only once it has been taken hold of: the page scrolls over it otherwise.
  const wheel = (event) => {
    if (document.activeElement !== canvas) return;
    event.preventDefault();
    closer(event.deltaY < 0 ? 1.12 : 1 / 1.12);
  };
  listen("wheel", wheel, { passive: false });
  return canvas;
}

/* To and fro, until it is taken hold of. */
function setTurning(on) {
  if (space.turning === on) return;
  space.turning = on;
  document.querySelector("#space-turn")?.setAttribute("aria-pressed", on ? "true" : "false");
  if (!on) return;
  const began = performance.now() - (Math.asin(swingNow()) / (2 * Math.PI)) * 1000 * SWING.seconds;
  const swing = (now) => {
    if (!space.turning || !space.on) return setTurning(false);
    const phase = ((now - began) / 1000 / SWING.seconds) * 2 * Math.PI;
    turn(SWING.reach * Math.sin(phase), space.pitch);
    requestAnimationFrame(swing);
  };
  requestAnimationFrame(swing);
}
const swingNow = () => Math.min(Math.max(space.yaw / SWING.reach, -1), 1);

/* ------------------------------------------------------------------ wiring */

function setSpace(root = document) {
  for (const view of all(".pag-view[data-name=depth]", root)) {
    const stack = view.querySelector(".pag-stack");
    stack.classList.toggle("pag-space", space.on);
    const canvas = stack.querySelector(".pag-cloud");
    if (canvas && (!space.on || !canvas.alive)) canvas.remove();
    if (!space.on || stack.querySelector(".pag-cloud")) continue;
    (stack.querySelector(".pag-full") ?? stack.querySelector(".pag-picture")).after(makeCloud());
  }
  const tools = document.querySelector("#space-tools");
  if (tools) tools.hidden = !space.on;
  const cloud = page.scene?.fill.data.cloud;
  const values = { count: cloud ? cloud.rows * cloud.columns : 0 };
  fillHtml({ "space-note": space.on && cloud ? say(words.spaceNote, values) : "" });
  drawClouds();
}

document.addEventListener("input", (event) => {
  if (!event.target.closest?.("#space")) return;
  space.on = event.target.value === "space";
  setTurning(false);
  setSpace();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("#space-turn")) setTurning(!space.turning);
  if (event.target.closest("#space-front")) {
    setTurning(false);
    Object.assign(space, FRONT);
    drawClouds();
  }
});
hooks.scene.push(() => setSpace());
hooks.mounted.push((element) => setSpace(element));
hooks.shown.push(drawClouds);
pinHooks.push(drawClouds);
splitHooks.push(drawClouds);
window.addEventListener("resize", drawClouds);
