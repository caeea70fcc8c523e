// One conversation: turns, notices and events, from start to the end.

import * as announcements from "./announcements.js";
import * as api from "./api.js";
import * as dialogs from "./dialogs.js";
import * as frame from "./frame.js";
import * as view from "./view.js";
import { companionNamed, language, word } from "./words.js";

const REMOVES_THE_REPLY = new Set(["replaced", "blocked"]);
// A lock ends none: whatever is closed, words of danger must be heard, and the box is where they are written.
const ENDS_THE_TALK = new Set(["goodbye"]);
// That something was closed to the person, or is open again, comes with these; what holds now, the service knows.
const TELLS_OF_RESTRICTION = new Set(["locked", "reminder"]);

// To elders words come no faster than they are read: so many letters a step.
const DRIP_LETTERS = 2;
const DRIP_MS = 160;
// So often at most it is told that the person types.
const TYPING_MS = 3000;

let companion = "";
let isEnded = true;
let turn = null;
let dripping = null;
let events = null;
let seenNotices = new Set();
let seenStaffMessages = new Set();
let staffName = "";
// Of the turn under way: whether help was shown, and the words shown as notices, whichever way they came first.
let hasHelp = false;
let shownAsNotice = new Set();
let lastReply = null;
let isHumanHere = false;
let typedAt = -Infinity;

// While a person answers, nobody has to wait for their words before saying more.
export const isBusy = () => turn !== null && !isHumanHere;

export function begin(started) {
  companion = started.companion;
  isEnded = false;
  isHumanHere = false;
  seenNotices = new Set();
  seenStaffMessages = new Set();
  view.clear();
  frame.showTalk(companion);
  events?.close();
  events = api.listen(hear);
}

export function showSpeaker(takeover) {
  isHumanHere = takeover === "human";
  frame.showSpeaker(takeover);
  if (isHumanHere && dripping) drop(dripping);
  if (isHumanHere && turn) showWaiting(false);
}

function showWaiting(isOn) {
  frame.showBusy(isOn);
  view.showTyping(isOn);
}

export async function greet(notices) {
  const disclosed = isHumanHere || notices.some((notice) => notice.kind === "disclosure");
  for (const notice of notices) meet(notice);
  if (!disclosed) meet({ kind: "disclosure" });
}

export function recall(history) {
  for (const { id, role, text, staff, notices = [] } of history) {
    const isReplaced = notices.some((notice) => notice.kind === "replaced");
    for (const notice of notices) seenNotices.add(notice.id);
    if (role === "user") view.showUser(text);
    else if (role === "staff") showStaff({ id, text, staff });
    else if (isReplaced) view.showSafeReply(text);
    else if (text) showWhole(text);
    for (const notice of notices.filter(({ kind }) => kind !== "replaced")) view.showNotice(notice);
  }
}

function showWhole(text) {
  const reply = view.openReply(companionNamed(companion).name);
  reply.append(text);
  reply.finish();
}

export async function speak(text) {
  typedAt = -Infinity;
  turn?.stopper.abort();
  hasHelp = false;
  shownAsNotice = new Set();
  lastReply = null;
  view.showUser(text);
  turn = { stopper: new AbortController(), reply: null, waiting: "", timer: null, isOver: false };
  const mine = turn;
  showWaiting(!isHumanHere);
  try {
    await follow(mine, api.say({ text, companion, language }, mine.stopper.signal));
    return true;
  } catch (failure) {
    return tellFailure(mine, failure);
  } finally {
    finish(mine);
  }
}

async function follow(mine, chunks) {
  for (;;) {
    const { value, done } = await chunks.next();
    if (done && !value) mine.reply ? mine.reply.mark(word("cut")) : view.showProblem(word("service"), word("cut"));
    if (done) return;
    take(mine, value);
  }
}

