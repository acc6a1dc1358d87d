/* Neurons: columns of all layers come when the list is opened, strips when a neuron is. */
const STEP = 50;
const MARKS = { likely: "~", weak: "~~" };
const layers = new Map();
const neuronLayers = PAGE.parts.filter((name) => name.startsWith("neurons-")).map((name) => Number(name.slice(9)));
let neurons = [];
let sorted = [];
let found = [];
let limit = STEP;

async function loadLayer(layer) {
  const part = await load(`neurons-L${layer}`);
  if (part && !layers.has(layer)) layers.set(layer, part.neuron.map((_, i) => neuronRow(part, i)));
  return layers.get(layer) || [];
}

function neuronRow(part, i) {
  const number = part.neuron[i];
  const tokens = (key) => part[key][i].map((at) => part.tokens[at]);
  const row = { part, i, tokens, layer: part.layer, neuron: number, name: `L${part.layer}N${number}` };
  for (const key of ["label", "gist", "automatic", "review", "kind", "confidence", "role"]) row[key] = part.words[part[key][i]];
  row.figure = (key) => {
    if (key === "beyond") return part.r2[i] === null ? null : part.r2[i] - part.r2_reinitialised[i];
    return part.figures.includes(key) ? part[key][i] : undefined;
  };
  row.look = (key) => {
    if (key === "token") return tokens("fires").join(" ");
    return FIELDS.includes(key) ? row[key] : row.figure(key);
  };
  row.text = [row.name, row.label, row.kind, ...["fires", "promotes", "suppresses"].flatMap(tokens)].join(" ").toLowerCase();
  return row;
}

const FIELDS = ["label", "kind", "confidence", "role", "layer", "neuron"];

async function openNeurons() {
  try {
    neurons = (await Promise.all(neuronLayers.map(loadLayer))).flat();
  } catch (error) {
    $("#neuron-count").textContent = error.message;
  }
  if (neurons.length) sortNeurons();
}

