// The page of a report: its captures, their findings, and where the address leads.

function captures() {
  return [...document.querySelectorAll("article.capture")];
}

/** The parts of a capture that scripts make, once it comes near the screen. */
function prepare(section) {
  if (section.prepared) return section.prepared;
  const capture = captureOf(section);
  const stacks = makeStacks(capture, section.querySelector(".stacks-place"));
  const flame = makeFlame(capture, section.querySelector(".flame-place"), (among, name) => stacks.narrow(among, name && `stacks through ${short(name)}`));
  const facets = makeFacets(capture, section.querySelector(".facets-place"), () => { stacks.narrow(null, ""); flame.renew(); });
  section.prepared = { capture, stacks, flame, facets };
  return section.prepared;
}

function watchSections() {
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); prepare(entry.target); }
  }, { rootMargin: "400px" });
  for (const section of captures()) near.observe(section);
}

/** The section that an anchor is in: anchors begin alike in one capture. */
function sectionOf(anchor) {
  const all = captures().filter((section) => anchor.startsWith(section.dataset.anchor));
  return all.sort((a, b) => b.dataset.anchor.length - a.dataset.anchor.length)[0];
}

/** Go where the address says: to a finding, a part with its settings, a goroutine. */
function follow() {
  const { anchor, settings } = address.read();
  if (!anchor) return;
  const section = sectionOf(anchor);
  const goroutine = /goroutine-(\d+)$/.exec(anchor);
  if (section) prepare(section); // what grows later would push its target away
  if (section && goroutine) return showGoroutine(prepare(section).capture, goroutine[1]);
  if (section && /(filter|stacks|flame)$/.test(anchor)) prepare(section).facets.restore(settings);
  if (section && /stacks$/.test(anchor)) restoreStacks(section, settings);
  if (section && /flame$/.test(anchor)) prepare(section).flame.restore(settings);
  const target = document.getElementById(anchor);
  if (target) reveal(target);
}

function restoreStacks(section, settings) {
  const { stacks } = prepare(section);
  stacks.narrow(null, "");
  stacks.restore(settings);
  if (settings.get("finding")) narrowToFinding(section, Number(settings.get("finding")) - 1);
}

/** Show only the stacks of a finding in the table. */
function narrowToFinding(section, number) {
  const { capture, stacks } = prepare(section);
  const finding = capture.report.findings[number];
  if (!finding) return;
  const part = partOf(capture, number);
  const among = new Set(part.buckets);
  for (const id of part.ids) {
    const one = goroutines(capture).get(id);
    if (one) among.add(one.bucket.index);
  }
  stacks.narrow(among, `stacks of ${finding.rule}`, String(number + 1));
}

Object.assign(ACTIONS, {
  "finding-stacks"(button) {
    const section = button.closest("article.capture");
    const number = Number(button.dataset.finding);
    narrowToFinding(section, number);
    reveal(section.querySelector("section.stacks"));
    address.write(`${section.dataset.anchor}stacks`, { finding: number + 1, ...choiceSettings(prepare(section).capture) });
  },

  goroutine(button) {
    showGoroutine(prepare(button.closest("article.capture")).capture, button.dataset.goroutine);
  },
});

/** The capture that a reader looks at. */
function currentSection() {
  return captures().find((section) => section.getBoundingClientRect().bottom > 80) || captures()[0];
}

function step(by) {
  const cards = [...document.querySelectorAll(".card")];
  const at = cards.indexOf(document.activeElement);
  const card = cards[Math.max(0, Math.min(cards.length - 1, at + by))];
  if (!card) return;
  reveal(card);
  address.write(card.id);
}

KEYS.unshift(
  ["/", "filter the stacks by function", () => focusOn(".stacks input[type=search]")],
  ["f", "go to the flame graph; arrows move, Enter zooms, Escape zooms out", () => focusOn(".flame-graph")],
  ...(document.querySelector(".facets-place") ? [["l", "filter by label", () => focusOn(".facets-place select")]] : []),
  ["j, k", "next and previous finding", (key) => step(key === "j" ? 1 : -1)],
);

function focusOn(what) {
  const section = currentSection();
  if (!section) return;
  prepare(section);
  section.querySelector(what)?.focus();
}

window.addEventListener("hashchange", () => { address.forget(); follow(); });
watchSections();
follow();
