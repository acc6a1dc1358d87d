/* Colours come from the style, through probes, so that light, dark and print need no second list. */
let palette = null;

function probe(prefix) {
  const probes = Array.from({ length: 11 }, (_, step) => el(`i.${prefix}${step}`));
  const holder = el("div", { hidden: true }, probes);
  document.body.append(holder);
  const canvas = el("canvas", { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const colours = probes.map((node) => {
    context.fillStyle = getComputedStyle(node).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  });
  holder.remove();
  return colours;
}

function scale(kind) {
  palette ??= { one: table(probe("v")), two: table(probe("w")) };
  return palette[kind];
}

function table(colours) {
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * 10, low = Math.min(Math.floor(at), 9), part = at - low;
    return colours[low].map((channel, j) => Math.round(channel + (colours[low + 1][j] - channel) * part));
  });
}

/* Token strips: above the token what was, below what the label says; for neurons, up and down. */
function bar(kind, fraction) {
  const inner = el("b");
  inner.style.height = `${Math.round(Math.min(Math.max(fraction, 0), 1) * 100)}%`;
  return el(`i.${kind}`, { "aria-hidden": "true" }, inner);
}

const describe = (token, parts) => `${token.length > 60 ? token.slice(0, 60) + "…" : token}: ${parts.join(", ")}`;

function patternStrip(tokens, real, label, query) {
  const top = Math.max(...real, ...label, 0.05);
  return el("div.strip", {}, tokens.map((token, i) => el(
    `span.tok${i === query ? ".query" : ""}`,
    { title: describe(token, [`real ${percent(real[i] || 0)}`, `label ${percent(label[i] || 0)}`]) },
    bar("real", (real[i] || 0) / top), el("bdi", {}, token), bar("label", (label[i] || 0) / top),
  )));
}

function activationStrip(tokens, values, peak, top) {
  return el("div.strip", {}, tokens.map((token, i) => el(
    `span.tok${i === peak ? ".query" : ""}`, { title: describe(token, [decimal(values[i])]) },
    bar("up", values[i] / top), el("bdi", {}, token), bar("down", -values[i] / top),
  )));
}
