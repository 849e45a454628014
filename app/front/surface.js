/* Depth as a surface in space, in the photo's colours: from the picture of depth that is here
   already, drawn with a depth buffer of our own. No graphics card is needed. */

const DOT = 14; // at most so many pixels of a canvas for one point's side
const TORN = 1.1; // neighbours whose distances differ by more lie on different things

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
async function depthsOf(frame, scene) {
  const { rows, columns } = scene.fill.data.cloud;
  frame.metres ??= (async () => {
    const image = await pixelsOf(frame, "depth");
    const metresAt = metresOf(scene);
    const metres = new Float32Array(rows * columns);
    for (let i = 0; i < metres.length; i++) {
      const y = Math.floor(((Math.floor(i / columns) + 0.5) / rows) * image.height);
      const x = Math.floor((((i % columns) + 0.5) / columns) * image.width);
      metres[i] = metresAt(image.data, 4 * (y * image.width + x));
    }
    return metres;
  })();
  return frame.metres;
}

/* About what it is turned, the same at every budget. */
const middleOf = ({ fill: { data } }) => Math.sqrt(Math.max(data.depth.near, 0.1) * data.depth.far);

/* ------------------------------------------------------------------ drawing */

/* Where the points of the photo's camera come to lie once all is turned about the middle:
   three numbers each, the place on the canvas and how far away. */
function projected(scene, metres, middle, canvas, view) {
  const { rows, columns, focal } = scene.fill.data.cloud;
  const reach = focal * Math.max(rows, columns); // focal length in points
  const enlarged = (canvas.width / columns) * reach;
  const [sy, cy] = [Math.sin(view.yaw), Math.cos(view.yaw)];
  const [sp, cp] = [Math.sin(view.pitch), Math.cos(view.pitch)];
  const found = new Float32Array(3 * metres.length);
  for (let i = 0; i < metres.length; i++) {
    const x = (((i % columns) + 0.5 - columns / 2) / reach) * metres[i];
    const y = ((Math.floor(i / columns) + 0.5 - rows / 2) / reach) * metres[i];
    const z = metres[i] - middle;
    const turned = cy * z - sy * x;
    const away = cp * turned + sp * y + middle / view.zoom;
    found[3 * i] = canvas.width / 2 + ((cy * x + sy * z) * enlarged) / away;
    found[3 * i + 1] = canvas.height / 2 + ((cp * y - sp * turned) * enlarged) / away;
    found[3 * i + 2] = away;
  }
  return found;
}

/* Between columns `from` and `to` of the canvas. Cells of four neighbours are filled, unless they
   would span a gap between two things; points without any cell are dots.
   `target`: shade (colours), far (the depth buffer), ids (which point is seen), width, height. */
function drawSurface(metres, colours, columns, at, target, from, to) {
  const held = new Uint8Array(metres.length);
  const rows = metres.length / columns;
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const a = row * columns + column;
      const corners = [a, a + 1, a + columns, a + columns + 1];
      const four = corners.map((i) => metres[i]);
      if (Math.max(...four) > TORN * Math.min(...four)) continue;
      for (const corner of corners) held[corner] = 1;
      fillTriangle(a, a + 1, a + columns, at, colours, target, from, to);
      fillTriangle(a + columns + 1, a + columns, a + 1, at, colours, target, from, to);
    }
  }
  for (let i = 0; i < metres.length; i++) {
    if (!held[i]) drawDot(i, metres[i], columns, at, colours, target, from, to);
  }
}

const NEAREST = 0.05; // metres before the eye

/* Every pixel gets the colour of the nearest corner. */
function fillTriangle(a, b, c, at, colours, { shade, far, ids, width, height }, from, to) {
  const [ax, ay, az] = [at[3 * a], at[3 * a + 1], at[3 * a + 2]];
  const [bx, by, bz] = [at[3 * b], at[3 * b + 1], at[3 * b + 2]];
  const [cx, cy, cz] = [at[3 * c], at[3 * c + 1], at[3 * c + 2]];
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  if (Math.min(az, bz, cz) < NEAREST || Math.abs(area) < 1e-6) return;
  const [left, right] = [Math.max(from, Math.ceil(Math.min(ax, bx, cx) - 0.5)), Math.max(ax, bx, cx)];
  const [top, bottom] = [Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5)), Math.max(ay, by, cy)];
  for (let v = top; v < height && v + 0.5 <= bottom; v++) {
    for (let u = left; u < to && u + 0.5 <= right; u++) {
      const [x, y] = [u + 0.5, v + 0.5];
      const wb = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area;
      const wc = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area;
      const wa = 1 - wb - wc;
      if (wa < -1e-4 || wb < -1e-4 || wc < -1e-4) continue;
      const away = wa * az + wb * bz + wc * cz;
      const place = v * width + u;
      if (away >= far[place]) continue;
      const corner = wa >= wb && wa >= wc ? a : wb >= wc ? b : c;
      far[place] = away;
      shade[place] = colours[corner];
      ids[place] = corner;
    }
  }
}

function drawDot(i, metres, columns, at, colours, { shade, far, ids, width, height }, from, to) {
  const [x, y, away] = [at[3 * i], at[3 * i + 1], at[3 * i + 2]];
  if (away < NEAREST) return;
  const half = Math.min(((width / columns) * metres) / away, DOT) / 2;
  const [left, right] = [Math.max(from, Math.floor(x - half)), Math.min(to, Math.ceil(x + half))];
  const [top, bottom] = [Math.max(0, Math.floor(y - half)), Math.min(height, Math.ceil(y + half))];
  for (let v = top; v < bottom; v++) {
    for (let u = left; u < right; u++) {
      const place = v * width + u;
      if (away >= far[place]) continue;
      far[place] = away;
      shade[place] = colours[i];
      ids[place] = i;
    }
  }
}
