// The care desk: parts of the page come again when they change; times are counted down; who newly waits is heard.

const stream = document.querySelector("[data-stream]");
const line = document.getElementById("line");
// The person is told no more often than this that somebody types.
const TYPING_MS = 3000;
let heard = null;
let audio = null;

function countDown() {
  for (const time of document.querySelectorAll("time[data-due]")) {
    const left = Math.round((new Date(time.dataset.due) - Date.now()) / 1000);
    const whole = Math.abs(left);
    const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
    const shown = (parts[0] ? parts : parts.slice(1)).map((one, place) => (place ? String(one).padStart(2, "0") : one)).join(":");
    const word = left < 0 ? time.dataset.late : time.dataset.left;
    time.textContent = word ? `${word} ${shown}` : shown;
    time.classList.toggle("late", left < 0);
  }
}

// What is being typed or opened stays: only parts without a form in use are replaced.
function put(id, html) {
  const place = document.getElementById(id);
  if (!place) return;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const form = focused?.closest("form")?.getAttribute("action");
  const link = focused?.getAttribute("href");
  const word = focused?.dataset.id;
  const open = [...place.querySelectorAll("details")].map((one) => one.open);
  const atEnd = place.scrollTop + place.clientHeight >= place.scrollHeight - 40;
  const fresh = new DOMParser().parseFromString(html, "text/html");
  place.replaceChildren(...fresh.body.childNodes);
  place.querySelectorAll("details").forEach((one, n) => (one.open = open[n] ?? one.open));
  unveil(place);
  if (word) place.querySelector(`[data-id="${CSS.escape(word)}"]`)?.focus();
  else if (form) place.querySelector(`form[action="${CSS.escape(form)}"] button`)?.focus();
  else if (link) place.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
  if (atEnd) place.scrollTop = place.scrollHeight;
  countDown();
}

// --- the person's words are covered until they are pressed, or stepped to with the arrow keys

const VEIL = "shouban-veil-";
const unveiled = new Set();

function unveil(place) {
  const words = [...place.querySelectorAll(".veil")];
  for (const one of words) one.classList.toggle("open", unveiled.has(one.dataset.id));
  // One stop for the tab key: sixty words would stand between the talk and the field.
  words.at(-1)?.setAttribute("tabindex", "0");
}

function press(word) {
  const isOpen = word.classList.toggle("open");
  if (isOpen) unveiled.add(word.dataset.id);
  else unveiled.delete(word.dataset.id);
}

function setUpVeil(box, talk) {
  const key = VEIL + talk.dataset.account;
  const chosen = localStorage.getItem(key);
  if (chosen) box.checked = chosen === "on";
  const show = () => talk.classList.toggle("veiled", box.checked);
  // A case that turns severe while it lies open is covered too, where nobody chose otherwise.
  new MutationObserver(() => {
    if (localStorage.getItem(key)) return;
    box.checked = Boolean(talk.querySelector("[data-severe]"));
    show();
  }).observe(talk, { childList: true });
  box.addEventListener("change", () => {
    localStorage.setItem(key, box.checked ? "on" : "off");
    show();
  });
  talk.addEventListener("click", ({ target }) => {
    if (target.matches?.(".veil")) press(target);
  });
  talk.addEventListener("keydown", (event) => {
    if (!event.target.matches(".veil")) return;
    const words = [...talk.querySelectorAll(".veil")];
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") press(event.target);
    else if (step) words[words.indexOf(event.target) + step]?.focus();
    else return;
    event.preventDefault();
  });
  show();
  unveil(talk);
}

function ring() {
  if (!audio) return;
  for (const start of [0, 0.25, 0.5]) {
    const tone = audio.createOscillator();
    const loud = audio.createGain();
    tone.frequency.value = 880;
    loud.gain.value = 0.2;
    tone.connect(loud).connect(audio.destination);
    tone.start(audio.currentTime + start);
    tone.stop(audio.currentTime + start + 0.15);
  }
}

