/* Depth as points in space, in the photo's colours: drawn here, from the picture of depth that
   is here already, into a plain canvas with a depth buffer. No graphics card is needed. */

const START = { yaw: 0.38, pitch: 0.14, zoom: 1 };
const FRONT = { yaw: 0, pitch: 0, zoom: 1 };
const LARGEST = 900; // pixels of the canvas's longer side
const DOT = 14; // at most so many pixels of a canvas for one point's side
const PAPER = [16, 20, 31];
const SWING = { reach: 0.5, seconds: 7 };
const space = { on: false, turning: false, ...START };

/* ------------------------------------------------------------------ the points */

async function photoColours(scene) {
  const cloud = scene.fill.data.cloud;
  cloud.colours ??= (async () => {
    const image = new Image();
    image.src = cloud.photo;
    await image.decode();
    const canvas = new OffscreenCanvas(cloud.columns, cloud.rows);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, cloud.columns, cloud.rows);
    return new Uint32Array(data.buffer);
  })();
  return cloud.colours;
}

/* Metres at every point of the grid: one pixel each, for a mean would hang between surfaces. */
async function metresOf(frame, scene) {
  const { rows, columns } = scene.fill.data.cloud;
  frame.metres ??= (async () => {
    const { near, far, colours } = scene.fill.data.depth;
    const image = await pixelsOf(frame, "depth");
    const places = new Map();
    colours.forEach(([r, g, b], i) => {
      const name = (r << 16) | (g << 8) | b;
      if (!places.has(name)) places.set(name, i);
    });
    const metres = new Float32Array(rows * columns);
    for (let i = 0; i < metres.length; i++) {
      const y = Math.floor(((Math.floor(i / columns) + 0.5) / rows) * image.height);
      const x = Math.floor((((i % columns) + 0.5) / columns) * image.width);
      const [r, g, b] = image.data.subarray(4 * (y * image.width + x));
      metres[i] = near + ((far - near) * (places.get((r << 16) | (g << 8) | b) ?? 0)) / 255;
    }
    return metres;
  })();
  return frame.metres;
}

const middleOf = (metres) => Float32Array.from(metres).sort()[metres.length >> 1];

/* ------------------------------------------------------------------ drawing */

/* Where a point of the photo's camera comes to lie once everything is turned about the middle. */
function projector(scene, middle, canvas) {
  const { rows, columns, focal } = scene.fill.data.cloud;
  const scale = canvas.width / columns; // pixels of the canvas per point, seen from the front
  const reach = focal * Math.max(rows, columns); // focal length in points
  const [sy, cy] = [Math.sin(space.yaw), Math.cos(space.yaw)];
  const [sp, cp] = [Math.sin(space.pitch), Math.cos(space.pitch)];
  return (column, row, metres) => {
    const x = ((column + 0.5 - columns / 2) / reach) * metres;
    const y = ((row + 0.5 - rows / 2) / reach) * metres;
    const z = metres - middle;
    const [x1, z1] = [cy * x + sy * z, cy * z - sy * x];
    const [y2, z2] = [cp * y - sp * z1, cp * z1 + sp * y];
    const away = z2 + middle / space.zoom;
    const at = (scale * reach) / away;
    return [canvas.width / 2 + x1 * at, canvas.height / 2 + y2 * at, away, (scale * metres) / away];
  };
}

function drawPoints(metres, colours, columns, project, target, from, to) {
  const { shade, far, ids, width, height } = target;
  for (let i = 0; i < metres.length; i++) {
    const [x, y, away, size] = project(i % columns, Math.floor(i / columns), metres[i]);
    if (away < 0.05) continue; // behind the eye
    const half = Math.min(size, DOT) / 2;
    const [left, right] = [Math.max(from, Math.floor(x - half)), Math.min(to, Math.ceil(x + half))];
    const [top, bottom] = [Math.max(0, Math.floor(y - half)), Math.min(height, Math.ceil(y + half))];
    for (let v = top; v < bottom; v++) {
      for (let u = left; u < right; u++) {
        const at = v * width + u;
        if (away >= far[at]) continue;
        far[at] = away;
        shade[at] = colours[i];
        ids[at] = i;
      }
    }
  }
}

async function drawCloud(canvas) {
  const [scene, frame] = [page.scene, page.shown];
  if (!scene || !frame || !visible(canvas)) return;
  const other = comparing() ? fullFrame() : frame;
  const [colours, metres, full] = await Promise.all([
    photoColours(scene),
    metresOf(frame, scene),
    metresOf(other, scene),
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
  const project = projector(scene, middleOf(full), canvas);
  const edge = comparing() ? Math.round(split.at * width) : width;
  drawPoints(metres, colours, columns, project, target, 0, edge);
  if (edge < width) drawPoints(full, colours, columns, project, target, edge, width);
  canvas.ids = ids;
  const context = canvas.getContext("2d");
  context.putImageData(drawn, 0, 0);
  if (pin.on) drawRing(context, project, frameAtPin() === frame ? metres : full, columns);
  canvas.dataset.yaw = space.yaw.toFixed(2);
  canvas.dataset.zoom = space.zoom.toFixed(2);
}

function drawRing(context, project, metres, columns) {
  const column = Math.floor(pin.x * columns);
  const row = Math.floor((pin.y * metres.length) / columns);
  const [x, y] = project(column, row, metres[row * columns + column]);
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
    if (!(event.key in KEYS)) return;
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
