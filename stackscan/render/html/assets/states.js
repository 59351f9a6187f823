// What goroutines do: groups of states, their colours and words.

const STATES = [
  // What a state means decides its colour; the first that matches wins.
  ["lock", /^(sync\.|semacquire)/],
  ["channel", /^(chan |select|nil )/],
  ["io", /^(IO wait|syscall|netpoll)/],
  ["running", /^(running|runnable|copystack|preempted)/],
  ["timer", /^(sleep|timer)/],
  ["runtime", /^(GC|force gc|finalizer|trace|debug|idle|dead|waiting for|wait for)/],
];

/** The group of a state: "lock", "channel", "io", "running", "timer", "runtime", "other". */
function stateGroup(state) {
  const found = STATES.find(([, pattern]) => pattern.test(state || ""));
  return found ? found[0] : "other";
}

/** A state with the colour of its group; of anything that has a state. */
function stateTag(bucket) {
  return h("span", { class: `state-tag ${bucket.group}` }, bucket.state);
}

function legend() {
  const groups = ["running", "lock", "channel", "io", "timer", "runtime", "other"];
  return h("p", { class: "legend" }, groups.map((name) => h("span", { class: `key ${name}` }, LEGEND[name])));
}

const LEGEND = { running: "runs or may run", lock: "waits for a lock", channel: "waits on a channel", io: "network, files, system calls",
  timer: "sleeps", runtime: "runtime", other: "state unknown or other" };
