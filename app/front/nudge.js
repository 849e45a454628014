/* Answers that would be lost. Gradio closes the stream of answers once every question has its own,
   and opens it with the next question. One that is asked while the word of closing is on its way
   finds the stream open still, and its answer stays at the server until another is asked. So
   another is, about nothing, some time after the last one, once the stream has closed: whoever
   waits in a line has it open. */

const SILENCE = 3000; // milliseconds after the last question and the end of the stream
const UNREPORTED = 15000; // after the last question, in a browser that tells of no stream's end
const QUESTION = "/queue/join";
const STREAM = "/queue/data";
let questions = 0; // that have come to the server
let nudges = 0; // how many of them were about nothing
let covered = 0; // how many others had been asked before the last one about nothing
let lastQuestion = 0; // when it left
let lastOpening = 0; // of the stream of answers
let lastClosing = 0;

const fetchOfBrowser = window.fetch;
window.fetch = (wanted, ...rest) => {
  if (String(wanted.url ?? wanted).includes(STREAM)) lastOpening = performance.now();
  return fetchOfBrowser(wanted, ...rest);
};

new PerformanceObserver((list) => {
  for (const { name, startTime, responseEnd } of list.getEntries()) {
    if (name.includes(STREAM)) lastClosing = Math.max(lastClosing, responseEnd);
    if (!name.includes(QUESTION)) continue;
    questions += 1;
    lastQuestion = Math.max(lastQuestion, startTime);
  }
}).observe({ type: "resource" });

function isReading() {
  if (lastClosing) return lastClosing < lastOpening;
  return performance.now() - lastQuestion < UNREPORTED;
}

function nudge() {
  const channel = page.channels.nudge;
  const others = questions - nudges;
  if (!channel || others <= covered || isReading()) return;
  if (performance.now() - Math.max(lastQuestion, lastClosing) < SILENCE) return;
  covered = others;
  nudges += 1;
  channel.ask({ name: String(nudges) });
}
handlers.nudge = () => {}; // only that it comes matters
setInterval(nudge, 1000);
