/* The passes of a sweep run while this page draws, which slows them. Once it rests the server is
   asked to time them again, and what is said of time is put into the frames that are here. */

const UNDISTURBED = 1500; // milliseconds without anything new on the page
let patience = UNDISTURBED; // doubled as often as the server is busy with others
let timing = null;
let untimed = false; // frames have come since the server was last asked

function timeSoon() {
  clearTimeout(timing);
  if (untimed && missing() === undefined && !player) timing = setTimeout(askTimes, patience);
}

function askTimes() {
  untimed = false;
  page.channels.times?.ask({ scene: page.scene.id, name: page.scene.id });
}

handlers.times = (message) => {
  if (message.scene !== page.scene?.id) return;
  untimed ||= Boolean(message.later);
  patience = message.later ? 2 * patience : UNDISTURBED;
  for (const { budget, html } of message.times ?? []) {
    const frame = page.frames.get(keyOf(budget));
    if (frame) Object.assign(frame.fill.html, html);
    if (frame && frame === page.shown) fillHtml(html);
  }
  for (const entry of message.agreements ?? []) agreements.set(keyOf(entry.budget), entry);
  if (message.times) {
    document.body.dataset.timed = message.scene;
    drawAgreement();
    drawQuality();
    twoSoon();
  }
  timeSoon();
};

hooks.arrival.push(() => {
  untimed = true;
  timeSoon();
});
hooks.shown.push(timeSoon);
hooks.scene.push(() => {
  clearTimeout(timing);
  patience = UNDISTURBED;
});
