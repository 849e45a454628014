/* Names for the pictures to try: Gradio makes their buttons without any, whenever it likes. */

function nameExamples() {
  for (const button of all("#examples .gallery-item")) {
    const file = button.querySelector("img")?.src.split("/").pop();
    if (file in words.examples) button.setAttribute("aria-label", words.examples[file]);
  }
}
new MutationObserver(nameExamples).observe(document, { childList: true, subtree: true });
