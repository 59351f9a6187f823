// One goroutine: all that the capture says of it, in a dialog that any number opens.

function showGoroutine(capture, id) {
  const one = goroutines(capture).get(String(id));
  if (!one) return announce(`Goroutine ${id} is not in this capture.`);
  goroutineDialog(id, `${capture.anchor}goroutine-${id}`, facts(capture, one), frameList(one.bucket, capture));
}

function facts(capture, one) {
  const bucket = one.bucket;
  const rows = [
    ["State", [stateTag(bucket), one.minutes ? ` for ${minutes(one.minutes, one.minutes)}` : ""]],
    ["Header", (capture.beside.remarks || {})[one.id] || ""],
    ["Created by", creators(capture, one)],
    ["Children", children(capture, one)],
    ["Waits for", waits(capture, one)],
    ["May hold", holds(capture, one)],
    ["Findings", findingsOf(capture, one)],
  ];
  const known = rows.filter(([, value]) => value && value.length);
  return h("dl", {}, known.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** A number that opens its goroutine; plain text where the dump does not hold it. */
function goroutineLink(capture, id, text) {
  const label = text || String(id);
  if (!goroutines(capture).has(String(id))) return h("span", {}, label);
  return h("button", { type: "button", class: "link", click: () => showGoroutine(capture, id) }, label);
}

const MOST_CREATORS = 20;
const MOST_CHILDREN = 60;

/** The goroutine that created it, who created that one, and so on; a circle of reused ids ends it. */
function creators(capture, one) {
  const parts = [];
  if (one.bucket.creator) parts.push(frameLine(one.bucket.creator));
  const seen = new Set([String(one.id)]);
  let at = one;
  while (at && at.creator && !seen.has(String(at.creator)) && seen.size <= MOST_CREATORS) {
    seen.add(String(at.creator));
    parts.push(parts.length ? " in " : "", goroutineLink(capture, at.creator, `goroutine ${at.creator}`));
    at = goroutines(capture).get(String(at.creator));
    if (!at) parts.push(" (gone)");
    else if (at.creator) parts.push(", created");
  }
  return parts;
}

function children(capture, one) {
  const all = one.children || [];
  const links = all.slice(0, MOST_CHILDREN).flatMap((child) => [goroutineLink(capture, child.id), " "]);
  return all.length ? [count(all.length, "goroutine"), ": ", links, all.length > MOST_CHILDREN ? "…" : ""] : [];
}

function waits(capture, one) {
  const found = lockOf(capture, one);
  if (!found) return [];
  const holders = found.candidates.flatMap((each) => each.goroutine_ids).slice(0, 5);
  return [
    lockName(found),
    `, with ${count(found.waiters - 1, "other")}`,
    holders.length ? [", may be held by ", holders.flatMap((id) => [goroutineLink(capture, id), " "])] : "",
  ];
}

function lockOf(capture, one) {
  capture.lockOf ||= new Map(
    (capture.beside.waiters || []).flatMap((ids, lock) => summed(ids).map((id) => [String(id), lock])),
  );
  return capture.report.locks.instances[capture.lockOf.get(String(one.id))];
}

function lockName(lock) {
  return `a ${lock.kind}${lock.owner_type ? ` of a ${short(lock.owner_type)}` : ""}${lock.address ? ` at ${lock.address}` : ""}`;
}

function holds(capture, one) {
  const found = capture.report.locks.instances.filter((lock) =>
    lock.candidates.some((each) => each.goroutine_ids.includes(one.id)),
  );
  return found.flatMap((lock) => [h("div", {}, `${lockName(lock)}: ${count(lock.waiters, "goroutine")} waiting`)]);
}

function findingsOf(capture, one) {
  return capture.report.findings.flatMap((finding, place) => {
    if (!partOf(capture, place).has(one)) return [];
    return [h("a", { href: `#${capture.anchor}finding-${place + 1}`, class: "finding-link", click: leaveDialog },
      finding.cause || finding.rule), " "];
  });
}

/** The goroutines of a finding: those of whole buckets, and single ones. */
function partOf(capture, place) {
  capture.parts ||= [];
  return (capture.parts[place] ||= makePart((capture.beside.parts || [])[place] || { buckets: [], ids: [] }));
}

function makePart(part) {
  const buckets = new Set(part.buckets);
  const ids = new Set(summed(part.ids).map(String));
  return { buckets, ids, has: (one) => buckets.has(one.bucket.index) || ids.has(String(one.id)) };
}
