/* Terms explained: by the pointer, by focus, and by a tap. One bubble serves all of them. */

let bubble = null;
let explained = null; // the term whose bubble is shown

function makeBubble() {
  bubble = document.createElement("div");
  bubble.id = "pag-bubble";
  bubble.className = "pag-bubble";
  bubble.setAttribute("role", "tooltip");
  bubble.hidden = true;
  document.querySelector(".gradio-container .contain").append(bubble);
}

function explain(term) {
  const text = words.terms[term.dataset.term];
  if (!text || explained === term) return;
  if (!bubble?.isConnected) makeBubble();
  explained?.removeAttribute("aria-describedby");
  explained = term;
  bubble.textContent = text;
  bubble.hidden = false;
  term.setAttribute("aria-describedby", bubble.id);
  placeBubble();
}

function placeBubble() {
  if (!explained) return;
  const at = explained.getBoundingClientRect();
  const size = bubble.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left), document.documentElement.clientWidth - size.width - 8);
  const below = at.bottom + 6 + size.height < window.innerHeight;
  bubble.style.left = `${left}px`;
  bubble.style.top = `${below ? at.bottom + 6 : at.top - size.height - 6}px`;
}

function unexplain() {
  if (!explained) return;
  explained.removeAttribute("aria-describedby");
  explained = null;
  bubble.hidden = true;
}

const termOf = (event) => event.target.closest?.("[data-term]");
const showTerm = (event) => termOf(event) && explain(termOf(event));
document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "mouse") return;
  if (termOf(event)) explain(termOf(event));
  else if (explained && explained !== document.activeElement) unexplain();
});
document.addEventListener("focusin", showTerm);
document.addEventListener("focusout", (event) => termOf(event) && unexplain());
document.addEventListener("click", (event) => (termOf(event) ? explain(termOf(event)) : unexplain()));
// A term that gets the focus is scrolled into sight: its bubble comes along.
document.addEventListener("scroll", placeBubble, { capture: true, passive: true });
document.addEventListener("keydown", (event) => event.key === "Escape" && unexplain());
/* A frame may bring new words in place of the one that is explained. */
hooks.shown.push(() => explained && !explained.isConnected && unexplain());
