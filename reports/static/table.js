/* The head table: sorting, filtering, and the layer × head map. */
const heads = $$("#head-table tbody tr").map((row) => ({
  row, name: row.dataset.name, text: row.textContent.toLowerCase(), confidence: row.dataset.confidence,
  look: (key) => ({ r2: figure(row.dataset.r2), recovered: figure(row.dataset.recovered), share: figure(row.dataset.share), layer: Number(row.dataset.layer), confidence: row.dataset.confidence })[key],
}));

function figure(text) { return text === "" ? null : Number(text); }

function shownHeads() {
  return heads.filter((head) => !head.row.hidden).sort((a, b) => a.row.rowIndex - b.row.rowIndex).map((head) => head.name);
}

function filterHeads() {
  const terms = parseQuery($("#filter").value);
  const wanted = new Set($$('input[name="confidence"]:checked').map((box) => box.value));
  let shown = 0;
  for (const head of heads) {
    const keep = wanted.has(head.confidence) && matches(terms, head.text, head.look);
    head.row.hidden = !keep;
    shown += keep;
  }
  $("#count").textContent = shown === heads.length ? plural(shown, "head") : `${shown} of ${plural(heads.length, "head")}`;
}

function sortHeads(header) {
  const key = header.dataset.sort;
  const first = key === "order" || key === "label" ? "ascending" : "descending";
  const now = header.getAttribute("aria-sort");
  const way = now ? (now === "ascending" ? "descending" : "ascending") : first;
  const sign = way === "ascending" ? 1 : -1;
  const value = (head) => key === "label" ? $(".words", head.row).textContent : figure(head.row.dataset[key]);
  const order = heads.map((head) => [value(head), Number(head.row.dataset.order), head.row]);
  order.sort(([a, i], [b, j]) => {
    if (a === null || b === null) return (a === null) - (b === null) || i - j;
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b) || i - j;
  });
  $("#head-table tbody").append(...order.map(([, , row]) => row));
  $$("#head-table th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", way);
}

function showMetric(key) {
  const metric = PAGE.metrics.find((item) => item.key === key);
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

function startTable() {
  for (const header of $$("#head-table th[data-sort]")) {
    const words = header.textContent;
    header.replaceChildren(el("button.sort", { type: "button", onclick: () => sortHeads(header) }, words));
  }
  $("#filter").addEventListener("input", filterHeads);
  $$('input[name="confidence"]').forEach((box) => box.addEventListener("change", filterHeads));
  $("#metric")?.addEventListener("change", (event) => showMetric(event.target.value));
  filterHeads();
}
