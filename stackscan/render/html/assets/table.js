// A table of many rows: sorted by its headers, filtered by its controls, shown a hundred rows at a time.

const ROWS = 100;

/**
 * Make a table in a place. `of` has: label; columns ([key, title, value of an item, largest first?], ...); all items;
 * inputs (of filterInputs); above (an element between them and the table); matches(item, settings); rows(item), its
 * table rows; summary(found items), a text; changed(settings), called when the reader sorts or filters.
 */
function makeTable(place, of) {
  const settings = { ...of.inputs.read(), sort: "", down: "" };  // in the order in which an address has them
  const head = h("tr", {});
  const body = h("tbody", {});
  const summary = h("p", { class: "summary-line" });
  const more = h("button", { type: "button", click: () => { limit += ROWS * 2; draw(); } }, "Show more");
  let limit = ROWS;
  place.append(
    h("div", { class: "controls" }, Object.values(of.inputs.elements)), of.above || "", summary,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": of.label },
      h("table", { class: "stack-table" }, h("thead", {}, head), body)), more);
  head.append(...of.columns.map(([key, title]) =>
    h("th", { scope: "col", class: key, "data-key": key }, h("button", { type: "button", click: () => sortBy(key) }, title))));
  of.inputs.listen(changed);

  function sortBy(key) {
    const [now, down] = order();
    settings.sort = key;
    settings.down = (now === key ? !down : of.columns.find(([name]) => name === key)[3]) ? "yes" : "no";
    changed();
  }

  function order() {
    return [settings.sort || of.columns[0][0], (settings.down || "yes") === "yes"];
  }

  function changed() {
    Object.assign(settings, of.inputs.read());
    fill();
    of.changed(settings);
  }

  /** Begin at the first row. */
  function fill() {
    limit = ROWS;
    draw();
  }

  function draw() {
    const found = of.all.filter((item) => of.matches(item, settings));
    const [key, down] = order();
    const value = of.columns.find(([name]) => name === key)[2];
    const place = new Map(of.all.map((item, at) => [item, at]));
    found.sort((a, b) => compare(value(a), value(b)) * (down ? -1 : 1) || place.get(a) - place.get(b));
    for (const cell of head.children)
      cell.setAttribute("aria-sort", cell.dataset.key === key ? (down ? "descending" : "ascending") : "none");
    body.replaceChildren(...found.slice(0, limit).flatMap(of.rows));
    more.hidden = found.length <= limit;
    summary.textContent = of.summary(found);
  }

  /** Sort and filter as an address says. */
  function restore(found) {
    for (const name of ["sort", "down", ...Object.keys(of.inputs.elements)]) settings[name] = found.get(name) || "";
    if (!of.columns.some(([key]) => key === settings.sort)) settings.sort = "";
    of.inputs.write(settings);
    fill();
  }

  fill();
  return { fill, restore, changed };
}

function compare(a, b) {
  return typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;
}

/** The inputs of a table's filters by name; those that are false are left out. */
function filterInputs(all) {
  const elements = Object.fromEntries(Object.entries(all).filter(([, element]) => element));
  return {
    elements,
    listen: (changed) => { for (const element of Object.values(elements)) element.addEventListener(element.matches("select") ? "change" : "input", changed); },
    read: () => Object.fromEntries(Object.entries(elements).map(([name, element]) => [name, element.value])),
    write: (values) => { for (const [name, element] of Object.entries(elements)) element.value = values[name] || ""; },
  };
}

function textFilter(placeholder, label) {
  return h("input", { type: "search", placeholder, "aria-label": label, size: Math.max(placeholder.length, 18) });
}

function choice(all, label, values, names) {
  return h("select", { "aria-label": label }, h("option", { value: "" }, all),
    values.map((value) => h("option", { value }, (names || {})[value] || value)));
}

function distinct(values) {
  return [...new Set(values)].sort();
}

/** Whether a stack holds a function, or was created by one, whose name has this in it (in lower case). */
function hasFunction(stack, q) {
  return stack.frames.some((frame) => frame.name.toLowerCase().includes(q)) || Boolean(stack.creator?.name.toLowerCase().includes(q));
}

/** A button and a row below it that it opens; `content` gives what is in the row when it is first opened. */
function opener(label, text, columns, content) {
  const opened = h("tr", { class: "opened", hidden: true });
  const open = h("button", { type: "button", class: "open", "aria-expanded": "false", "aria-label": label, click: toggle }, text);
  function toggle() {
    const now = open.getAttribute("aria-expanded") !== "true";
    open.setAttribute("aria-expanded", String(now));
    opened.hidden = !now;
    if (now && !opened.firstChild) opened.append(h("td", { colspan: String(columns) }, content()));
  }
  return [open, opened];
}
