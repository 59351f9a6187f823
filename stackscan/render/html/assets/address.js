// The state of the page in its address: "#i2-stacks?q=taskWorker&state=select" is an anchor and what is set there.

const address = {
  /** The anchor, and the settings behind it. */
  read() {
    const [anchor, query] = location.hash.slice(1).split(/\?(.*)/s);
    return { anchor: decoded(anchor), settings: new URLSearchParams(query || "") };
  },

  /** Write an anchor and settings; those that are empty are left out. Nothing scrolls, and no history is made. */
  write(anchor, settings) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(settings || {})) if (value) query.set(name, value);
    const text = query.toString();
    address.set("#" + anchor + (text ? "?" + text : ""));
  },

  /** What is in the address from "#" on, or soon will be. */
  text() {
    return waiting === null ? location.hash : waiting;
  },

  /** Write a text from "#" on. It waits for a moment without changes: browsers refuse many changes in a short time. */
  set(text) {
    waiting = text;
    clearTimeout(timer);
    timer = setTimeout(() => {
      waiting = null;
      history.replaceState(null, "", text || location.pathname + location.search);
    }, 150);
  },

  /** Forget what waits: the reader has gone elsewhere. */
  forget() {
    waiting = null;
    clearTimeout(timer);
  },
};

let waiting = null;
let timer = 0;

/** A text without its percent signs, as it is where they stand for nothing. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
