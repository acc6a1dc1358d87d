/* One head: showcase patterns beside what the label predicts, strips, every relation measured. */
const layerOf = (name) => /^L(\d+)/.exec(name)[1];
let choice = { prompt: 0, query: null };
let redraw = null;

function openHead(name) {
  const article = document.getElementById(name);
  $$("#heads article.current").forEach((other) => other.classList.remove("current"));
  article.classList.add("current");
  redraw = null;
  if (!article.dataset.ready) {
    article.dataset.ready = "yes";
    $("h2", article).before(pager(name));
    $(".verdict-form", article).append(verdictForm(name, $(".sentence", article).textContent.replace(/^~+/, "").trim()));
  }
  fill($(".relations", article), `heads-L${layerOf(name)}`, (part) => drawHead(article, part, name));
  fill($(".patterns", article), `patterns-L${layerOf(name)}`, (part) => drawPatterns($(".patterns", article), part, name));
}

function pager(name) {
  const at = PAGE.heads.indexOf(name);
  const link = (other, words) => other ? el("a", { href: `#${other}` }, words(other)) : el("i");
  return el("nav.pager", { "aria-label": "Other heads" }, el("a", { href: "#overview" }, "All heads"),
    el("span"), link(PAGE.heads[at - 1], (other) => `← ${other}`), link(PAGE.heads[at + 1], (other) => `${other} →`));
}

function drawHead(article, part, name) {
  const { strips, relations } = part.heads[name];
  const slot = $(".strips", article);
  if (strips.length) {
    const groups = Map.groupBy ? Map.groupBy(strips, (strip) => strip.kind) : new Map([["rows", strips]]);
    slot.replaceChildren(...[...groups].map(([kind, rows]) => stripGroup(kind, rows, part.tokens)));
  }
  const rows = relations.map(([prediction, mass, coverage, lift, low, high, selected]) => el("tr", {},
    el("th", { scope: "row" }, (selected ? "✓ " : "") + prediction), el("td", {}, percent(mass ?? 0)),
    el("td", {}, coverage === null ? DASH : percent(coverage)), el("td", {}, lift === null ? DASH : `${decimal(lift, 1)}×`, " ", el("small", {}, span(low, high)))));
  const head = el("tr", {}, ["relation", "mass", "has a target", "lift"].map((words) => el("th", { scope: "col" }, words)));
  $(".relations", article).replaceChildren(el("details", {}, el("summary", {}, `Every relation measured (${rows.length})`),
    el("table", {}, el("thead", {}, head), el("tbody", {}, rows))));
}

const KINDS = { best: "Rows that the label explains best", worst: "Rows that it explains worst" };

function stripGroup(kind, rows, tokens) {
  const words = KINDS[kind] || kind.replace(/^exception: /, "Where it does something else: ");
  return el("section", {}, el("h3", {}, words, " ", key()), rows.map((row) => el("div.strip-row", {},
    el("div.strip-meta", {}, `${row.prompt}:${row.query}`, el("br"), row.r2 === null ? "" : `R² ${decimal(row.r2)}`),
    patternStrip(row.t.map((i) => tokens[i]), row.real, row.label, row.query - row.start))));
}

const key = () => el("span.key", {}, el("span", {}, el("i.real"), "above: real"), el("span", {}, el("i.label"), "below: label"));

/* Cells of prompt p, head h: two lower triangles, real and label, of bytes 255·√a. */
function cells(part, name) {
  const at = part.heads.indexOf(name), all = [];
  let offset = 0;
  for (const prompt of part.prompts) {
    const n = prompt.tokens.length, size = (n * (n + 1)) / 2;
    const begin = offset + at * 2 * size;
    const read = (from) => (query, k) => k > query ? null : (part.bytes[from + (query * (query + 1)) / 2 + k] / 255) ** 2;
    all.push({ ...prompt, n, real: read(begin), label: read(begin + size) });
    offset += part.heads.length * 2 * size;
  }
  return all;
}

function drawPatterns(slot, part, name) {
  const prompts = cells(part, name);
  const at = Math.min(choice.prompt, prompts.length - 1);
  const prompt = prompts[at];
  const select = (next) => { choice = { prompt: next, query: null }; drawPatterns(slot, part, name); $$(".prompts button", slot)[next].focus(); };
  const buttons = prompts.map((other, i) => el("button", { type: "button", "aria-pressed": String(i === at), onclick: () => select(i) }, other.id));
  const panels = [["real", "Real pattern"], ["label", "As the label has it"], ["difference", "Label minus real"]].map(([kind, words]) => panel(kind, words, prompt));
  const readout = el("p.readout", { "aria-live": "polite" });
  const text = el("div.strip", { role: "group", "aria-label": "Tokens; left and right move the query" });
  const show = (query) => showQuery(prompt, query, panels, text, readout);
  text.addEventListener("keydown", (event) => moveQuery(event, prompt, show, text));
  for (const item of panels) {
    item.canvas.addEventListener("pointermove", (event) => show(item.row(event)));
    item.canvas.addEventListener("pointerleave", () => show(choice.query));
    item.canvas.addEventListener("click", (event) => { choice.query = item.row(event); show(choice.query); });
  }
  slot.replaceChildren(el("h3", {}, "Patterns on the showcase prompts"), el("div.prompts", {}, buttons, key()),
    el("div.panels", {}, panels.map((item) => item.figure)), readout, text);
  choice.query = Math.min(choice.query ?? prompt.n - 1, prompt.n - 1);
  redraw = () => { panels.forEach((item) => item.draw(choice.query)); };
  fillTokens(prompt, text, show);
  show(choice.query);
}

