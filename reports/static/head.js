/* One head: showcase patterns beside what the label predicts, strips, every relation measured. */
const layerOf = (name) => Number(/^L(\d+)/.exec(name)[1]);
const chosen = { prompt: 0, query: null };
let redraw = null;

function openHead(name) {
  const article = byId(name);
  $$("#heads article").forEach((other) => other.classList.toggle("current", other === article));
  redraw = null;
  if (!$(".form", article)) {
    const words = article.dataset.confidence === "unlabelled" ? "" : $(".words", article).textContent;
    $(".verdict-form", article).append(verdictForm(name, words));
  }
  fill($(".relations", article), `heads-L${layerOf(name)}`, (part) => drawHead(article, part, name));
  fill($(".patterns", article), `patterns-L${layerOf(name)}`,
    (part) => drawPatterns($(".patterns", article), part, name));
}

function drawHead(article, part, name) {
  const { strips, relations, costs } = part.heads[name];
  $(".strips", article).replaceChildren(...stripGroups(part, strips, (tokens, row) => patternStrip(tokens, row.real, row.label, row.at)));
  $(".dear", article).replaceChildren(...stripGroups(part, costs, (tokens, row) => strip(
    tokens, row.at, (tag, token) => el(tag, {}, el("bdi", {}, token)),
  )));
  const details = copy("relations");
  $("b", details).textContent = relations.length;
  $("tbody", details).append(...relations.map(([said, name, mass, coverage, lift, low, high, taken]) => el(
    "tr", {}, el("th", { scope: "row" }, `${taken ? "✓ " : ""}${said} `, small(name)),
    el("td", {}, percent(mass ?? 0)), el("td", {}, coverage === null ? "–" : percent(coverage)),
    el("td", {}, lift === null ? "–" : `${decimal(lift, 1)}× `, small(span(low, high, 1))),
  )));
  if (relations.length) $(".relations", article).replaceChildren(details);
}

/* Groups of strips as reports/strips.py has them. */
function stripGroups(part, groups, draw) {
  return groups.map(({ title, rows }) => el("section", {}, el("h2", {}, title), rows.map((row) => el(
    "div.strip-row", {}, el("div.strip-meta", {}, row.under[0], " ", el("br"), row.under[1]),
    draw(row.t.map((i) => part.tokens[i]), row),
  ))));
}

/* Cells of prompt p, head h: two lower triangles, real and label, of bytes 255·√a. */
function cells(part, name) {
  let offset = 0;
  return part.prompts.map((prompt) => {
    const n = prompt.tokens.length;
    const size = (n * (n + 1)) / 2;
    const begin = offset + part.heads.indexOf(name) * 2 * size;
    const read = (from) => (q, k) => (part.bytes[from + (q * (q + 1)) / 2 + k] / 255) ** 2;
    offset += part.heads.length * 2 * size;
    const real = read(begin);
    const label = read(begin + size);
    return { ...prompt, n, real, label, difference: (q, k) => label(q, k) - real(q, k) };
  });
}

function drawPatterns(slot, part, name) {
  const prompts = cells(part, name);
  const at = Math.min(chosen.prompt, prompts.length - 1);
  const prompt = prompts[at];
  const block = copy("patterns");
  const text = $(".strip", block);
  const unlabelled = byId(name).dataset.confidence === "unlabelled";
  if (unlabelled) $$("figcaption", block)[1].textContent = "What held, too little for a label";
  const panels = $$("canvas", block).map((canvas) => panel(canvas, prompt));
  const show = (query) => showQuery(prompt, query, panels, text, $(".readout", block));
  const pin = (query) => {
    chosen.query = clamp(query, 0, prompt.n - 1);
    show(chosen.query);
  };
  $(".prompts", block).prepend(...prompts.map((other, i) => el("button", {
    type: "button", "aria-pressed": `${i === at}`,
    onclick() {
      Object.assign(chosen, { prompt: i, query: null });
      drawPatterns(slot, part, name);
      $$(".prompts button", slot)[i].focus();
    },
  }, other.id)));
  text.append(...prompt.tokens.map((token, i) => tokenBars("button.tok", {
    type: "button", onpointerenter: () => show(i), onclick: () => pin(i),
  }, token, ["real", 0], ["label", 0])));
  text.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -prompt.n, End: prompt.n }[event.key];
    if (!step) return;
    event.preventDefault();
    pin(chosen.query + step);
    text.children[chosen.query].focus();
  });
  for (const { canvas, row } of panels) {
    canvas.addEventListener("pointermove", (event) => show(row(event)));
    canvas.addEventListener("click", (event) => pin(row(event)));
  }
  for (const node of [text, $(".panels", block)]) {
    node.addEventListener("pointerleave", () => show(chosen.query));
  }
  slot.replaceChildren(block);
  redraw = () => show(chosen.query);
  pin(chosen.query ?? prompt.n - 1);
}

