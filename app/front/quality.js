/* Quality against compute: this photo's curves grow as the sweep does; held-out ones stand. */

const HERE = "#quality-here .pag-plot, #quality-time .pag-plot";

function drawQuality() {
  const charts = all(HERE).filter(visible);
  if (!window.Plotly || !charts.length || !page.scene) return;
  const known = [...agreements.values()].sort((a, b) => a.budget - b.budget);
  const shown = page.shown && agreements.get(keyOf(page.shown.budget));
  for (const plot of charts) {
    const { task } = plot.dataset;
    const { data, layout } = structuredClone(page.scene.fill.data.quality[task]);
    layout.xaxis.range = [...page.scene.fill.data["budget-range"]];
    const points = known.filter((entry) => entry.values[task] !== null);
    const ring = points.includes(shown) ? [shown] : [];
    const traces = [points, ring].map((entries, i) => ({
      ...data[i],
      x: entries.map((entry) => entry.budget),
      y: entries.map((entry) => entry.values[task]),
    }));
    const first = !plot.data;
    Plotly.react(plot, traces, lettered(layout), CONFIG);
    if (first) plot.on("plotly_click", ({ points: [point] }) => moveSlider(point.x));
  }
}

function drawHeldout() {
  if (!window.Plotly) return;
  for (const plot of all("#quality-heldout .pag-plot").filter(visible)) {
    if (plot.layout?.font.color === letterColour()) continue;
    const { data, layout } = JSON.parse(plot.dataset.figure);
    Plotly.react(plot, data, lettered(layout), CONFIG);
  }
}

function drawQualityTab() {
  drawQuality();
  drawHeldout();
}
plotly.then(drawQualityTab);
onTheme(drawQualityTab);
hooks.arrival.push(drawQuality);
hooks.shown.push(drawQuality);
hooks.tab.push(drawQualityTab);
hooks.mounted.push(() => requestAnimationFrame(() => requestAnimationFrame(drawQualityTab)));
