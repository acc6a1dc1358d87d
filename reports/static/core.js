/* The page works without any of this. Text enters the document as textContent only; data come from
   JSON blocks, or packed from classic scripts beside the page (reports/pack.py). */
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const PAGE = JSON.parse($("#page-data").textContent);
const DASH = "–";

/* el("td.figure", {title}, child, …): children are elements or text. */
function el(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const decimal = (value, digits = 2) => value === null || value === undefined ? DASH : value.toFixed(digits).replace("-", "−");
const percent = (value) => value > 0 && value < 0.005 ? "<1%" : `${Math.floor(value * 100 + 0.5)}%`;
const span = (low, high) => low === null || high === null ? "" : low < 0 ? `${decimal(low)} to ${decimal(high)}` : `${decimal(low)}–${decimal(high)}`;
const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

/* Parts of the data, by name, each loaded once. */
const waiting = new Map();
const loaded = new Map();
const trusted = window.trustedTypes
  ? trustedTypes.createPolicy("labeler", { createScriptURL: (url) => { if (/^data\/[\w-]+\.js$/.test(url)) return url; throw new TypeError(url); } })
  : { createScriptURL: (url) => url };

window.labelerData = (name, packed) => { waiting.get(name)?.(packed); waiting.delete(name); };

function load(name) {
  if (!PAGE.parts.includes(name)) return Promise.resolve(null);
  if (!loaded.has(name)) loaded.set(name, fetchPacked(name).then(unpack));
  return loaded.get(name);
}

function fetchPacked(name) {
  const inside = document.getElementById(`part-${name}`);
  if (inside) return Promise.resolve(JSON.parse(inside.textContent));
  return new Promise((resolve, reject) => {
    waiting.set(name, resolve);
    const script = document.createElement("script");
    script.src = trusted.createScriptURL(`data/${name}.js`);
    script.onerror = () => reject(new Error(`data/${name}.js is not beside this page`));
    document.head.append(script);
  });
}

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(raw.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + length)));
  return { ...head, bytes: raw.subarray(4 + length) };
}

/* A slot says what went wrong in place; the rest of the page goes on. */
async function fill(slot, name, draw) {
  try {
    const part = await load(name);
    if (part && slot.isConnected) draw(part);
  } catch (error) {
    slot.replaceChildren(el("p.warning", {}, String(error.message)));
  }
}

/* "r2>0.5 comma kind:class" → a test of a row {text, figures, kind, …}. */
const CONDITION = /^([a-z_][\w]*)(>=|<=|>|<|=|:)(.+)$/i;

function parseQuery(text) {
  return text.trim().split(/\s+/).filter(Boolean).map((word) => {
    const found = CONDITION.exec(word);
    if (!found) return { word: word.toLowerCase() };
    const [, key, sign, value] = found;
    return { key: key.toLowerCase(), sign, value: value.toLowerCase(), figure: Number(value), word: word.toLowerCase() };
  });
}

function matches(terms, text, look) {
  return terms.every((term) => {
    const own = term.key ? look(term.key) : undefined;
    if (own === undefined) return text.includes(term.word);
    if (typeof own === "string") return own.toLowerCase().includes(term.value);
    if (own === null || Number.isNaN(term.figure)) return false;
    switch (term.sign) {
      case ">": return own > term.figure;
      case "<": return own < term.figure;
      case ">=": return own >= term.figure;
      case "<=": return own <= term.figure;
      default: return Math.abs(own - term.figure) < 0.005;
    }
  });
}

function remember(key, value) {
  try { localStorage.setItem(key, value); return true; } catch { return false; }
}

function recall(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}
