/* Charts to hover over. Plotly comes with Gradio; a hidden chart on the page loads it. */

const CONFIG = { responsive: true, displaylogo: false };
const unitNow = () => document.querySelector("#ponder-unit input:checked")?.value ?? "layers";

/* Charts that are to be drawn before it is there are left out, and drawn once it is. */
const plotly = new Promise((resolve) => {
  const look = () => (window.Plotly ? resolve() : setTimeout(look, 100));
  look();
});

/* Letters take the colour of the page's quiet text, which is another one in the dark. */
const letterColour = () =>
  getComputedStyle(document.body).getPropertyValue("--body-text-color-subdued").trim();
const lettered = (layout) => ({ ...layout, font: { ...layout.font, color: letterColour() } });

/* The page turns dark, or light again, along with the system. */
const onTheme = (redraw) =>
  plotly.then(() =>
    new MutationObserver(redraw).observe(document.body, { attributeFilter: ["class"] }),
  );

function rows(values, grid) {
  return Array.from({ length: grid.rows }, (_, row) =>
    values.subarray(row * grid.columns, (row + 1) * grid.columns),
  );
}

/* ------------------------------------------------------------------ ponder cost */

let ponderName = null; // what is drawn: scene, unit and colour of the letters
let ponderScene = null;

function ponderValues(frame) {
  const grid = frame.fill.data.ponder;
  const counts = layerCounts(grid);
  grid.kilo ??= new Float32Array(bytes(grid.macs).buffer);
  const [z, other] = unitNow() === "layers" ? [counts, grid.kilo] : [grid.kilo, counts];
  return { z: rows(z, grid), customdata: rows(other, grid) };
}

function drawPonder() {
  const plot = document.querySelector("#ponder-plot");
  if (!window.Plotly || !plot || !visible(plot) || !page.shown) return;
  const name = `${page.scene.id} ${unitNow()} ${letterColour()}`;
  const values = ponderValues(page.shown);
  if (ponderName === name && plot.data) {
    Plotly.restyle(plot, { z: [values.z], customdata: [values.customdata] });
    return;
  }
  const { layout, ...traces } = page.scene.fill.data.ponder;
  const opacity = Number(document.querySelector("#ponder-opacity input")?.value ?? 0.75);
  const trace = { ...traces[unitNow()], ...values, opacity };
  const drawing = { ...lettered(layout), uirevision: page.scene.id, shapes: ponderShapes() };
  if (ponderScene === page.scene.id && plot.data) {
    Plotly.react(plot, [trace], drawing, CONFIG);
  } else {
    // From `react` the axes of a photo of another shape would keep the range of the last one.
    Plotly.newPlot(plot, [trace], drawing, CONFIG);
    plot.on("plotly_hover", ({ points: [point] }) => !pin.fixed && pointFrom(point, pointAt));
    plot.on("plotly_unhover", () => !pin.fixed && unpin());
    plot.on("plotly_click", ({ points: [point] }) => pointFrom(point, fix));
  }
  [ponderName, ponderScene] = [name, page.scene.id];
}

const pointFrom = (point, then) => then(point.x / page.scene.width, point.y / page.scene.height);

function ponderShapes() {
  if (!pin.on || !page.scene) return [];
  const { width, height } = page.scene;
  const half = Math.max(width, height) / 90;
  const [x, y] = [pin.x * width, pin.y * height];
  const box = { type: "rect", x0: x - half, x1: x + half, y0: y - half, y1: y + half };
  return [
    { ...box, line: { color: "#fff", width: 4 } },
    { ...box, line: { color: "#000", width: 2 } },
  ];
}

pinHooks.push(() => {
  const plot = document.querySelector("#ponder-plot");
  if (plot?.data && visible(plot)) Plotly.relayout(plot, { shapes: ponderShapes() });
});
document.addEventListener("input", (event) => {
  const plot = document.querySelector("#ponder-plot");
  if (event.target.closest?.("#ponder-opacity") && plot?.data) {
    Plotly.restyle(plot, { opacity: Number(event.target.value) });
  }
  if (event.target.closest?.("#ponder-unit")) drawPonder();
});

/* ------------------------------------------------------------------ cost */

function drawCost() {
  const plot = document.querySelector("#cost-plot");
  if (!window.Plotly || !plot || !visible(plot) || !page.shown) return;
  const { data, layout } = page.shown.fill.data.cost;
  Plotly.react(plot, data, lettered(layout), CONFIG);
}

/* ------------------------------------------------------------------ wiring */

function drawCharts() {
  drawPonder();
  drawCost();
}

/* One that was hidden while the page changed its width has kept the old one. */
function fitCharts() {
  const drawn = all(".js-plotly-plot").filter((plot) => plot.data && visible(plot));
  for (const plot of drawn) Plotly.Plots.resize(plot);
}
plotly.then(drawCharts);
onTheme(drawCharts);
hooks.shown.push(drawCharts);
hooks.tab.push(drawCharts, fitCharts);
hooks.mounted.push(() => requestAnimationFrame(() => requestAnimationFrame(drawCharts)));
