// A capture as data: the JSON report of its input, and what the page holds beside it.

/** Everything known about the capture that a section shows; read once. */
function captureOf(section) {
  if (section.capture) return section.capture;
  const input = section.closest(".input");
  input.report ||= JSON.parse(input.querySelector("script.report").textContent);
  const report = input.report.snapshots[Number(section.dataset.number)];
  const beside = JSON.parse(section.querySelector("script.beside").textContent);
  const frames = framesOf(beside);
  const buckets = report.buckets.map((bucket, index) => bucketOf(bucket, index, beside, frames));
  section.capture = { section, report, beside, buckets, anchor: section.dataset.anchor };
  return section.capture;
}

function bucketOf(bucket, index, beside, frames) {
  const [stack, creator] = beside.stacks[index];
  const own = stack.map((number) => frames[number]);
  return {
    index,
    count: bucket.count,
    state: bucket.state,
    group: stateGroup(bucket.state),
    least: bucket.min_wait_minutes,
    most: bucket.max_wait_minutes,
    idle: bucket.set_aside,
    rules: bucket.rules,
    elided: bucket.elided_frames,
    deciding: bucket.deciding_frame,
    frames: own,
    creator: creator === null ? null : frames[creator],
    modules: new Set(own.map((frame) => frame.module)),
    labels: (beside.labels || [])[index] || [],
  };
}

/** The goroutines of a bucket, or of the part of it that is shown: {id, minutes, creator}. */
function goroutinesOf(capture, bucket) {
  const group = (capture.beside.groups || [])[bucket.index];
  if (!group) return [];
  const ids = summed(group[0]);
  const waited = column(group[1], ids.length);
  const creators = column(Array.isArray(group[2]) ? summed(group[2]) : group[2], ids.length);
  const all = ids.map((id, at) => ({ id, minutes: waited[at], creator: creators[at] || null, bucket }));
  return bucket.has ? all.filter((_, at) => bucket.has.has(at)) : all;
}

/** All goroutines of a capture by id, each with its children's ids. */
function goroutines(capture) {
  if (capture.byId) return capture.byId;
  const byId = new Map();
  for (const bucket of capture.buckets)
    for (const one of goroutinesOf(capture, bucket)) if (one.id !== null) byId.set(String(one.id), one);
  for (const one of byId.values()) {
    const creator = one.creator && byId.get(String(one.creator));
    if (creator) (creator.children ||= []).push(one);
  }
  return (capture.byId = byId);
}
