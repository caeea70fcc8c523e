// What stands around the conversation: who is speaking, the mode, and whether one may write.

import { companionNamed, word } from "./words.js";

const part = (id) => document.getElementById(id);
const SPEAKER_WORDS = { none: "notice_ai", requested: "notice_requested", human: "notice_human" };
const ONLY_IN_TALK = ["who", "open-settings", "exit", "talk", "bottom", "minor-switch"];

export function showStart() {
  for (const id of ONLY_IN_TALK) part(id).hidden = true;
  part("start").hidden = false;
  showSpeaker("none");
}

export function showTalk(companion) {
  const card = companionNamed(companion);
  for (const id of ONLY_IN_TALK) part(id).hidden = false;
  part("start").hidden = true;
  part("who-name").textContent = card.name;
  part("who-avatar").src = card.avatar;
  part("use-time").textContent = "";
  tellAlert("");
  openInput();
}

export function showSpeaker(takeover) {
  const key = SPEAKER_WORDS[takeover] ?? SPEAKER_WORDS.none;
  const bar = part("notice-bar");
  const speaker = takeover === "human" ? "human" : "ai";
  if (part("notice-text").textContent === word(key) && bar.dataset.speaker === speaker) return;
  bar.dataset.speaker = speaker;
  bar.querySelector(".notice-mark").textContent = word(speaker === "human" ? "human_badge" : "ai_badge");
  part("notice-text").textContent = word(key);
}

export function showMode(mode) {
  document.documentElement.dataset.mode = mode;
  part("mode-badge").textContent = mode === "standard" ? "" : word(`mode.${mode}`);
  part("mode-badge").hidden = mode === "standard";
  part("minor-switch").setAttribute("aria-checked", String(mode === "minor"));
  for (const choice of document.querySelectorAll("input[name=mode]")) choice.checked = choice.value === mode;
}

export function showUse(seconds) {
  const minutes = Math.floor(seconds / 60);
  part("use-time").textContent = minutes > 0 ? word("use_time", { minutes }) : "";
}

export function openInput() {
  part("composer").hidden = false;
  part("closed").hidden = true;
  part("exit").hidden = false;
  part("message").focus();
}

// `way` is how one comes back: "restart" after the end, "resume" after a break.
export function closeInput(text, way) {
  part("composer").hidden = true;
  part("closed").hidden = false;
  part("closed-text").textContent = text;
  part("restart").hidden = way !== "restart";
  part("resume").hidden = way !== "resume";
  part("exit").hidden = way === "restart";
  if (!document.querySelector("dialog[open]")) part(way).focus();
}

export function showBusy(isBusy) {
  part("send").textContent = word(isBusy ? "stop" : "send");
  part("send").classList.toggle("stopping", isBusy);
}

// It stays as long as the restriction does: the notice of it scrolls away.
export function showRestriction(restriction) {
  part("restricted").hidden = !restriction || restriction === "none";
}

export function tellAlert(text) {
  part("alert").textContent = text;
  part("alert").hidden = !text;
}