function noticeNew(urgent) {
  const fresh = heard ? urgent.filter((one) => !heard.has(one)) : [];
  heard = new Set(urgent);
  document.title = urgent.length ? `(${urgent.length}) ${document.title.replace(/^\(\d+\) /, "")}` : document.title.replace(/^\(\d+\) /, "");
  if (!fresh.length) return;
  ring();
  const needed = document.getElementById("alarm")?.dataset.needed;
  if (needed && window.Notification?.permission === "granted") new Notification(needed, { tag: fresh[0], requireInteraction: true });
}

function listen() {
  const source = new EventSource(stream.dataset.stream);
  const say = (state) => {
    line.textContent = line.dataset[state];
    line.dataset.state = state;
  };
  source.onopen = () => say("live");
  source.onerror = () => say("lost");
  source.addEventListener("queue", (event) => {
    const { html, urgent } = JSON.parse(event.data);
    put("queue", html);
    markMine();
    noticeNew(urgent);
  });
  source.addEventListener("urgent", (event) => {
    const others = JSON.parse(event.data).urgent.filter((one) => one !== stream.dataset.case);
    const link = document.getElementById("elsewhere");
    link.hidden = !others.length;
    link.textContent = link.dataset.text.replace("{n}", others.length);
    noticeNew(others);
  });
  source.addEventListener("exposure", (event) => put("exposure", JSON.parse(event.data).html));
  for (const part of ["head", "talk", "typing", "whispers", "side"]) {
    source.addEventListener(part, (event) => put(part, JSON.parse(event.data).html));
  }
  source.addEventListener("signed_out", () => location.reload());
}

function markMine() {
  const account = document.getElementById("queue")?.dataset.account;
  for (const one of document.querySelectorAll(`[data-holder="${CSS.escape(account ?? "")}"] [data-mine]`)) one.hidden = !account;
}

// Once pressed it stays on from page to page, where the browser lets a page sound that was come to by a press.
const SOUND = "shouban-sound";

function setUpAlarm(button) {
  const show = () => {
    button.textContent = button.dataset.on;
    button.setAttribute("aria-pressed", "true");
  };
  if (localStorage.getItem(SOUND) === "on") {
    const again = new AudioContext();
    const take = () => {
      if (again.state !== "running" || audio) return;
      audio = again;
      show();
    };
    again.addEventListener("statechange", take);
    void again.resume().then(take, () => undefined);
    take();
  }
  button.addEventListener("click", async () => {
    audio ??= new AudioContext();
    await audio.resume();
    if (window.Notification?.permission === "default") await Notification.requestPermission();
    localStorage.setItem(SOUND, "on");
    ring();
    show();
  });
}

function setUpSaying(form) {
  const text = form.elements.text;
  const problem = document.getElementById("say-problem");
  const key = form.elements.key.value;
  let sent = 0;
  let typed = -TYPING_MS;
  document.getElementById("scripts").addEventListener("change", (event) => {
    if (event.target.value) text.value = text.value ? `${text.value}\n${event.target.value}` : event.target.value;
    event.target.value = "";
    text.focus();
  });
  text.addEventListener("input", () => {
    if (!text.value || performance.now() - typed < TYPING_MS) return;
    typed = performance.now();
    void fetch(form.dataset.typing, { method: "POST" }).catch(() => undefined);
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    problem.hidden = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok) throw new Error(String(answer.status));
      text.value = "";
      typed = -TYPING_MS;
      form.elements.key.value = `${key}-${(sent += 1)}`;
    } catch {
      problem.textContent = form.dataset.failed;
      problem.hidden = false;
    }
    button.disabled = false;
    text.focus();
  });
}

// Who looks at the queue keeps the talk they have; a page that is not looked at keeps nothing.
const HERE_MS = 15_000;
setInterval(() => {
  const mine = document.querySelector("#queue [data-mine]:not([hidden])");
  if (mine && document.visibilityState === "visible") void fetch("/care/here", { method: "POST" }).catch(() => undefined);
}, HERE_MS);
setInterval(countDown, 1000);
markMine();
countDown();
if (stream) listen();
const alarm = document.getElementById("alarm");
if (alarm) setUpAlarm(alarm);
const saying = document.getElementById("say");
if (saying) setUpSaying(saying);
const talk = document.getElementById("talk");
const veil = document.getElementById("veil");
if (veil) setUpVeil(veil, talk);
if (talk) talk.scrollTop = talk.scrollHeight;
