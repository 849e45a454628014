/* Slots, scenes and frames. The server sends, for each budget, one frame: everything that the
   page shows at that budget. They are kept here, so that the slider swaps them without a request.

   words: see content.SCRIPT. Everything in these files shares one scope; see app/front/__init__.py. */

const page = {
  scene: null, // the scene message, or null before the first answer
  frames: new Map(), // budget as text -> frame
  shown: null, // the frame on the screen
  wanted: null, // the frame that should be
  channels: {}, // name -> {trigger}
};
const hooks = { scene: [], arrival: [], shown: [], mounted: [], tab: [], reply: [] };

const keyOf = (budget) => Number(budget).toFixed(3);
const say = (text, values) =>
  text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const isShortcut = (event) => event.ctrlKey || event.metaKey || event.altKey; // the browser's own
const bySlot = (slot, root = document) => all(`[data-slot="${slot}"]`, root);

/* ------------------------------------------------------------------ filling the slots */

function fillHtml(html, root = document) {
  for (const [slot, text] of Object.entries(html)) {
    for (const element of bySlot(slot, root)) {
      if (element.innerHTML !== text) element.innerHTML = text;
    }
  }
}

function fillPicture(slot, url, root = document) {
  for (const image of bySlot(slot, root)) if (image.src !== url) image.src = url;
}

function fillPictures(frame, root = document) {
  for (const slot of Object.keys(frame.fill.pictures)) {
    if (bySlot(slot, root).length) fillPicture(slot, pictureOf(frame, slot), root);
  }
}

function fillScene(root = document) {
  if (!page.scene) return;
  fillHtml(page.scene.fill.html, root);
  fillPicture("photo", page.scene.fill.data.photo, root);
}

function fillFrame(frame, root = document) {
  fillHtml(frame.fill.html, root);
  fillPictures(frame, root);
}

const visible = (element) => element.offsetParent !== null;

/* Pictures that were never decoded would blink when they come on the screen. */
async function decoded(frame) {
  const waiting = Object.keys(frame.fill.pictures)
    .filter((slot) => bySlot(slot).some(visible))
    .map((slot) => {
      const image = new Image();
      image.src = pictureOf(frame, slot);
      return image.decode().catch(() => {});
    });
  await Promise.all(waiting);
}

/* ------------------------------------------------------------------ showing a budget */

let painting = false;

async function show(frame) {
  page.wanted = frame;
  if (painting) return; // the loop below ends at what is wanted last
  painting = true;
  try {
    while (page.wanted && page.shown !== page.wanted) {
      const next = page.wanted;
      await decoded(next);
      if (next.scene !== page.scene.id) continue; // another photo has come in between
      fillFrame(next);
      document.body.dataset.budget = next.budget.toFixed(2);
      page.shown = next;
      tellShown();
    }
  } finally {
    painting = false;
  }
}

const tellShown = () => hooks.shown.forEach((hook) => hook(page.shown));

function nearest(budget) {
  let best = null;
  for (const frame of page.frames.values()) {
    if (!best || Math.abs(frame.budget - budget) < Math.abs(best.budget - budget)) best = frame;
  }
  return best;
}

const sliderValue = () => Number(document.querySelector("#budget input[type=range]")?.value);

/* What the slider asks for; until it is there, the nearest that is. */
function showAsked(budget = sliderValue()) {
  const frame = Number.isFinite(budget) ? nearest(budget) : page.shown;
  if (!frame) return;
  const close = Math.abs(frame.budget - budget) < 0.0051;
  const values = { shown: frame.budget.toFixed(2), asked: budget.toFixed(2) };
  const note = close ? "" : `<p class="pag-hint">${say(words.preview, values)}</p>`;
  fillHtml({ preview: note });
  show(frame);
}

/* ------------------------------------------------------------------ what arrives */

function toUrl(address) {
  const [head, body] = address.split(",");
  const letters = atob(body);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return URL.createObjectURL(new Blob([bytes], { type: head.slice(5, head.indexOf(";")) }));
}

/* What is drawn again and again gets an address of the browser's own, whose picture stays decoded;
   but only once somebody looks: of a sweep's pictures most are never seen. */
function pictureOf(frame, slot) {
  const pictures = frame.fill.pictures;
  if (pictures[slot]?.startsWith("data:")) pictures[slot] = toUrl(pictures[slot]);
  return pictures[slot];
}

function keep(frame) {
  const key = keyOf(frame.budget);
  if (page.frames.has(key)) release([page.frames.get(key)]);
  page.frames.set(key, frame);
  for (const hook of hooks.arrival) hook(frame);
}

/* Not at once: they may still be on the screen, or on their way to it. */
function release(frames) {
  const addresses = () => frames.flatMap((frame) => Object.values(frame.fill.pictures));
  setTimeout(() => addresses().forEach((url) => URL.revokeObjectURL(url)), 2000);
}

function begin(scene) {
  const old = [...page.frames.values()];
  page.frames.clear();
  Object.assign(page, { scene, shown: null, wanted: null });
  document.body.style.setProperty("--pag-ratio", scene.width / scene.height);
  document.body.dataset.scene = scene.id;
  fillScene();
  for (const hook of hooks.scene) hook(scene);
  release(old);
}

/* A reply to something that the visitor did: {notice, scene, frame}. */
function receive(message) {
  fillHtml({ notice: message.notice });
  if (message.scene && message.scene.id !== page.scene?.id) begin(message.scene);
  if (message.frame && message.frame.scene === page.scene?.id) keep(message.frame);
  if (message.frame || message.known) showAsked();
  for (const hook of hooks.reply) hook(message);
}

/* ------------------------------------------------------------------ what Gradio calls */

/* A tab that has just been opened has its size only in the next frame. */
function tabOpened(event) {
  if (!event.target.closest?.("#tabs [role=tab]")) return;
  requestAnimationFrame(() => requestAnimationFrame(() => hooks.tab.forEach((hook) => hook())));
}
document.addEventListener("click", tabOpened);
document.addEventListener("keyup", tabOpened);

window.pagExplorer = {
  /* A hidden component through which messages come, and by which the server is asked. */
  connect(name, props, watch, trigger) {
    page.channels[name] = { ask: (question) => trigger("submit", question) };
    watch("value", () => {
      if (props.value) handlers[name](props.value);
    });
  },
  /* The slots of a panel have come on the page. */
  mounted(element) {
    fillScene(element);
    if (page.shown) fillFrame(page.shown, element);
    for (const hook of hooks.mounted) hook(element);
  },
  /* A question to a channel was not answered at all: too many stand in line, or the server is
     away. Gradio says so; here it may be asked again. */
  unanswered(name) {
    unanswered[name]?.();
  },
  page, // for tests and for the curious
};
const handlers = { scene: receive };
const unanswered = {};
