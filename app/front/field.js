/* The receptive field of the pooling layer, drawn to scale over its map at the pin. */

function drawField() {
  if (!pin.on) fillHtml({ "field-words": words.fieldHint });
  for (const view of all('.pag-view[data-name="dilation"]')) {
    const stack = view.querySelector(".pag-stack");
    stack.querySelector("svg")?.remove();
    if (!pin.on || !page.shown || !visible(view)) continue;
    const { row, column, stride, dilation, name } = fieldAt(page.shown);
    const { width, height } = page.scene;
    const { side } = page.shown.fill.data.dilation;
    // The network's own cell that chose: it is larger than the map's where it saw a smaller picture.
    const own = (cell, size) => Math.floor(Math.min((cell + 0.5) * stride, size - 0.5) / side);
    const [top, left] = [own(row, height), own(column, width)];
    const cells = dilation === 0 ? [0] : [-1, 0, 1];
    const boxes = cells.flatMap((dy) =>
      cells.map((dx) => {
        const [x, y] = [(left + dx * dilation) * side, (top + dy * dilation) * side];
        return `<rect x="${x}" y="${y}" width="${side}" height="${side}"/>`;
      }),
    );
    const drawing = `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true">${boxes.join("")}</svg>`;
    stack.insertAdjacentHTML("beforeend", drawing);
    const [reach, span] = [dilation, 2 * dilation + 1].map((count) => Math.round(count * side));
    const values = { ...pinPlace(), name, reach, span };
    fillHtml({ "field-words": say(dilation === 0 ? words.point : words.field, values) });
  }
}
pinHooks.push(drawField);
