// Counts over time: a line for each place, labelled at its end; and small curves in tables.

const SVG = "http://www.w3.org/2000/svg";
const CHART = { top: 18, bottom: 30, left: 52, right: 34, height: 300, wide: 640, labels: 300, gap: 17 };

/** An element of a picture, with attributes and children (texts become text nodes). */
function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, String(value));
  append(element, children);
  return element;
}

/**
 * Draw lines, and draw them again when the width of the place changes. `of` has: title; words, the picture in words;
 * lines, {name, counts, mark: "alarm", "warn" or "", words}; at, where each capture is on the axis of time; ticks, a text for each capture.
 */
function makeChart(place, of) {
  let width = 0;
  new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    place.replaceChildren(drawn(of, width));
    if (width < CHART.wide) place.append(samples(of.lines));
  }).observe(place);
}

function drawn(of, width) {
  const wide = width >= CHART.wide;
  const right = wide ? Math.min(CHART.labels, width / 3) : CHART.right;
  const most = niceMost(Math.max(...of.lines.flatMap((line) => line.counts), 1));
  const end = of.at[of.at.length - 1] || 1;
  const x = (at) => CHART.left + (at / end) * (width - CHART.left - right);
  const y = (count) => CHART.height - CHART.bottom - (count / most) * (CHART.height - CHART.top - CHART.bottom);
  const lines = of.lines.map((line) => ({ ...line, points: line.counts.map((count, n) => [x(of.at[n]), y(count)]) }));
  const styled = lines.map((line, n) => lineOf(line, n));
  return svg("svg", { class: "chart", role: "img", width, height: CHART.height, viewBox: `0 0 ${width} ${CHART.height}`,
    "aria-labelledby": "chart-title chart-words" },
    svg("title", { id: "chart-title" }, of.title), svg("desc", { id: "chart-words" }, of.words),
    countAxis(most, y, width - right), timeAxis(of, x),
    styled.filter((_, n) => !lines[n].mark), styled.filter((_, n) => lines[n].mark),  // these above all others
    wide ? labels(lines, width) : "");
}

/** The smallest of 1, 2, 4, 6, 8, 10 × 10ⁿ that is no less, so that the axis has round numbers. */
function niceMost(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 6, 8, 10].map((n) => n * power).find((nice) => nice >= most);
}

function countAxis(most, y, right) {
  const steps = most >= 4 ? [0, 0.25, 0.5, 0.75, 1] : [0, 1];
  const counts = steps.map((part) => part * most).filter(Number.isInteger);
  return counts.map((count) => [
    svg("line", { class: "grid", x1: CHART.left, x2: right, y1: y(count), y2: y(count) }),
    svg("text", { class: "tick", x: CHART.left - 8, y: y(count) + 4, "text-anchor": "end" }, thousands(count))]);
}

/** The captures on the axis of time; a text only where there is room for it. */
function timeAxis(of, x) {
  const bottom = CHART.height - CHART.bottom;
  let free = -Infinity;
  return of.at.map((at, n) => {
    const half = of.ticks[n].length * 3.8;
    const fits = x(at) - half > free;
    if (fits) free = x(at) + half + 6;
    return [svg("line", { class: "axis", x1: x(at), x2: x(at), y1: bottom, y2: bottom + 5 }),
      fits ? svg("text", { class: "tick", x: x(at), y: bottom + 20, "text-anchor": "middle" }, of.ticks[n]) : ""];
  });
}

function lineOf(line, n) {
  return svg("g", { class: lineClass(line, n) },
    svg("polyline", { points: line.points.map((point) => point.map((each) => each.toFixed(1)).join(",")).join(" ") }),
    line.points.map(([cx, cy]) => svg("circle", { cx, cy, r: 3.5 })),
    svg("title", {}, line.words));
}

function lineClass(line, n) {
  return line.mark ? `line ${line.mark}` : `line dash-${n % 4}`;
}

/** Where there is no room beside the lines, what each is called below them. */
function samples(lines) {
  return h("ul", { class: "samples" }, lines.map((line, n) => h("li", {},
    svg("svg", { class: "chart", width: 36, height: 12, viewBox: "0 0 36 12", "aria-hidden": "true" },
      svg("g", { class: lineClass(line, n) }, svg("polyline", { points: "0,6 36,6" }))), " ", line.words)));
}

/** The names of the lines at their ends, none on another: pushed down, then up where the picture ends. */
function labels(lines, width) {
  const placed = lines.map((line) => ({ line, end: line.points[line.points.length - 1] }))
    .map((one) => ({ ...one, y: one.end[1] + 4 })).sort((a, b) => a.y - b.y);
  for (let n = 1; n < placed.length; n += 1) placed[n].y = Math.max(placed[n].y, placed[n - 1].y + CHART.gap);
  let most = CHART.height - CHART.bottom + 4;
  for (const one of placed.slice().reverse()) {
    one.y = Math.min(one.y, most);
    most = one.y - CHART.gap;
  }
  return placed.map(({ line, end, y }) => svg("text", { class: `label ${line.mark}`, x: end[0] + 10, y },
    fitted(line.name, Math.floor((width - end[0] - 14) / 7.4)), svg("title", {}, line.words)));
}

/** A name in so many characters: its end says more than its beginning. */
function fitted(text, room) {
  return text.length <= room ? text : `…${text.slice(-(room - 1))}`;
}

/** Numbers as a small curve from nothing to their largest; null leaves a gap. */
function curve(counts) {
  const wide = 84;
  const high = 22;
  const most = Math.max(...counts.map((count) => count || 0), 1);
  const x = (n) => 3 + (n / Math.max(counts.length - 1, 1)) * (wide - 6);
  const y = (count) => high - 3 - (count / most) * (high - 6);
  const known = counts.map((count, n) => [n, count]).filter(([, count]) => count !== null);
  return svg("svg", { class: "curve", width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" },
    svg("polyline", { points: known.map(([n, count]) => `${x(n).toFixed(1)},${y(count).toFixed(1)}`).join(" ") }),
    known.slice(-1).map(([n, count]) => svg("circle", { cx: x(n), cy: y(count), r: 2.5 })));
}
