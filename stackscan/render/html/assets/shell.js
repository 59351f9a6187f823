// What every page has: buttons, keys, light and dark, saving the JSON that the page holds.

/** What a button does, by its data-do; scripts of single pages add theirs. */
const ACTIONS = {
  theme() {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  },

  save() {
    const reports = [...document.querySelectorAll("script.report")].map((each) => spelt(each.textContent));
    if (!reports.length) return;
    const whole = { ...reports[0] };
    if ("snapshots" in whole) whole.snapshots = reports.flatMap((each) => each.snapshots);
    if ("bundles" in whole) {
      whole.bundles = reports.flatMap((each) => each.bundles);
      whole.bundle = whole.bundles[0] || null;
    }
    const url = URL.createObjectURL(new Blob([JSON.stringify(whole, null, 1) + "\n"], { type: "application/json" }));
    h("a", { href: url, download: "stackscan.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  },

  keys() {
    showKeys();
  },
};

/** JSON whose numbers will be written as they are spelt there; a browser that cannot do so rounds very large ones. */
function spelt(text) {
  return JSON.parse(text, (_, value, from) =>
    typeof value === "number" && from && JSON.rawJSON ? JSON.rawJSON(from.source) : value);
}

/** What a key does: [key, in words, function]. */
const KEYS = [
  ["t", "light or dark", ACTIONS.theme],
  ["s", "save the JSON report", ACTIONS.save],
  ["?", "these keys", ACTIONS.keys],
];

function showKeys() {
  document.querySelector("dialog.keys")?.remove();
  const dialog = h("dialog", { class: "keys", "aria-labelledby": "keys-title" },
    h("form", { method: "dialog", class: "close" }, h("button", { "aria-label": "Close" }, "Close")),
    h("h2", { id: "keys-title" }, "Keys"),
    h("dl", {}, KEYS.map(([key, words]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)])));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea")) return;
  const found = KEYS.find(([keys]) => keys.split(", ").includes(event.key));
  if (!found) return;
  event.preventDefault();
  found[2](event.key);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) ACTIONS[button.dataset.do]?.(button);
});
document.addEventListener("keydown", pressed);
