/* The page works without any of this. Text enters the document as textContent only; data come from
   JSON blocks, or packed from classic scripts beside the page (reports/pack.py). */
const $ = (selector, root = document) => root.querySelector(selector);
const byId = (id) => document.getElementById(id);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const PAGE = JSON.parse($("#page-data").textContent);

/* el("td.figure", {title}, child, …): children are elements or text. */
function el(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value != null && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child != null));
  return node;
}

const copy = (id) => byId(id).content.firstElementChild.cloneNode(true);
const link = (name, words = name) => el("a", { href: `#${name}` }, words);

const decimal = (value, digits = 2) => value == null ? "–"
  : (Number(value.toFixed(digits)) || 0).toFixed(digits).replace("-", "−");
const percent = (value) => value > 0 && value < 0.005 ? "<1%" : `${Math.floor(value * 100 + 0.5)}%`;
const span = (low, high, digits) => low == null || high == null ? ""
  : `${decimal(low, digits)}${low < 0 ? " to " : "–"}${decimal(high, digits)}`;
const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const small = (text) => text ? el("small", {}, text) : null;

/* Parts of the data, by name, each loaded once. */
const waiting = new Map();
const loaded = new Map();
const beside = (url) => {
  if (!/^data\/[\w-]+\.js$/.test(url)) throw new TypeError(url);
  return url;
};
const trusted = window.trustedTypes?.createPolicy("labeler", { createScriptURL: beside })
  || { createScriptURL: beside };

window.labelerData = (name, packed) => waiting.get(name)?.(packed);

function load(name) {
  if (!PAGE.parts.includes(name)) return Promise.resolve(null);
  if (!loaded.has(name)) loaded.set(name, packed(name).then(unpack));
  return loaded.get(name);
}

function packed(name) {
  const inside = byId(`part-${name}`);
  if (inside) return Promise.resolve(JSON.parse(inside.textContent));
  return new Promise((resolve, reject) => {
    waiting.set(name, resolve);
    const script = document.createElement("script");
    script.src = trusted.createScriptURL(`data/${name}.js`);
    script.onerror = () => reject(new Error(`data/${name}.js is not beside this page.`));
    document.head.append(script);
  });
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const end = 4 + new DataView(raw.buffer).getUint32(0, true);
  return { ...JSON.parse(new TextDecoder().decode(raw.subarray(4, end))), bytes: raw.subarray(end) };
}

/* A slot says in place what went wrong; the rest of the page goes on. */
async function fill(slot, name, draw) {
  try {
    const part = await load(name);
    if (part) draw(part);
  } catch (error) {
    slot.replaceChildren(el("p.warning", {}, error.message));
  }
}

/* "r2>0.5 comma kind:class": words of the text, or conditions on what `look` knows. */
const SIGNS = {
  ">": (a, b) => a > b, "<": (a, b) => a < b, ">=": (a, b) => a >= b, "<=": (a, b) => a <= b,
  "=": (a, b) => Math.abs(a - b) < 0.005,
};

function parseQuery(query) {
  return query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const [, key, sign, value] = /^([a-z]\w*)([<>]=?|[=:])(.+)$/.exec(word) || [];
    const compare = SIGNS[sign] || SIGNS["="];
    return (text, look) => {
      const own = key && look(key);
      if (own === undefined) return text.includes(word);
      if (typeof own === "string") return own.toLowerCase().includes(value);
      return own !== null && compare(own, Number(value));
    };
  });
}

const matches = (terms, text, look) => terms.every((holds) => holds(text, look));

/* Storage may be forbidden; then nothing is kept, and the page says so. */
function remember(key, value) {
  try { localStorage.setItem(key, value); return true; } catch { return false; }
}

function recall(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}
