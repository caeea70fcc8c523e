// Dialogs one after another: the browser keeps the focus inside, Escape closes, Enter presses the focused button.

import { word } from "./words.js";

const box = document.getElementById("notice-dialog");
const title = document.getElementById("notice-dialog-title");
const text = document.getElementById("notice-dialog-text");
const first = document.getElementById("notice-first");
const second = document.getElementById("notice-second");

let queue = Promise.resolve();

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
first.addEventListener("click", () => box.close("first"));
second.addEventListener("click", () => box.close("second"));

export function open(dialog) {
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

// Resolves to "first" or "second"; Escape is the first answer.
function ask(words) {
  queue = queue.then(async () => {
    title.textContent = words.title;
    text.textContent = words.text;
    first.textContent = words.first;
    second.textContent = words.second ?? "";
    second.hidden = !words.second;
    const answer = await open(box);
    return answer || "first";
  });
  return queue;
}

// What was being said in a window is closed: it stands in the talk as well.
export function closeNotice() {
  if (box.open) box.close("first");
}

export function tellDisclosure(said) {
  return ask({ title: word("notice.disclosure"), text: said, first: word("understood") });
}

export async function offerBreak(said) {
  const answer = await ask({
    title: word("notice.reminder"),
    text: said,
    first: word("continue"),
    second: word("pause"),
  });
  return answer === "second";
}