function fillTokens(prompt, text, show) {
  text.replaceChildren(...prompt.tokens.map((token, i) => el("button.tok", { type: "button", tabindex: "-1",
    onpointerenter: () => show(i), onpointerleave: () => show(choice.query), onclick: () => { choice.query = i; show(i); } },
  bar("real", 0), el("bdi", {}, token), bar("label", 0))));
}

function moveQuery(event, prompt, show, text) {
  const step = { ArrowRight: 1, ArrowLeft: -1, Home: -prompt.n, End: prompt.n }[event.key];
  if (!step) return;
  event.preventDefault();
  choice.query = Math.min(Math.max(choice.query + step, 0), prompt.n - 1);
  show(choice.query);
  text.children[choice.query].focus();
}

function showQuery(prompt, query, panels, text, readout) {
  if (query === null) return;
  panels.forEach((item) => item.draw(query));
  const keys = Array.from({ length: query + 1 }, (_, k) => k);
  const top = Math.max(0.05, ...keys.map((k) => Math.max(prompt.real(query, k), prompt.label(query, k))));
  [...text.children].forEach((node, k) => {
    const seen = k <= query;
    node.classList.toggle("query", k === query);
    node.tabIndex = k === query ? 0 : -1;
    node.firstChild.firstChild.style.height = `${seen ? (prompt.real(query, k) / top) * 100 : 0}%`;
    node.lastChild.firstChild.style.height = `${seen ? (prompt.label(query, k) / top) * 100 : 0}%`;
  });
  const most = (read) => keys.map((k) => [read(query, k), k]).sort((a, b) => b[0] - a[0]).slice(0, 4).filter(([a]) => a >= 0.02);
  const words = (read) => most(read).flatMap(([a, k], i) => [i ? ", " : "", el("bdi.token", {}, prompt.tokens[k]), ` ${percent(a)}`]);
  readout.replaceChildren("From ", el("bdi.token", {}, prompt.tokens[query]), ` (position ${query}), real: `, ...words(prompt.real),
    el("br"), "as the label has it: ", ...words(prompt.label));
}

/* A pattern as a canvas: query by row, key by column; the row in hand is framed. */
function panel(kind, words, prompt) {
  const size = Math.max(2, Math.min(11, Math.floor(352 / prompt.n)));
  const ratio = Math.min(window.devicePixelRatio || 1, 2), side = size * prompt.n;
  const canvas = el("canvas", { width: side * ratio, height: side * ratio, role: "img", "aria-label": `${words}: query by row, key by column; the tokens below give the figures` });
  canvas.style.width = canvas.style.height = `${side}px`;
  const context = canvas.getContext("2d");
  const read = kind === "difference" ? (q, k) => prompt.label(q, k) - prompt.real(q, k) : prompt[kind];
  const picture = () => {
    const colours = scale(kind === "difference" ? "two" : "one"), image = context.createImageData(prompt.n, prompt.n);
    for (let q = 0; q < prompt.n; q++) for (let k = 0; k <= q; k++) {
      const level = kind === "difference" ? (read(q, k) + 1) / 2 : Math.sqrt(read(q, k));
      image.data.set([...colours[Math.round(level * 255)], 255], (q * prompt.n + k) * 4);
    }
    const small = el("canvas", { width: prompt.n, height: prompt.n });
    small.getContext("2d").putImageData(image, 0, 0);
    return small;
  };
  let small = null, seen = null;
  const draw = (query) => {
    if (seen !== palette || !small) { small = picture(); seen = palette; }
    const unit = size * ratio;
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    const style = getComputedStyle(document.documentElement);
    context.strokeStyle = getComputedStyle(canvas).color;
    context.globalAlpha = 0.35;
    context.beginPath(); context.moveTo(0, 0); context.lineTo(canvas.width, canvas.height); context.lineTo(0, canvas.height); context.closePath(); context.stroke();
    context.globalAlpha = 1;
    context.lineWidth = ratio;
    context.strokeRect(0.5, query * unit + 0.5, (query + 1) * unit - 1, unit - 1);
    void style;
  };
  const row = (event) => Math.min(Math.max(Math.floor(event.offsetY / size), 0), prompt.n - 1);
  return { canvas, draw, row, figure: el("figure", {}, el("figcaption", {}, words), canvas) };
}
