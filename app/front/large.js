/* A picture seen large, and saved as it is shown. */

function openLarge(view) {
  const dialog = document.createElement("dialog");
  dialog.className = "pag-large";
  dialog.setAttribute("aria-label", view.dataset.title);
  const copy = view.cloneNode(true);
  copy.querySelector(".pag-enlarge")?.remove();
  const head = document.createElement("header");
  const title = document.createElement("h2");
  title.textContent = view.dataset.title;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "pag-close";
  close.textContent = `✕ ${words.close}`;
  close.addEventListener("click", () => dialog.close());
  head.append(title, close);
  dialog.append(head, copy);
  const caption = view.closest(".pag-tile")?.querySelector(".pag-caption");
  if (caption) dialog.append(caption.cloneNode(true));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.querySelector(".gradio-container .contain").append(dialog);
  dialog.showModal();
  for (const hook of hooks.mounted) hook(dialog);
}

/* What lies over the photo is saved over the photo, at the size at which the network saw it. */
async function savePicture(view) {
  const canvas = document.createElement("canvas");
  const { width, height } = page.scene;
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const layers = ".pag-photo, .pag-picture, .pag-full, canvas";
  for (const layer of all(layers, view.querySelector(".pag-stack"))) {
    const style = getComputedStyle(layer);
    if (!visible(layer) || style.visibility === "hidden") continue;
    context.save();
    clipAtSplit(context, layer, width, height);
    context.globalAlpha = Number(style.opacity);
    context.imageSmoothingEnabled = layer.matches(".pag-photo");
    const scale = layer.matches(".pag-photo, .pag-full")
      ? [1, 1]
      : [parseFloat(layer.style.width) / 100, parseFloat(layer.style.height) / 100];
    context.drawImage(layer, 0, 0, width * scale[0], height * scale[1]);
    context.restore();
  }
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = `${view.dataset.name}-${page.shown.budget.toFixed(2)}.png`;
  link.click();
}

document.addEventListener("click", (event) => {
  const view = event.target.closest(".pag-view");
  if (!view || !page.shown) return;
  if (event.target.closest(".pag-enlarge")) openLarge(view);
  if (event.target.closest(".pag-save")) savePicture(view);
});
