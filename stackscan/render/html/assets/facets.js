// Narrows a capture to the goroutines with one value: of a label, or of what the report counts by.

/** The buckets to show: all, or of each the part that has the chosen value. */
function shownBuckets(capture) {
  return capture.choice ? capture.choice.buckets : capture.buckets;
}

/** The choice as settings of an address. */
function choiceSettings(capture) {
  return capture.choice ? { by: capture.choice.by, value: capture.choice.value } : {};
}

/** Selects for a key and its value, and what has that value; `changed` is called when the reader chooses. */
function makeFacets(capture, place, changed) {
  const all = capture.beside.facets || [];
  if (!place || !all.length) return { restore() {} };
  const key = h("select", { "aria-label": "Filter by", change: () => { list(); take(null); } },
    all.map((facet, n) => h("option", { value: n }, facet.name)));
  const value = h("select", { "aria-label": "Value", change: () => take(value.value === "" ? null : Number(value.value)) });
  const clear = h("button", { type: "button", click: () => { value.value = ""; take(null); value.focus(); } }, "Show all");
  const says = h("p", { class: "summary-line" });
  place.append(h("div", { class: "controls" }, key, value, clear), says);

  function facetNow() {
    return all[Number(key.value)];
  }

  /** The values of the key: the place of each is its option's value. */
  function list() {
    const { values, others } = facetNow();
    value.replaceChildren(
      h("option", { value: "" }, "Any value"),
      ...values.map(([, text, goroutines], n) => h("option", { value: n }, `${text} (${thousands(goroutines)})`)),
      ...others.map(([text, goroutines]) => h("option", { disabled: true }, `${text} (${thousands(goroutines)}) are not listed`)));
  }

  function take(number) {
    choose(number);
    address.write(`${capture.anchor}filter`, choiceSettings(capture));
    announce(says.textContent);
    changed();
  }

  function choose(number) {
    capture.choice = number === null ? null : choiceOf(capture, facetNow(), number);
    clear.hidden = number === null;
    says.textContent = "";
    append(says, [number === null ? `All ${count(capture.report.goroutines, "goroutine")}` : inWords(capture, facetNow().values[number])]);
  }

  /** Choose what an address says; nothing where the capture has no such value. */
  function restore(settings) {
    const facet = Math.max(0, all.findIndex((each) => each.key === settings.get("by")));
    const number = all[facet].values.findIndex((each) => settings.get("by") && spelled(each) === settings.get("value"));
    key.value = String(facet);
    list();
    value.value = number < 0 ? "" : String(number);
    choose(number < 0 ? null : number);
    changed();
  }

  list();
  choose(null);
  return { restore };
}

/** A value as an address has it: what reads like no value, or is none, as it is shown; what is very long, shortened. */
function spelled([value, text]) {
  return value === null || value === "" || value === "(none)" ? text : shown(value);
}

function choiceOf(capture, facet, number) {
  const value = facet.values[number];
  return {
    by: facet.key,
    value: spelled(value),
    name: `${facet.name}: ${value[1]}`,
    buckets: capture.buckets.map((bucket) => withValue(capture, bucket, facet.places[bucket.index], number)).filter(Boolean),
  };
}

/** The goroutines of a bucket that have a value, as a bucket; null where none has it. */
function withValue(capture, bucket, places, number) {
  if (!Array.isArray(places)) return places === number ? bucket : null;
  const [, , , texts, counts] = capture.beside.groups[bucket.index];
  const textOf = column(texts, places.length);
  const labels = bucket.labels.map(([text]) => [text, 0]);
  const has = new Set();
  let total = 0;
  places.forEach((place, at) => {
    if (place !== number) return;
    const stands = counts[at] ?? 1;
    has.add(at);
    total += stands;
    if (textOf[at] !== null) labels[textOf[at]][1] += stands;
  });
  if (!total) return null;
  const waited = goroutinesOf(capture, bucket).filter((_, at) => has.has(at)).map((one) => one.minutes || 0);
  const [least, most] = waited.length ? [waited.reduce((a, b) => Math.min(a, b)), waited.reduce((a, b) => Math.max(a, b))] : [bucket.least, bucket.most];
  return { ...bucket, has, count: total, least, most, labels: labels.filter(([, n]) => n) };
}

function inWords(capture, [, , goroutines, says]) {
  const stacks = capture.choice.buckets.length;
  return [`${thousands(goroutines)} of ${count(capture.report.goroutines, "goroutine")} in ${count(stacks, "stack")}`, ...says].join(" · ");
}
