// The state of the page in its address: "#i2-stacks?q=taskWorker&state=select" is an anchor and what is set there.

const address = {
  /** The anchor, and the settings behind it. */
  read() {
    const [anchor, query] = decodeURIComponent(location.hash.slice(1)).split(/\?(.*)/s);
    return { anchor, settings: new URLSearchParams(query || "") };
  },

  /** Write an anchor and settings; those that are empty are left out. Nothing scrolls, and no history is made. */
  write(anchor, settings) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(settings || {})) if (value) query.set(name, value);
    const text = query.toString();
    history.replaceState(null, "", "#" + anchor + (text ? "?" + text : ""));
  },
};
