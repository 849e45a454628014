/* Steering by hand: the visitor paints on the photo; the server answers with a steered scene.

   What is painted lies in cells of -1 (skip), 0 and 1 (spend), as it goes to the server. */

const REST = 500; // milliseconds without a stroke until the server is asked
const AGAIN = 5000; // milliseconds after which a question that was not answered is asked again
const VALUES = { spend: 1, skip: -1, erase: 0 };
const BRUSH_KEYS = { s: "spend", k: "skip", e: "erase", Delete: "erase", Backspace: "erase" };
const INK = 4; // canvas pixels along a cell, so that a hatch can be drawn
const SAVED = 8; // pixels along a cell in the picture of the map

const paint = {
  photo: "", // whose marks these are
  rows: 0,
  columns: 0,
  cells: new Int8Array(0),
  last: null, // where the stroke under way has come to
  timer: null, // runs until the server is asked
  open: false, // there are marks that the server has not answered yet
};

const brushNow = () => document.querySelector("#steer-brush input:checked")?.value ?? "spend";
const brushSize = () => Number(document.querySelector("#steer-size input")?.value ?? 10);
const brushName = (brush) => words.steer.brushes[brush];

/* ------------------------------------------------------------------ marks */

/* Every cell whose middle lies under the brush, and in any case the one at its own middle. */
function dab(x, y, value) {
  const { rows, columns, cells } = paint;
  const [column, row, radius] = [x * columns, y * rows, brushSize() / 2];
  const inside = (at, count) => Math.min(Math.max(Math.floor(at), 0), count - 1);
  cells[inside(row, rows) * columns + inside(column, columns)] = value;
  for (let r = inside(row - radius, rows); r <= inside(row + radius, rows); r++) {
    for (let c = inside(column - radius, columns); c <= inside(column + radius, columns); c++) {
      if (Math.hypot(r + 0.5 - row, c + 0.5 - column) <= radius) cells[r * columns + c] = value;
    }
  }
}

function stroke(x, y, value) {
  const [fromX, fromY] = paint.last ?? [x, y];
  const length = Math.hypot((x - fromX) * paint.columns, (y - fromY) * paint.rows);
  const steps = Math.max(1, Math.ceil(length));
  for (let i = 1; i <= steps; i++) {
    dab(fromX + ((x - fromX) * i) / steps, fromY + ((y - fromY) * i) / steps, value);
  }
  paint.last = [x, y];
  marked();
}

function marked() {
  paint.open = true;
  clearTimeout(paint.timer);
  paint.timer = null;
  drawPaint();
}

/* Not at every dab: once the hand has come to rest. */
function askSteer() {
  clearTimeout(paint.timer);
  paint.timer = setTimeout(() => {
    paint.timer = null;
    const { photo, rows, columns, cells } = paint;
    const painting = cells.some(Boolean) ? { rows, columns, cells: [...cells] } : null;
    const budget = page.wanted?.budget ?? page.shown?.budget ?? sliderValue();
    page.channels.steer?.ask({ photo, budget, painting });
  }, REST);
}

function clearPaint() {
  paint.cells.fill(0);
  marked();
  askSteer();
}

/* What the server knows is shown, unless the hand has gone on since. */
function takePaint() {
  const painting = page.scene?.fill.data.painting;
  if (!painting) return;
  const { photo, rows, columns } = painting;
  const known = painting.cells ? new Int8Array(bytes(painting.cells).buffer) : new Int8Array(rows * columns);
  const same = photo === paint.photo && known.length === paint.cells.length;
  if (same && known.every((value, i) => value === paint.cells[i])) paint.open = false;
  if (same && paint.open) return;
  clearTimeout(paint.timer);
  Object.assign(paint, { photo, rows, columns, cells: known, last: null, timer: null, open: false });
  drawPaint();
}

/* ------------------------------------------------------------------ drawing */

function drawPaint() {
  const { rows, columns, cells } = paint;
  for (const canvas of all(".pag-painted")) {
    if (!rows) continue;
    Object.assign(canvas, { width: columns * INK, height: rows * INK });
    const drawn = new ImageData(canvas.width, canvas.height);
    for (let y = 0, at = 0; y < canvas.height; y++) {
      for (let x = 0; x < canvas.width; x++, at += 4) {
        const value = cells[Math.floor(y / INK) * columns + Math.floor(x / INK)];
        if (!value) continue;
        // Hatched the other way as well as in another colour.
        const line = (value > 0 ? x + y : x - y + canvas.height * 8) % 8 < 2;
        const [red, green, blue] = words.colours[value > 0 ? "on" : "off"];
        drawn.data.set([red, green, blue, line ? 235 : 130], at);
      }
    }
    canvas.getContext("2d").putImageData(drawn, 0, 0);
  }
  const share = (value) => percent(cells.filter((cell) => cell === value).length / (cells.length || 1));
  const status = document.querySelector("#steer-status");
  if (status) {
    status.textContent = cells.some(Boolean)
      ? say(words.steer.shares, { spend: share(1), skip: share(-1) })
      : words.steer.none;
  }
}

