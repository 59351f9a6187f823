// Elements from data. Every text becomes a text node: nothing that a dump says is ever parsed as HTML.

/** An element with attributes (functions are listeners, null and false are left out) and children (texts, elements). */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : shown(String(child)));
  }
}

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const LONGEST = 400;

/** A text as a reader may see it: what is unprintable as an escape, the middle of what is very long left out. */
function shown(text) {
  const plain = text.replace(HIDDEN, (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0"));
  if (plain.length <= LONGEST) return plain;
  const tail = Math.floor((LONGEST * 2) / 3);
  return plain.slice(0, LONGEST - tail - 1) + "…" + plain.slice(-tail);
}

/** 14890 → "14,890". */
function thousands(number) {
  return number.toLocaleString("en-US");
}

/** "1 goroutine", "14,890 goroutines". */
function count(number, noun) {
  return `${thousands(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** "3 min", "0 to 12 min", "" for less than a minute. */
function minutes(least, most) {
  if (!most) return "";
  return least === most ? `${thousands(most)} min` : `${thousands(least)} to ${thousands(most)} min`;
}

/** The path of a module before a function's package is longer than what tells it apart. */
function short(symbol) {
  return symbol.replace(/^(?:[a-z0-9-]+\.)+[a-z]+\/(?:[^/]+\/)?(?=[^/]+\/|[^/.]+\.)/, "");
}

/** "/go/pkg/mod/x/server.go", 12 → "server.go:12". */
function place(file, line) {
  return file ? `${file.slice(file.replaceAll("\\", "/").lastIndexOf("/") + 1)}:${line}` : "";
}

/** What a reader should look at, moved into view. */
function reveal(element) {
  for (let at = element; at; at = at.parentElement) if (at instanceof HTMLDetailsElement) at.open = true;
  element.scrollIntoView({ block: "start", behavior: "instant" });
  if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
  element.focus({ preventScroll: true });
}

/** Says something to readers who do not see the page. */
function announce(text) {
  let place = document.getElementById("announced");
  if (!place) {
    place = h("p", { id: "announced", class: "unseen", "aria-live": "polite" });
    document.body.append(place);
  }
  place.textContent = text;
}
