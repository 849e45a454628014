/* The receptive field of the pooling layer, drawn to scale over its map at the pin. */

function drawField() {
  for (const view of all('.pag-view[data-name="dilation"]')) {
    const stack = view.querySelector(".pag-stack");
    stack.querySelector("svg")?.remove();
    if (!pin.on || !page.shown || !visible(view)) continue;
    const { row, column, stride, dilation, name } = fieldAt(page.shown);
    const { width, height } = page.scene;
    const cells = dilation === 0 ? [0] : [-1, 0, 1];
    const boxes = cells.flatMap((dy) =>
      cells.map((dx) => {
        const [x, y] = [(column + dx * dilation) * stride, (row + dy * dilation) * stride];
        return `<rect x="${x}" y="${y}" width="${stride}" height="${stride}"/>`;
      }),
    );
    const drawing = `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true">${boxes.join("")}</svg>`;
    stack.insertAdjacentHTML("beforeend", drawing);
    const values = { ...pinPlace(), name, reach: dilation * stride, span: (2 * dilation + 1) * stride };
    fillHtml({ "field-words": say(dilation === 0 ? words.point : words.field, values) });
  }
}
pinHooks.push(drawField);
