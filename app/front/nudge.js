/* Answers that would be lost. Gradio closes the stream of answers once every question has its own,
   and opens it with the next question. One that is asked while the word of closing is on its way
   finds the stream open still, and its answer stays at the server until another is asked. So
   another is, about nothing, some time after the last one. */

const SILENCE = 3000; // milliseconds after the last question
const QUESTION = "/queue/join";
let questions = 0; // that have come to the server
let nudges = 0; // how many of them were about nothing
let certain = 0; // so many others had been asked when one about nothing was answered
let lastQuestion = 0;

new PerformanceObserver((list) => {
  const found = list.getEntries().filter(({ name }) => name.includes(QUESTION)).length;
  questions += found;
  if (found) lastQuestion = performance.now();
}).observe({ type: "resource" });

function nudge() {
  const others = questions - nudges;
  if (others <= certain || performance.now() - lastQuestion < SILENCE) return;
  nudges += 1;
  lastQuestion = performance.now();
  page.channels.nudge?.ask({ name: String(others) });
}
handlers.nudge = ({ name }) => {
  certain = Math.max(certain, Number(name));
};
setInterval(nudge, 1000);
