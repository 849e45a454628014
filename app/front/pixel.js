/* The story of the place that is kept: told by the server, at the budget that is shown. */

let storyAsked = "";

function askStory() {
  const frame = page.shown;
  if (!pin.fixed || !frame || !page.scene) return;
  const question = { scene: page.scene.id, budget: frame.budget, x: pin.x, y: pin.y };
  const name = JSON.stringify([question, page.frames.size]);
  if (name === storyAsked || player) return;
  storyAsked = name;
  page.channels.pixel?.ask(question);
}

handlers.pixel = (message) => {
  if (message.scene !== page.scene?.id) return;
  if (!message.html) return; // at the server another photo has come in between
  if (message.failed) storyAsked = ""; // so that it can be asked again
  page.story = message.html;
  fillHtml({ pixel: message.html });
};

unanswered.pixel = () => {
  storyAsked = "";
};

/* Not at every step of a drag or of the arrow keys: once they have come to rest. */
let resting = null;
function askSoon() {
  clearTimeout(resting);
  resting = setTimeout(askStory, 150);
}
pinHooks.push(askSoon);
hooks.shown.push(askSoon);
hooks.arrival.push(askSoon);
hooks.scene.push(() => {
  page.story = null;
  storyAsked = "";
  fillHtml({ pixel: `<p class="pag-explain">${words.pixelEmpty}</p>` });
});
hooks.mounted.push((element) => page.story && fillHtml({ pixel: page.story }, element));
