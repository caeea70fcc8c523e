// What the server put into the page: the language table, the companions, whether the model is scripted.

const page = JSON.parse(document.getElementById("page").dataset.page);

export const language = page.language;
export const companions = page.companions;

export function word(key, values = {}) {
  const text = page.words[key] ?? page.words["notice.other"];
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export function hasWord(key) {
  return Object.hasOwn(page.words, key);
}

export function companionNamed(id) {
  return companions.find((companion) => companion.id === id) ?? companions[0];
}
