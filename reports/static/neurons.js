/* Neurons: columns of all layers come when the list is opened, strips when a neuron is. */
const PAGE_ROWS = 100;
const ORDERS = { r2: "R²", beyond: "R² beyond re-init.", auroc: "AUROC", max: "largest activation", std: "spread", neuron: "number" };
const layers = new Map();
let neurons = [];
let found = [];
let shownRows = PAGE_ROWS;

async function loadLayer(layer) {
  if (layers.has(layer)) return layers.get(layer);
  const part = await load(`neurons-L${layer}`);
  if (part && !layers.has(layer)) layers.set(layer, part.neuron.map((number, i) => neuronRow(part, number, i)));
  return layers.get(layer);
}

function neuronRow(part, number, i) {
  const words = (key) => part.words[part[key][i]];
  const tokens = (key) => part[key][i].map((at) => part.tokens[at]);
  const row = { part, i, name: `L${part.layer}N${number}`, layer: part.layer, neuron: number, label: words("label"), kind: words("kind"), confidence: words("confidence"), tokens };
  row.text = [row.name, row.label, row.kind, ...tokens("fires"), ...tokens("promotes"), ...tokens("suppresses")].join(" ").toLowerCase();
  row.figure = (key) => key === "beyond" ? (part.r2[i] === null ? null : part.r2[i] - (part.r2_reinitialised[i] ?? 0)) : key === "neuron" ? -number - part.layer * 1e6 : part[key]?.[i] ?? null;
  row.look = (key) => ["kind", "confidence", "label"].includes(key) ? row[key] : key === "role" ? words("role") : key === "layer" || key === "neuron" ? row[key]
    : key === "token" ? [...tokens("fires"), ...tokens("promotes")].join(" ") : Array.isArray(part[key]) && key in part && typeof (part[key].find((v) => v !== null)) === "number" ? part[key][i] : undefined;
  return row;
}

const neuronLayers = PAGE.parts.filter((name) => name.startsWith("neurons-L")).map((name) => Number(name.slice(9)));

async function openNeurons() {
  if (!neuronLayers.length) return;
  const note = $("#neuron-count");
  for (const layer of neuronLayers) {
    if (layers.has(layer)) continue;
    note.textContent = `Opening layer ${layer}…`;
    try { await loadLayer(layer); } catch (error) { note.textContent = error.message; return; }
  }
  if (!neurons.length) {
    neurons = neuronLayers.flatMap((layer) => layers.get(layer));
    const kinds = [...new Set(neurons.map((row) => row.kind))].sort();
    $("#neuron-kind").append(...kinds.map((kind) => el("option", { value: kind }, kind)));
  }
  filterNeurons();
}

function filterNeurons() {
  const terms = parseQuery($("#neuron-filter").value.replaceAll("·", " "));
  const layer = $("#neuron-layer").value, kind = $("#neuron-kind").value, order = $("#neuron-order").value;
  found = neurons.filter((row) => (layer === "" || row.layer === Number(layer)) && (!kind || row.kind === kind) && matches(terms, row.text, row.look));
  const rank = found.map((row) => [row.figure(order) ?? -Infinity, row]);
  rank.sort(([a], [b]) => (b > a) - (b < a));
  found = rank.map(([, row]) => row);
  shownRows = PAGE_ROWS;
  drawNeurons();
}

function drawNeurons() {
  $("#neuron-table tbody").replaceChildren(...found.slice(0, shownRows).map(neuronLine));
  $("#neuron-more").hidden = shownRows >= found.length;
  const all = found.length === neurons.length ? plural(found.length, "neuron") : `${found.length.toLocaleString("en")} of ${plural(neurons.length, "neuron")}`;
  $("#neuron-count").textContent = found.length > shownRows ? `${all}, ${shownRows} shown` : all;
}

const MARKS = { likely: "~", weak: "~~" };
const tokenList = (tokens) => tokens.flatMap((token) => [el("bdi.token", { title: token.length > 18 ? token.slice(0, 200) : null }, token), " "]);

function neuronWords(row) {
  const wording = reviewedWording(row.name, row.label);
  return [MARKS[row.confidence] ? el("span.mark", {}, `${MARKS[row.confidence]} `) : null,
    el(`span.words${wording ? "" : ".none"}`, {}, wording || "unlabelled")];
}

function neuronLine(row) {
  const interval = span(row.figure("r2_low"), row.figure("r2_high"));
  return el("tr", { "data-name": row.name }, el("th", { scope: "row" }, el("a", { href: `#${row.name}` }, row.name)),
    el("td.label", {}, neuronWords(row)), el("td.kind", {}, row.kind),
    el("td.figure", {}, decimal(row.figure("r2")), interval ? el("small", {}, interval) : null),
    el("td.figure", {}, decimal(row.figure("r2_reinitialised"))), el("td.figure", {}, decimal(row.figure("auroc"))),
    el("td.tokens", {}, tokenList(row.tokens("promotes").slice(0, 4))));
}

function startNeurons() {
  if (!$("#neuron-table")) return;
  $("#neuron-layer").append(...neuronLayers.map((layer) => el("option", { value: layer }, String(layer))));
  $("#neuron-order").append(...Object.entries(ORDERS).map(([key, words]) => el("option", { value: key }, words)));
  $("#neuron-filter").addEventListener("input", filterNeurons);
  for (const id of ["layer", "kind", "order"]) $(`#neuron-${id}`).addEventListener("change", filterNeurons);
  $("#neuron-more").addEventListener("click", () => { shownRows += PAGE_ROWS; drawNeurons(); });
}

