// The conversation on the page. Whatever was said is set as text, never as markup.

import { hasWord, word } from "./words.js";

const list = document.getElementById("messages");
const helpLines = document.querySelector("#help-dialog .help-lines");
const NEAR_THE_END = 120;

// After a help card the list stays on it: what is said next must not push the numbers out of sight.
let isHeld = false;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function followIf(wasNearEnd) {
  if (wasNearEnd && !isHeld) list.scrollTop = list.scrollHeight;
}

function isNearEnd() {
  return list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END;
}

function add(item, always = false) {
  const follow = always || isNearEnd();
  list.append(item);
  followIf(follow);
  return item;
}

function bubble(kind, name, badge, text) {
  const item = element("article", `bubble ${kind}`);
  const head = element("p", "speaker", name);
  if (badge) head.append(" ", element("span", "badge", badge));
  const body = element("p", "as-written", text);
  item.append(head, body);
  return { item, body };
}

export function clear() {
  isHeld = false;
  showStaffTyping("");
  list.replaceChildren();
}

export function showUser(text) {
  isHeld = false;
  return add(bubble("from-user", word("you"), "", text).item, true);
}

export function showStaff(text, name) {
  add(bubble("from-staff", name || word("staff"), word("human_badge"), text).item, true);
}

// A reply that grows while it streams; screen readers hear it once, when it is whole.
export function openReply(name) {
  const made = bubble("from-companion", name, word("ai_badge"), "");
  made.item.setAttribute("aria-busy", "true");
  add(made.item);
  return {
    append(text) {
      const follow = isNearEnd();
      made.body.append(text);
      followIf(follow);
    },
    remove: () => made.item.remove(),
    replaceWith: (item) => made.item.replaceWith(item),
    isShown: () => made.item.isConnected,
    mark: (why) => made.item.append(element("p", "small", why)),
    finish: () => made.item.removeAttribute("aria-busy"),
  };
}

// In the place of a reply that said the same: kind words stand before the numbers that came with them.
export function showSafeReply(text, reply = null) {
  const { item } = bubble("from-service", word("service_reply"), word("ai_badge"), text);
  item.append(element("p", "small", word("service_reply_why")));
  if (!reply?.isShown()) return add(item, true);
  reply.replaceWith(item);
  const card = item.nextElementSibling;
  if (isHeld && card?.classList.contains("notice-help")) hold(card);
  return item;
}

export function showNotice(notice) {
  const title = hasWord(`notice.${notice.kind}`) ? word(`notice.${notice.kind}`) : word("notice.other");
  const item = element("aside", `notice notice-${notice.kind}`);
  item.append(element("p", "speaker", `${word("service")} · ${title}`));
  const text = notice.help?.length ? guidance(notice) : notice.text;
  if (text) item.append(element("p", "as-written", text));
  const lines = linesOf(notice);
  if (lines) item.append(lines);
  add(item, true);
  if (lines) hold(item);
}

function hold(card) {
  isHeld = true;
  const before = card.previousElementSibling;
  const first = before?.matches(".from-service, .from-companion") ? before : card;
  list.scrollTop = first.offsetTop - list.offsetTop;
}

export function showProblem(title, reason) {
  const item = element("aside", "notice notice-problem");
  item.setAttribute("role", "alert");
  item.append(element("p", "speaker", title), element("p", "as-written", reason));
  add(item, true);
}

// A line that only lists the numbers is not read once more above the buttons that dial them.
const LISTS = 2;

function guidance({ text, help }) {
  const kept = [];
  for (const line of text.split("\n")) {
    const listed = help.filter(({ number }) => line.includes(number)).length > LISTS;
    if (!listed) kept.push(line);
    else if (/[:：]$/.test(kept.at(-1) ?? "")) kept.pop();
  }
  return kept.join("\n");
}

// A help notice never stands without numbers: where the service sent none, the page's own are shown.
function linesOf(notice) {
  if (notice.help?.length) {
    const made = element("ul", "help-lines");
    made.append(...notice.help.map(helpLine));
    if (notice.help.some((line) => !line.verified_on)) made.append(element("li", "small", word("help_unverified")));
    return made;
  }
  return notice.kind === "help" ? helpLines.cloneNode(true) : null;
}

function helpLine(line) {
  const item = element("li", "help-line");
  const link = element("a", "call", `${word("help_call")} ${line.number}`);
  link.href = `tel:${String(line.number).replace(/[^0-9+]/g, "")}`;
  const facts = [
    ["help_hours", line.hours],
    ["help_region", hasWord(`region.${line.region}`) ? word(`region.${line.region}`) : line.region],
    ["help_verified", line.verified_on],
  ];
  const said = facts.filter(([, fact]) => fact).map(([key, fact]) => `${word(key)}: ${fact}`);
  item.append(element("span", "help-name", line.name), link, element("span", "small", said.join(" · ")));
  return item;
}

// One of the staff types: seen for some seconds, or until their words are there. It stands beside the field, not in the list, where a help card may be held.
const STAFF_TYPING_MS = 5000;
const staffTyping = document.getElementById("staff-typing");
let staffTimer = null;

export function showStaffTyping(name) {
  clearTimeout(staffTimer);
  staffTyping.textContent = name ? word("staff_writing", { staff: name }) : "";
  if (name) staffTimer = setTimeout(() => (staffTyping.textContent = ""), STAFF_TYPING_MS);
}

const typing = element("p", "typing small", word("writing"));

export function showTyping(isOn) {
  if (isOn) add(typing, true);
  else typing.remove();
}