function drawBrush() {
  for (const ring of all(".pag-brush")) {
    ring.hidden = !pin.on;
    const [width, height] = [brushSize() / paint.columns, brushSize() / paint.rows];
    ring.style.cssText =
      `left:${100 * (pin.x - width / 2)}%;top:${100 * (pin.y - height / 2)}%;` +
      `width:${100 * width}%;height:${100 * height}%`;
  }
}
pinHooks.push(drawBrush);

/* ------------------------------------------------------------------ pointer and keys */

const clipped = (place) => place.map((value) => Math.min(Math.max(value, 0), 0.9999));

document.addEventListener("pointerdown", (event) => {
  const stack = event.target.closest?.(".pag-paint");
  if (!stack || !page.scene || event.button) return;
  stack.setPointerCapture(event.pointerId);
  const place = clipped(within(stack, event));
  paint.last = null;
  stroke(...place, VALUES[brushNow()]);
  pointAt(...place, false);
});
document.addEventListener("pointermove", (event) => {
  const stack = event.target.closest?.(".pag-paint");
  if (stack && paint.last) stroke(...clipped(within(stack, event)), VALUES[brushNow()]);
});
for (const name of ["pointerup", "pointercancel"]) {
  document.addEventListener(name, () => {
    if (!paint.last) return;
    paint.last = null;
    askSteer();
  });
}
document.addEventListener("keydown", (event) => {
  if (!event.target.closest?.(".pag-paint") || !page.scene || isShortcut(event)) return;
  const chosen = event.key === " " || event.key === "Enter" ? brushNow() : BRUSH_KEYS[event.key];
  if (!chosen) return;
  event.preventDefault();
  dab(pin.x, pin.y, VALUES[chosen]);
  pointAt(pin.x, pin.y, true);
  marked();
  askSteer();
  const place = say(words.place, pinPlace());
  const text = chosen === "erase" ? words.steer.erased : words.steer.marked;
  document.querySelector("#steer-status").prepend(`${say(text, { place, brush: brushName(chosen) })} · `);
});

/* ------------------------------------------------------------------ clear, take away, save */

function saveMap() {
  const canvas = document.createElement("canvas");
  const { rows, columns, cells } = paint;
  Object.assign(canvas, { width: columns * SAVED, height: rows * SAVED });
  const context = canvas.getContext("2d");
  cells.forEach((value, i) => {
    context.fillStyle = value > 0 ? "#ffffff" : value < 0 ? "#000000" : "#808080";
    context.fillRect((i % columns) * SAVED, Math.floor(i / columns) * SAVED, SAVED, SAVED);
  });
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = words.steer.file;
  link.click();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#steer-clear, .pag-unsteer")) clearPaint();
  if (event.target.closest("#steer-save") && paint.rows) saveMap();
});
document.addEventListener("input", (event) => event.target.closest?.("#steer-size") && drawBrush());

/* ------------------------------------------------------------------ what it changed */

let changeAsked = "";
const changes = new Map(); // question -> sentences

function showChange() {
  const frame = page.shown;
  if (!frame || !page.scene?.fill.data.painting.cells) return;
  const question = { scene: page.scene.id, budget: frame.budget };
  const name = JSON.stringify(question);
  if (changes.has(name)) return fillHtml({ "steer-change": changes.get(name) });
  const panel = document.querySelector("#steer-change");
  if (!panel || !visible(panel) || name === changeAsked || player) return;
  changeAsked = name;
  page.channels.change?.ask({ ...question, name });
}

handlers.change = (message) => {
  if (message.name === changeAsked) changeAsked = "";
  if (message.scene !== page.scene?.id || !("html" in message)) return;
  if (message.failed) return fillHtml({ "steer-change": message.html });
  changes.set(message.name, message.html);
  showChange();
};

/* Asked again after a while, unless the hand has gone on. */
unanswered.steer = () => {
  if (paint.open && !paint.timer) paint.timer = setTimeout(askSteer, AGAIN);
};
unanswered.change = () => {
  changeAsked = "";
};

let changing = null;
function changeSoon() {
  clearTimeout(changing);
  changing = setTimeout(showChange, 150);
  all('.pag-view[data-name="steer-ponder"]').forEach((view) => drawPonderOver(view, page.shown));
}
hooks.shown.push(changeSoon);
hooks.tab.push(() => {
  drawPaint();
  changeSoon();
});

/* ------------------------------------------------------------------ wiring */

hooks.scene.push(() => {
  changes.clear();
  changeAsked = "";
  takePaint();
});
hooks.reply.push(takePaint);
hooks.mounted.push((element) => {
  if (!element.querySelector(".pag-painted, [data-name='steer-ponder']")) return;
  takePaint();
  drawPaint();
  changeSoon();
});
