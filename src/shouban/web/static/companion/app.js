// Joins the page's controls to the conversation.

import * as announcements from "./announcements.js";
import * as api from "./api.js";
import { open } from "./dialogs.js";
import * as frame from "./frame.js";
import * as talk from "./talk.js";
import { language, word } from "./words.js";

const part = (id) => document.getElementById(id);
const start = part("start");
const message = part("message");
const SIGNED_IN = "shouban-signed-in";

// --- start -----------------------------------------------------------------

async function openPage() {
  let state;
  try {
    state = await api.call("GET", "/state");
  } catch (failure) {
    // Nobody is signed in yet: that is how everyone begins.
    if (![401, 403, 404].includes(failure.status)) frame.tellAlert(failure.message);
    frame.showStart();
    return;
  }
  frame.showRestriction(state.restriction);
  if (state.session && state.session !== "ended") resume(state);
  else frame.showStart();
}

function resume(state) {
  talk.begin(state);
  talk.showSpeaker(state.takeover);
  if (state.mode) frame.showMode(state.mode);
  talk.recall(state.history ?? []);
  // A new tab or a restarted browser is a new sign-in: the person is told again whom they talk with.
  if (sessionStorage.getItem(SIGNED_IN) !== state.session) talk.greet([]);
  sessionStorage.setItem(SIGNED_IN, state.session);
}

start.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(start);
  const year = form.get("birth_year").trim();
  if (year && !/^(19|20)\d\d$/.test(year)) return refuseYear();
  await beginTalk(form, year);
});

function refuseYear() {
  frame.tellAlert(word("birth_year_wrong"));
  part("birth-year").setAttribute("aria-invalid", "true");
  part("birth-year").focus();
}

async function beginTalk(form, year) {
  const button = start.querySelector("button[type=submit]");
  const wish = { language, companion: form.get("companion") };
  if (form.get("nickname").trim()) wish.nickname = form.get("nickname").trim();
  if (year) wish.birth_year = Number(year);
  part("birth-year").removeAttribute("aria-invalid");
  button.disabled = true;
  button.textContent = word("starting");
  try {
    const started = await api.call("POST", "/start", wish);
    sessionStorage.setItem(SIGNED_IN, started.session);
    talk.begin(started);
    frame.showMode(started.mode ?? "standard");
    if (form.has("minor")) await setMode("minor");
    await talk.greet(started.notices ?? []);
  } catch (failure) {
    frame.tellAlert(failure.message);
  } finally {
    button.disabled = false;
    button.textContent = word("start");
  }
}

// --- writing ---------------------------------------------------------------

part("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (talk.isBusy()) talk.stop();
  else void send();
});

message.addEventListener("keydown", (event) => {
  // While an input method is composing, Enter chooses a word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  if (talk.isBusy()) part("keys-hint").textContent = word("too_fast");
  else void send();
});

message.addEventListener("input", fit);

message.addEventListener("input", () => {
  if (message.value.trim()) talk.tellTyping();
});

function fit() {
  message.rows = Math.min(5, message.value.split("\n").length);
  part("keys-hint").textContent = word("keys_hint");
}

async function send() {
  const text = message.value.trim();
  if (!text) return;
  message.value = "";
  fit();
  const isDelivered = await talk.speak(text);
  part("keys-hint").textContent = word("keys_hint");
  if (!isDelivered && !message.value) message.value = text;
}

// --- help, leaving, coming back --------------------------------------------

part("open-help").addEventListener("click", () => void open(part("help-dialog")));
part("exit").addEventListener("click", () => void talk.leave());
part("resume").addEventListener("click", () => frame.openInput());
part("restart").addEventListener("click", () => {
  talk.forget();
  frame.showStart();
  start.querySelector("input[name=companion]:checked").focus();
});

// --- mode and own data -----------------------------------------------------

part("open-settings").addEventListener("click", () => {
  part("mode-said").textContent = "";
  void open(part("settings-dialog"));
});

for (const choice of document.querySelectorAll("input[name=mode]")) {
  choice.addEventListener("change", () => void setMode(choice.value));
}

part("minor-switch").addEventListener("click", () => {
  const isOn = part("minor-switch").getAttribute("aria-checked") === "true";
  void setMode(isOn ? "standard" : "minor");
});

async function setMode(wanted) {
  const before = document.documentElement.dataset.mode ?? "standard";
  try {
    const { mode } = await api.call("POST", "/mode", { mode: wanted });
    frame.showMode(mode);
    tellMode(word("mode_changed", { mode: word(`mode.${mode}`) }));
  } catch (failure) {
    frame.showMode(before);
    tellMode(word("mode_refused", { reason: failure.message }), true);
  }
}

function tellMode(text, isProblem = false) {
  part("mode-said").textContent = text;
  if (isProblem && !part("settings-dialog").open) frame.tellAlert(text);
  else frame.tellAlert("");
}

part("delete-data").addEventListener("click", () => {
  tellDelete("");
  void open(part("delete-dialog"));
});

part("delete-confirm").addEventListener("click", async () => {
  try {
    const { certificate } = await api.call("DELETE", "/data");
    part("delete-dialog").close();
    part("settings-dialog").close();
    await showCertificate(certificate);
  } catch (failure) {
    tellDelete(word("delete_failed", { reason: failure.message }));
  }
});

function tellDelete(text) {
  part("delete-said").textContent = text;
  part("delete-said").hidden = !text;
}

async function showCertificate(certificate) {
  const text = typeof certificate === "string" ? certificate : JSON.stringify(certificate, null, 2);
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  part("certificate").textContent = text;
  part("save-certificate").href = address;
  talk.forget();
  frame.showRestriction("none");
  frame.showMode("standard");
  frame.showStart();
  await open(part("certificate-dialog"));
  URL.revokeObjectURL(address);
}

void announcements.load();
void openPage();