function take(mine, chunk) {
  if (chunk.error) throw new api.ServiceError(chunk.error.message, 502);
  const extra = chunk.shouban ?? {};
  // The state first: it says whether the words that follow are a person's.
  if (extra.state) apply(extra.state);
  const isHuman = extra.state?.takeover === "human" || chunk.model === "human";
  for (const message of extra.staff_messages ?? []) showStaff(message);
  const text = chunk.choices?.[0]?.delta?.content;
  const notices = extra.notices ?? [];
  // Words in place of a reply are shown as the notice that they are, which an event may have brought before.
  const isNotice = notices.some((notice) => REMOVES_THE_REPLY.has(notice.kind));
  hasHelp ||= notices.some((notice) => notice.kind === "help");
  if (text && !isNotice && !isHuman && !shownAsNotice.has(text.trim())) append(mine, text);
  for (const notice of notices) meet(notice, mine);
}

// A staff member's words come both as an event and with a reply: they are shown once.
function showStaff({ id, text, staff }) {
  if (seenStaffMessages.has(id)) return;
  seenStaffMessages.add(id);
  if (staff) staffName = staff;
  view.showStaffTyping("");
  view.showStaff(text, staffName);
}

function append(mine, text) {
  view.showTyping(false);
  mine.reply ??= view.openReply(companionNamed(companion).name);
  lastReply = mine.reply;
  lastReply.words = (lastReply.words ?? "") + text;
  if (document.documentElement.dataset.mode !== "elder") mine.reply.append(text);
  else wait(mine, text);
}

function wait(mine, text) {
  dripping = mine;
  mine.waiting += text;
  mine.timer ??= setInterval(() => drip(mine), DRIP_MS);
}

function drip(mine) {
  mine.reply?.append(mine.waiting.slice(0, DRIP_LETTERS));
  mine.waiting = mine.waiting.slice(DRIP_LETTERS);
  if (mine.waiting) return;
  drop(mine);
  if (mine.isOver) mine.reply?.finish();
}

// What was not shown yet is not shown any more: a notice took its place, a person speaks, or the talk is over.
function drop(mine) {
  clearInterval(mine.timer);
  mine.timer = null;
  mine.waiting = "";
}

function tellFailure(mine, failure) {
  if (failure.name === "AbortError") {
    mine.reply?.mark(word("cut_by_you"));
    return true;
  }
  if (mine.reply) mine.reply.mark(word("cut"));
  view.showProblem(mine.reply ? word("service") : word("not_sent"), failure.message || word("cut"));
  return mine.reply !== null;
}

function finish(mine) {
  mine.isOver = true;
  if (!mine.timer) mine.reply?.finish();
  if (turn !== mine) return;
  turn = null;
  showWaiting(false);
}

// A human who has taken over sees that the person types; nobody else is told.
export function tellTyping() {
  if (!isHumanHere || isEnded || performance.now() - typedAt < TYPING_MS) return;
  typedAt = performance.now();
  void api.call("POST", "/typing", {}).catch(() => undefined);
}

export function stop() {
  turn?.stopper.abort();
}

function meet(notice, mine = null) {
  if (notice.id && seenNotices.has(notice.id)) return;
  if (notice.id) seenNotices.add(notice.id);
  if (mine && REMOVES_THE_REPLY.has(notice.kind)) {
    drop(mine);
    mine.reply?.remove();
    mine.reply = null;
  }
  if (notice.kind === "interrupted") mine?.reply?.mark(word("notice.interrupted"));
  show(withText(notice));
  if (TELLS_OF_RESTRICTION.has(notice.kind)) void showRestriction();
  if (ENDS_THE_TALK.has(notice.kind)) end();
}

async function showRestriction() {
  const state = await api.call("GET", "/state").catch(() => null);
  if (state) frame.showRestriction(state.restriction);
}

function withText(notice) {
  if (notice.text || !["disclosure", "reminder"].includes(notice.kind)) return notice;
  const { name } = companionNamed(companion);
  return { ...notice, text: word(`notice.${notice.kind}.text`, { name }) };
}

