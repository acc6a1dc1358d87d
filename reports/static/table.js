/* The head table: sorting, filtering, and the layer × head map. */
const figure = (text) => text === "" ? null : Number(text);
const heads = $$("#head-table tbody tr").map((row) => ({
  row, ...row.dataset, text: row.textContent.toLowerCase(),
  look(key) {
    const own = row.dataset[key];
    return own === undefined || key === "confidence" ? own : figure(own);
  },
}));

function shownHeads() {
  return $$("#head-table tbody tr:not([hidden])").map((row) => row.dataset.name);
}

function filterHeads() {
  const terms = parseQuery($("#filter").value);
  const wanted = $$('[name="confidence"]:checked').map((box) => box.value);
  for (const head of heads) {
    head.row.hidden = !(wanted.includes(head.confidence) && matches(terms, head.text, head.look));
  }
  const shown = shownHeads().length;
  const all = plural(heads.length, "head");
  $("#count").textContent = shown === heads.length ? all : `${shown} of ${all}`;
}

function sortHeads(header) {
  const key = header.dataset.sort;
  const now = header.getAttribute("aria-sort");
  const up = now ? now === "descending" : ["order", "label"].includes(key);
  const value = (head) => key === "label" ? $(".words", head.row).textContent : figure(head[key]);
  const ordered = heads.map((head) => [value(head), head]).sort(([a, one], [b, other]) => {
    const way = typeof a === "string" ? a.localeCompare(b) : a - b;
    const nulls = (a === null) - (b === null);
    return nulls || (up ? way : -way) || one.order - other.order;
  });
  $("#head-table tbody").append(...ordered.map(([, head]) => head.row));
  markSorted(header, up ? "ascending" : "descending");
}

function showMetric({ target }) {
  const metric = PAGE.metrics.find((item) => item.key === target.value);
  const prefix = metric.scale === "two" ? "w" : "v";
  for (const cell of $$("#map a")) {
    const step = metric.steps[cell.dataset.index];
    cell.className = step === null ? "none" : prefix + step;
    cell.textContent = metric.values[cell.dataset.index];
  }
  $$("#map-scale i").forEach((swatch, step) => { swatch.className = prefix + step; });
  $("#map-low").textContent = metric.low;
  $("#map-high").textContent = metric.high;
}

/* A header becomes a button that sorts; which column is sorted, and how, is said by aria-sort. */
function sortable(header, onclick) {
  const button = el("button.sort", { type: "button", onclick });
  button.append(...header.childNodes);
  header.append(button);
}

function markSorted(header, how) {
  $$("th[aria-sort]", header.parentNode).forEach((other) => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", how);
}

function startTable() {
  for (const header of $$("#head-table th[data-sort]")) sortable(header, () => sortHeads(header));
  $("#filter").addEventListener("input", filterHeads);
  $("#overview fieldset").addEventListener("change", filterHeads);
  $("#in-full")?.addEventListener("change", ({ target }) => {
    for (const full of $$(".full")) full.open = target.checked;
  });
  $("#metric")?.addEventListener("change", showMetric);
  filterHeads();
}
