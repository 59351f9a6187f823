// The page of a fleet: one search over all lists, and all hosts on request.

const beside = JSON.parse(document.querySelector("script.beside").textContent);
const rowsOf = (list) => [...(list.matches("table") ? list.tBodies[0].rows : list.children)];

/** What the page can be searched by: [element, its text in lower case], and how the list that it is in is called. */
const lists = [...document.querySelectorAll(".searched")].map((list) => ({
  list,
  rows: rowsOf(list).map((row, n) => {
    const hidden = list.matches(".findings") ? beside.hosts[n] : "";
    return { row, text: `${row.textContent} ${hidden}`.toLowerCase() };
  }),
}));

const search = textFilter("Host, service, function, version…", "Search all lists");
const found = h("span", { class: "summary-line" });
const hosts = document.querySelector("table.hosts");
const all = hosts && hosts.querySelector(".later")
  ? h("button", { type: "button", click: () => { hosts.classList.add("whole"); all.hidden = true; } }, `Show all ${count(rowsOf(hosts).length, "host")}`)
  : null;

/** Show what has all words of the search. */
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shownRows = 0;
  let total = 0;
  for (const { list, rows } of lists) {
    let here = 0;
    for (const { row, text } of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      here += row.hidden ? 0 : 1;
    }
    list.classList.toggle("searching", words.length > 0);
    list.closest("section").classList.toggle("empty", words.length > 0 && here === 0);
    shownRows += here;
    total += rows.length;
  }
  if (all) all.hidden = words.length > 0 || hosts.classList.contains("whole");
  found.textContent = words.length ? `${thousands(shownRows)} of ${thousands(total)} entries` : "";
}

/** Go where the address says. */
function follow() {
  const { anchor, settings } = address.read();
  search.value = settings.get("q") || "";
  filter();
  const target = anchor && anchor !== "search" && document.getElementById(anchor);
  if (target) reveal(target);
}

search.addEventListener("input", () => {
  filter();
  address.write("search", { q: search.value });
});
document.querySelector(".search-place").append(h("div", { class: "controls" }, search, found));
if (all) document.querySelector(".more-place").append(all);
KEYS.unshift(["/", "search all lists", () => search.focus()]);
window.addEventListener("hashchange", () => { address.forget(); follow(); });
follow();
