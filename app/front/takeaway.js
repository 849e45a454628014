/* Files to take away are made by the server when they are asked for; a link brings settings. */

let taking = null; // the button whose file is being made

const tellTaking = (text) => {
  const line = document.querySelector("#take-words");
  if (line) line.textContent = text;
};

function take(button) {
  if (taking) return;
  if (!page.shown) return tellTaking(words.takeaway.nothing);
  taking = button;
  button.setAttribute("aria-busy", "true");
  tellTaking(words.takeaway.making);
  const { take: what, format } = button.dataset;
  page.channels.take?.ask({ what, format, budget: page.shown.budget });
}

/* A file that the server has made goes to the visitor's downloads. */
function handOver(file) {
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name ?? file.path.split("/").pop();
  link.click();
}
window.pagExplorer.handOver = handOver;

/* Called with the file; with null when there is none, and Gradio tells beside the page why. */
function taken(file) {
  taking?.removeAttribute("aria-busy");
  taking = null;
  if (file) {
    handOver(file);
    tellTaking(words.takeaway.made);
  } else if (document.querySelector("#take-words")?.textContent === words.takeaway.making) {
    tellTaking("");
  }
}
window.pagExplorer.taken = taken;
handlers.take = () => {};

/* ------------------------------------------------------------------ the link */

function settingsLink() {
  const values = { budget: page.shown.budget.toFixed(2), ...page.scene.settings };
  return `${location.origin}${location.pathname}?${new URLSearchParams(values)}`;
}

async function copyLink() {
  if (!page.shown) return tellTaking(words.takeaway.nothing);
  const field = document.querySelector("#settings-link");
  field.value = settingsLink();
  field.hidden = false;
  try {
    await navigator.clipboard.writeText(field.value);
    tellTaking(words.takeaway.copied);
  } catch {
    // Only a page served securely, or from this very machine, may write to the clipboard.
    field.focus();
    field.select();
    tellTaking(words.takeaway.by_hand);
  }
}

/* The settings that a link has brought stand in the controls now. */
window.pagExplorer.restored = () => page.frames.size && showAsked();

document.addEventListener("click", (event) => {
  const button = event.target.closest("#take-panel [data-take]");
  if (button) take(button);
  if (event.target.closest("#copy-link")) copyLink();
});
