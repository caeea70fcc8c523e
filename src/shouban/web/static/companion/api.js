// The same-origin JSON API of the app. The service key stays on the server; the browser holds a session cookie.

import { word } from "./words.js";

const ROOT = "/app/api";

export class ServiceError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function request(method, path, body, signal) {
  const options = { method, signal, credentials: "same-origin", headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(ROOT + path, options);
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new ServiceError(word("offline"), 0);
  }
  if (!response.ok) throw new ServiceError(await reasonOf(response), response.status);
  return response;
}

async function reasonOf(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).error.message;
  } catch {
    // Not our error shape: a proxy between us answered, and its page means nothing to the reader.
    return `${word("offline")} (${response.status})`;
  }
}

export async function call(method, path, body) {
  const response = await request(method, path, body);
  return response.json();
}

// One turn: yields each chunk as it arrives; ends at [DONE] with `true`, at a cut stream with `false`.
export async function* say(body, signal) {
  const response = await request("POST", "/say", body, signal);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return false;
    rest += decoder.decode(value, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const data = line.startsWith("data:") ? line.slice(5).trim() : "";
      if (data === "[DONE]") return true;
      if (data) yield JSON.parse(data);
    }
  }
}

const EVENTS = ["announcement", "announcement_ended", "notice", "mode_changed", "session_ended", "taken_over", "staff_joined", "staff_left", "staff_typing", "staff_lost", "staff_message", "handed_back"];

export function listen(hear) {
  const source = new EventSource(`${ROOT}/events`);
  for (const kind of EVENTS) {
    source.addEventListener(kind, (event) => hear(kind, JSON.parse(event.data)));
  }
  return source;
}
