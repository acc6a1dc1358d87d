/* Colours come from the style, through probes, so that light, dark and print need no second list. */
let palette = null;

function probe(prefix) {
  const context = el("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const steps = Array.from({ length: 11 }, (_, step) => {
    const node = el(`i.${prefix}${step}`, { hidden: true });
    document.body.append(node);
    context.fillStyle = getComputedStyle(node).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    node.remove();
    return context.getImageData(0, 0, 1, 1).data;
  });
  return Array.from({ length: 256 }, (_, i) => {
    const low = Math.min(Math.floor(i / 25.5), 9);
    const mix = (c) => steps[low][c] + (steps[low + 1][c] - steps[low][c]) * (i / 25.5 - low);
    return [mix(0), mix(1), mix(2)];
  });
}

function scale(kind) {
  palette ??= { one: probe("v"), two: probe("w") };
  return palette[kind];
}

/* A token with a bar above and one below: real and label, or up and down. */
function setBar(node, fraction) {
  node.firstChild.style.height = `${clamp(fraction || 0, 0, 1) * 100}%`;
}

function tokenBars(tag, attributes, token, [above, high], [below, low]) {
  const bars = [above, below].map((kind) => el(`i.${kind}`, {}, el("b")));
  setBar(bars[0], high);
  setBar(bars[1], low);
  return el(tag, attributes, bars[0], el("bdi", {}, token), bars[1]);
}

const short = (token) => token.length > 60 ? `${token.slice(0, 60)}…` : token;

function strip(tokens, chosen, draw) {
  return el("div.strip", {}, tokens.map((token, i) => draw(i === chosen ? "span.tok.query" : "span.tok", token, i)));
}

function patternStrip(tokens, real, label, query) {
  const top = Math.max(...real, ...label, 0.05);
  return strip(tokens, query, (tag, token, i) => tokenBars(
    tag,
    { title: `${short(token)}: real ${percent(real[i] ?? 0)}, label ${percent(label[i] ?? 0)}` },
    token, ["real", real[i] / top], ["label", label[i] / top],
  ));
}

function activationStrip(tokens, values, peak, top) {
  return strip(tokens, peak, (tag, token, i) => tokenBars(
    tag, { title: `${short(token)}: ${decimal(values[i])}` },
    token, ["up", values[i] / top], ["down", -values[i] / top],
  ));
}