async function openNeuron(name) {
  const slot = $("#neuron");
  slot.replaceChildren(el("p.empty", {}, `Opening ${name}…`));
  try {
    const row = (await loadLayer(Number(layerOf(name))))?.find((item) => item.name === name);
    if (location.hash !== `#${name}`) return;
    if (!row) { slot.replaceChildren(el("p.empty", {}, `${name} is not in this run.`)); return; }
    drawNeuron(slot, row);
    fill($(".strips", slot), `strips-L${row.layer}-${Math.floor(row.neuron / row.part.chunk)}`, (part) => drawStrips($(".strips", slot), part, row));
  } catch (error) { slot.replaceChildren(el("p.warning", {}, error.message)); }
}

const NEURON_FACTS = [["r2", "held-out R²"], ["r2_reinitialised", "the same, re-initialised"], ["r2_partial", "R² beyond token and position"], ["auroc", "AUROC"],
  ["average_precision", "average precision"], ["base_rate", "base rate"], ["mean", "mean"], ["std", "std"]];

function drawNeuron(slot, row) {
  const automatic = row.part.words[row.part.automatic[row.i]];
  const facts = NEURON_FACTS.filter(([key]) => row.figure(key) !== null).map(([key, words]) => el(`div${key === "r2" ? ".main" : ""}`, {}, el("dt", {}, words),
    el("dd", {}, decimal(row.figure(key), 3).replace(/(\.\d\d)\d$/, key.startsWith("r2") || key === "auroc" ? "$1" : "$&"), " ", key === "r2" ? el("small", {}, span(row.figure("r2_low"), row.figure("r2_high"))) : null)));
  const lists = [["promotes", "Promotes"], ["suppresses", "Suppresses"], ["fires", "Peaks on"]].filter(([key]) => row.tokens(key).length)
    .map(([key, words]) => el("div", {}, el("h3", {}, words), el("p", {}, tokenList(row.tokens(key)))));
  const at = row.neuron, same = layers.get(row.layer);
  const near = [same.find((item) => item.neuron === at - 1), same.find((item) => item.neuron === at + 1)];
  slot.replaceChildren(
    el("nav.pager", { "aria-label": "Other neurons" }, el("a", { href: "#neurons" }, "All neurons"), el("span"),
      near[0] ? el("a", { href: `#${near[0].name}` }, `← ${near[0].name}`) : null, near[1] ? el("a", { href: `#${near[1].name}` }, `${near[1].name} →`) : null),
    el("h2", {}, row.name, " ", el("span.confidence", {}, `${MARKS[row.confidence] || ""} ${row.confidence} · ${row.kind}`)),
    el("p.sentence", {}, neuronWords(row)), automatic ? el("p.automatic", {}, `automatic: ${automatic}`) : "",
    el("dl.figures", {}, facts), el("div.columns", {}, el("div", {}, el("h3", {}, "Distribution"), distribution(row)), ...lists),
    el("div.strips"), el("div.verdict-form", {}, verdictForm(row.name, row.label)));
}

function distribution(row) {
  const [low, q1, median, q3, high, mean] = ["min", "q1", "median", "q3", "max", "mean"].map(row.figure);
  if (low === null || high === null || high <= low) return el("p.empty", {}, "not measured");
  const x = (value) => ((value - low) / (high - low)) * 400;
  const drawn = row.part.histogram?.[row.i];
  const box = svg("svg", { viewBox: "-4 0 408 20", class: "box", role: "img", "aria-label": `quartiles ${decimal(q1)}, ${decimal(median)}, ${decimal(q3)}` },
    svg("path", { d: `M0 10H400M0 5V15M400 5V15M${x(median)} 3V17` }), svg("rect", { x: x(q1), y: 4, width: Math.max(x(q3) - x(q1), 1), height: 12 }));
  const words = `from ${decimal(low)} to ${decimal(high)}; quartiles ${[q1, median, q3].map((v) => decimal(v)).join(", ")}; mean ${decimal(mean)}`;
  const histogram = drawn && svg("svg", { viewBox: "0 0 240 48", class: "histogram", "aria-hidden": "true", preserveAspectRatio: "none" }, svg("path", { class: "bars", d: drawn[0] }));
  return el("figure", {}, histogram, drawn ? el("span.ends", {}, el("span", {}, decimal(drawn[1])), el("span", {}, decimal(drawn[2]))) : null, box, el("figcaption", {}, words));
}

const NEURON_GROUPS = [["top", "Strongest activations"], ["feature without activation", "The label says so, the neuron does not"], ["activation without feature", "The neuron fires, the label does not say so"], ["decile", "Across the deciles"]];

function drawStrips(slot, part, row) {
  const strips = part.neurons[row.name] || [];
  const top = Math.max(1e-9, ...strips.flatMap((strip) => strip.values.map(Math.abs)));
  const groups = NEURON_GROUPS.map(([kind, words]) => [words, strips.filter((strip) => strip.kind.startsWith(kind))]).filter(([, rows]) => rows.length);
  slot.replaceChildren(...groups.map(([words, rows]) => el("section", {}, el("h3", {}, words), rows.map((strip) => el("div.strip-row", {},
    el("div.strip-meta", {}, decimal(strip.value), el("br"), strip.kind.startsWith("decile") ? strip.kind : `${strip.prompt}:${strip.position}`),
    activationStrip(strip.t.map((i) => part.tokens[i]), strip.values, strip.position - strip.start, top))))));
}