function sortNeurons() {
  const order = $("#neuron-order").value;
  const ranked = neurons.map((row, at) => [order === "neuron" ? -at : row.figure(order) ?? -Infinity, row]);
  sorted = ranked.sort(([a], [b]) => (b > a) - (b < a)).map(([, row]) => row);
  const header = $(`#neuron-table [data-sort="${order}"]`);
  if (header) markSorted(header, order === "neuron" ? "ascending" : "descending");
  else $$("#neuron-table [aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  filterNeurons();
}

function filterNeurons() {
  const terms = parseQuery($("#neuron-filter").value);
  const layer = $("#neuron-layer").value;
  const kind = $("#neuron-kind").value;
  found = sorted.filter((row) => (!layer || row.layer === +layer) && (!kind || row.kind === kind)
    && matches(terms, row.text, row.look));
  limit = STEP;
  drawNeurons();
}

function drawNeurons() {
  $("#neuron-table tbody").replaceChildren(...found.slice(0, limit).map(neuronLine));
  $("#neuron-more").hidden = limit >= found.length;
  const all = plural(neurons.length, "neuron");
  $("#neuron-count").textContent = (found.length === neurons.length ? all : `${found.length.toLocaleString("en")} of ${all}`)
    + (found.length > limit ? `, ${limit} shown` : "");
}

const tokenList = (tokens) => tokens.flatMap((token) => [el("bdi.token", {}, token), " "]);

function wordsOf(row, label = row.label) {
  const mark = MARKS[row.confidence];
  return [mark ? el("span.mark", {}, `${mark} `) : "", el(`span.words${label ? "" : ".none"}`, {}, label || "unlabelled")];
}

function neuronLine(row) {
  const cell = (...content) => el("td.figure", {}, ...content);
  const line = el(
    "tr", { "data-name": row.name }, el("th", { scope: "row" }, link(row.name)),
    el("td.label", {}, wordsOf(row, row.gist)), el("td.kind", {}, row.kind),
    cell(decimal(row.figure("r2")), small(span(row.figure("r2_low"), row.figure("r2_high")))),
    cell(decimal(row.figure("r2_reinitialised"))), cell(decimal(row.figure("auroc"))),
    el("td.tokens", {}, tokenList(row.tokens("promotes").slice(0, 4))),
  );
  showWording(line);
  return line;
}

function startNeurons() {
  if (!$("#neuron-table")) return;
  for (const key of ["filter", "layer", "kind"]) $(`#neuron-${key}`).addEventListener("input", filterNeurons);
  $("#neuron-order").addEventListener("input", sortNeurons);
  for (const header of $$("#neuron-table [data-sort]")) {
    sortable(header, () => { $("#neuron-order").value = header.dataset.sort; sortNeurons(); });
  }
  $("#neuron-more").addEventListener("click", () => { limit *= 2; drawNeurons(); });
}

async function openNeuron(name) {
  const slot = $("#neuron");
  slot.replaceChildren();
  try {
    const row = (await loadLayer(layerOf(name))).find((item) => item.name === name);
    if (location.hash !== `#${name}`) return;
    if (!row) throw new Error(`${name} is not in this run.`);
    drawNeuron(slot, row);
    const chunk = Math.floor(row.neuron / row.part.chunk);
    fill($(".strips", slot), `details-L${row.layer}-${chunk}`, (part) => drawDetails(slot, part, row));
  } catch (error) {
    slot.replaceChildren(el("p.warning", {}, error.message));
  }
}

/* The template names what goes where: data-figure, data-tokens. */
function drawNeuron(slot, row) {
  const page = copy("one-neuron");
  const beside = layers.get(row.layer);
  const near = [-1, 1].map((step) => beside[row.i + step]);
  $(".pager", page).append(near[0] ? link(near[0].name, `← ${near[0].name}`) : "", near[1] ? link(near[1].name, `${near[1].name} →`) : "");
  $("h1", page).prepend(`${row.name} `);
  $(".confidence", page).textContent = [row.confidence, row.kind, row.role].filter(Boolean).join(" · ");
  $(".sentence", page).append(...wordsOf(row));
  $(".automatic", page).textContent = row.automatic && `automatic: ${row.automatic}`;
  $(".verdict", page).textContent = row.review;
  page.dataset.name = row.name;
  showWording(page);
  for (const node of $$("[data-figure]", page)) {
    const value = row.figure(node.dataset.figure);
    node.parentNode.hidden = value === null;
    node.textContent = decimal(value);
  }
  $("[data-figure=r2]", page).append(" ", el("small", {}, span(row.figure("r2_low"), row.figure("r2_high"))));
  for (const node of $$("[data-tokens]", page)) {
    const tokens = row.tokens(node.dataset.tokens);
    node.parentNode.hidden = !tokens.length;
    node.append(...tokenList(tokens));
  }
  drawDistribution($(".distribution", page), row);
  $(".verdict-form", page).append(verdictForm(row.name, row.label));
  slot.replaceChildren(page);
}

function drawDistribution(box, row) {
  const names = ["min", "q1", "median", "q3", "max"];
  const [low, q1, median, q3, high] = names.map(row.figure);
  box.hidden = low === null || !(high > low);
  if (box.hidden) return;
  const x = (value) => ((value - low) / (high - low)) * 400;
  $(".range", box).setAttribute("d", `M0 10H400M${x(median)} 2V18`);
  $(".middle", box).setAttribute("d", `M${x(q1)} 4H${Math.max(x(q3), x(q1) + 1)}V16H${x(q1)}Z`);
  $("figcaption", box).textContent = names.map((name) => `${name} ${decimal(row.figure(name))}`).join(", ");
}

function drawDetails(page, part, row) {
  const { strips, histogram, said, heads, ablated } = part.neurons[row.name];
  const top = Math.max(1e-9, ...strips.flatMap(({ rows }) => rows.flatMap((one) => one.values.map(Math.abs))));
  $(".strips", page).replaceChildren(...stripGroups(part, strips, (tokens, one) => activationStrip(tokens, one.values, one.at, top)));
  const told = ([what, value, rest]) => [what, ` ${value} `, small(rest), "\n"];
  const lists = {
    said: said.map(told), ablated: ablated.map(told),
    heads: heads.map(([name, r, interval]) => told([link(name), decimal(r), interval])),
  };
  for (const node of $$("[data-list]", page)) {
    const items = lists[node.dataset.list];
    node.parentNode.hidden = !items.length;
    node.append(el("span", {}, items.flat()));
  }
  if (!histogram) return;
  const [bars, low, high] = histogram;
  $(".density", page).hidden = false;
  $(".bars", page).setAttribute("d", bars);
  $(".ends", page).append(...[low, high].map((value) => el("span", {}, decimal(value))));
}
