// Frames and stacks as a reader sees them.

/** One frame: its function, and its place with a link to the exact line. */
function frameLine(frame) {
  return h("span", { class: "frame" },
    h("code", { class: "function", title: shown(frame.name) }, short(frame.name)), " ",
    h("span", { class: "location" }, locationOf(frame)));
}

function locationOf(frame) {
  const text = place(frame.file, frame.line);
  if (!text) return "";
  const title = shown(`${frame.file}:${frame.line}`);
  return [
    frame.url ? h("a", { href: frame.url, rel: "noreferrer noopener", target: "_blank", title }, text)
              : h("span", { title }, text),
    frame.editor ? [" ", h("a", { class: "editor", href: frame.editor }, "edit")] : "",
  ];
}

/** The whole stack, innermost first, the deciding frame marked. */
function frameList(bucket) {
  const lines = bucket.frames.map((frame, at) =>
    h("li", { class: at === bucket.deciding ? "deciding" : frame.module === "std" ? "std" : "" }, frameLine(frame)));
  if (bucket.elided) lines.push(h("li", { class: "std" }, `… ${count(bucket.elided, "frame")} left out by the runtime`));
  if (bucket.creator) lines.push(h("li", { class: "creator" }, "created by ", frameLine(bucket.creator)));
  return h("ol", { class: "frames", "aria-label": "Stack, innermost first" }, lines);
}

/** The deciding frame of a stack, or null. */
function decidingFrame(bucket) {
  return bucket.frames[bucket.deciding ?? 0] || null;
}