function show(notice) {
  if (notice.kind === "replaced") showInstead(notice);
  else showBesides(notice);
  if (notice.kind === "help") dialogs.closeNotice();
  hasHelp ||= notice.kind === "help";
  // No window may lie over numbers that somebody needs now: there it stands in the talk alone.
  if (notice.kind === "disclosure" && hasHelp) void tellSeen(notice);
  else if (notice.kind === "disclosure") void dialogs.tellDisclosure(notice.text).then(() => tellSeen(notice));
  if (notice.kind === "reminder") void remind(notice.text).then(() => tellSeen(notice));
}

function showBesides(notice) {
  if (notice.text) shownAsNotice.add(notice.text.trim());
  if (notice.text && lastReply?.words?.trim() === notice.text.trim()) lastReply.remove();
  view.showNotice(notice);
}

// The same words may come as a reply and as an event: they are shown once, as what they are.
function showInstead(notice) {
  shownAsNotice.add(notice.text.trim());
  view.showSafeReply(notice.text, lastReply?.words?.trim() === notice.text.trim() ? lastReply : null);
}

// That a notice was closed is told to the service; that it cannot be keeps nobody from talking.
async function tellSeen(notice) {
  if (notice.id) await api.call("POST", "/seen", { notice: notice.id }).catch(() => undefined);
}

async function remind(text) {
  const wantsBreak = await dialogs.offerBreak(text);
  if (isEnded) return;
  if (wantsBreak) frame.closeInput(word("paused"), "resume");
  else frame.openInput();
}

function apply(state) {
  if (state.mode) frame.showMode(state.mode);
  if (state.takeover) showSpeaker(state.takeover);
  if (state.use_seconds !== undefined) frame.showUse(state.use_seconds);
  if (state.session === "ended") end();
}

const HEAR = {
  notice: (data) => meet(data, turn),
  mode_changed: (data) => frame.showMode(data.mode),
  session_ended: (data) => {
    if (data.text) meet({ ...data, kind: "goodbye" });
    end();
  },
  taken_over: (data) => {
    staffName = data.staff ?? "";
    showSpeaker("human");
    meet({ ...data, kind: "takeover", text: word("joined", { staff: staffName || word("staff") }) });
  },
  staff_joined: (data) => meet({ ...data, kind: "takeover", text: word("second_joined", { staff: data.staff || word("staff") }) }),
  staff_left: (data) => meet({ ...data, kind: "takeover", text: word("second_left", { staff: data.staff || word("staff") }) }),
  staff_typing: (data) => {
    if (isHumanHere) view.showStaffTyping(data.staff || staffName || word("staff"));
  },
  staff_message: showStaff,
  announcement: announcements.show,
  announcement_ended: announcements.remove,
  staff_lost: (data) => {
    view.showStaffTyping("");
    showSpeaker("requested");
    meet({ ...data, kind: "takeover", text: word("staff_lost", { staff: data.staff || staffName || word("staff") }) });
  },
  handed_back: (data) => {
    view.showStaffTyping("");
    showSpeaker("none");
    meet({ ...data, kind: "takeover", text: data.text || word("handed_back") });
  },
};

function hear(kind, data) {
  HEAR[kind](data);
}

function end() {
  if (isEnded) return;
  isEnded = true;
  if (dripping) drop(dripping);
  events?.close();
  frame.closeInput(word("ended"), "restart");
}

// Leaving is immediate: the page closes first and tells the service after.
export async function leave() {
  turn?.stopper.abort();
  end();
  try {
    const { notices = [] } = await api.call("POST", "/exit", {});
    for (const notice of notices) meet(notice);
  } catch (failure) {
    view.showProblem(word("exit_unconfirmed"), failure.message);
  }
}

export function forget() {
  turn?.stopper.abort();
  events?.close();
  isEnded = true;
  view.clear();
}