/* Where one query looks: above each token what is, below it what the label says, and in words. */
function showQuery(prompt, query, panels, text, readout) {
  panels.forEach((item) => item.draw(query));
  const keys = [...Array(query + 1).keys()];
  const top = Math.max(0.05, ...keys.map((k) => Math.max(prompt.real(query, k), prompt.label(query, k))));
  [...text.children].forEach((node, k) => {
    node.classList.toggle("query", k === query);
    node.tabIndex = k === query ? 0 : -1;
    setBar(node.firstChild, k <= query && prompt.real(query, k) / top);
    setBar(node.lastChild, k <= query && prompt.label(query, k) / top);
  });
  const token = (k) => el("bdi.token", {}, prompt.tokens[k]);
  const words = (read) => keys.map((k) => [read(query, k), k]).sort(([a], [b]) => b - a).slice(0, 4)
    .filter(([a], i) => a >= 0.02 || !i).flatMap(([a, k]) => [token(k), ` ${percent(a)} `]);
  readout.replaceChildren(
    "From ", token(query), ` (position ${query}) to: `, ...words(prompt.real),
    el("br"), "as the label has it: ", ...words(prompt.label),
  );
}

/* A pattern as a canvas: query by row, key by column; the row in hand is framed. */
function panel(canvas, prompt) {
  const { n } = prompt;
  const kind = canvas.dataset.kind;
  const size = clamp(Math.floor(360 / n), 2, 10);
  const context = canvas.getContext("2d");
  canvas.width = canvas.height = size * n * devicePixelRatio;
  canvas.style.width = canvas.style.height = `${size * n}px`;
  let picture = null;
  let drawnWith = null;
  let hatch = null;
  const paint = () => {
    const two = kind === "difference";
    const colours = scale(two ? "two" : "one");
    picture = new OffscreenCanvas(n, n);
    const image = new ImageData(n, n);
    hatch = new Path2D();
    for (let q = 0; q < n; q++) {
      for (let k = 0; k <= q; k++) {
        const a = prompt[kind](q, k);
        const level = two ? (Math.sign(a) * Math.abs(a) ** 0.5 + 1) / 2 : a ** 0.6;
        image.data.set([...colours[Math.round(level * 255)], 255], (q * n + k) * 4);
        if (two && a < -0.05) hatch.addPath(new Path2D(`M${k} ${q + 1}L${k + 1} ${q}`));
      }
    }
    picture.getContext("2d").putImageData(image, 0, 0);
    drawnWith = palette;
  };
  const draw = (query) => {
    if (!drawnWith || drawnWith !== palette) paint();
    const side = canvas.width;
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, side, side);
    context.drawImage(picture, 0, 0, side, side);
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = devicePixelRatio;
    context.globalAlpha = 0.3;
    context.scale(side / n, side / n);
    context.lineWidth *= n / side;
    context.stroke(new Path2D(`M0 0L${n} ${n}H0Z`));
    context.globalAlpha = 0.6;
    context.stroke(hatch);
    context.globalAlpha = 1;
    context.strokeRect(0, query, query + 1, 1);
    context.resetTransform();
  };
  const row = (event) => clamp(Math.floor(event.offsetY / size), 0, n - 1);
  return { canvas, draw, row };
}
