// What is announced to everybody: an outage, the end of something. Shown while it holds, at the top of the page.

import { language, word } from "./words.js";

const list = document.getElementById("announcements");

export function show(announcement) {
  remove(announcement);
  const item = document.createElement("p");
  item.className = `announcement announcement-${announcement.kind}`;
  item.id = `announcement-${announcement.id}`;
  const title = document.createElement("strong");
  title.textContent = announcement.title[language];
  const text = document.createElement("span");
  text.textContent = announcement.text[language];
  const link = document.createElement("a");
  link.href = "/status";
  link.textContent = word("notices");
  item.append(title, " ", text, " ", link);
  list.append(item);
}

export function remove({ id }) {
  document.getElementById(`announcement-${id}`)?.remove();
}

// Before a talk has begun no event comes: the page asks once.
export async function load() {
  try {
    const answer = await fetch("/status.json", { credentials: "omit" });
    for (const announcement of (await answer.json()).notices) show(announcement);
  } catch {
    // Without the service there is nothing to announce that the reader does not see.
  }
}
