/* Which part is open is in the address: #L0H6, #L0N512, #neurons, … */
const COMPONENT = /^L\d+([HN])\d+$/;
const scrolls = new Map();
let here = null;

function route() {
  const name = decodeURIComponent(location.hash.slice(1));
  const kind = COMPONENT.exec(name)?.[1];
  const plain = $(`nav [data-view="${CSS.escape(name)}"]`) ? name : "overview";
  const view = kind === "H" && document.getElementById(name) ? "heads" : kind === "N" ? "neuron" : plain;
  if (here) scrolls.set(here, window.scrollY);
  here = kind ? name : plain;
  $$(".view").forEach((section) => { section.hidden = false; section.classList.toggle("current", section.id === view); });
  const parent = { heads: "overview", neuron: "neurons" }[view] || view;
  $$("nav [data-view]").forEach((link) => link.dataset.view === parent ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current"));
  if (view === "heads") openHead(name);
  if (view === "neuron") openNeuron(name);
  if (view === "neurons") openNeurons();
  if (view === "review") openReview();
  document.title = kind ? `${name}: ${PAGE.title}` : PAGE.title;
  window.scrollTo(0, kind ? 0 : scrolls.get(here) || 0);
}

/* j and k: on a head or neuron to the next one of the list as filtered, in a list down its rows. */
function move(step) {
  const kind = COMPONENT.exec(here)?.[1];
  const names = kind === "N" || here === "neurons" ? found.map((row) => row.name) : shownHeads();
  const chosen = $("tr.chosen:not([hidden])");
  const now = kind ? here : chosen?.offsetParent ? chosen.dataset.name : null;
  const at = names.indexOf(now);
  const next = names[at < 0 ? (step > 0 ? 0 : names.length - 1) : at + step];
  if (!next) return;
  if (kind) { location.hash = next; return; }
  $$("tr.chosen").forEach((row) => row.classList.remove("chosen"));
  const row = $(`.view.current tr[data-name="${next}"]`);
  row?.classList.add("chosen");
  row?.scrollIntoView({ block: "nearest" });
  $("a", row || document)?.focus({ preventScroll: true });
}

function onKey(event) {
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const press = (verdict) => {
    const at = $(`.view.current article.current [data-verdict="${verdict}"], #neuron.current [data-verdict="${verdict}"]`);
    if (!at && $("tr.chosen")) location.hash = $("tr.chosen").dataset.name;
    at?.click();
  };
  const actions = {
    j: () => move(1), k: () => move(-1), a: () => press("agree"), e: () => press("edit"), r: () => press("reject"),
    "?": showKeys, "/": () => $(".view.current input[type=search]")?.focus(),
    Escape: () => { if (COMPONENT.test(here)) location.hash = here.includes("N") ? "neurons" : "overview"; },
  };
  if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
}

const KEYS = [["j k", "next, previous"], ["a e r", "agree, edit, reject"], ["/", "filter"], ["← →", "in a prompt: move the query"], ["Esc", "back to the list"], ["?", "this"]];

function showKeys() {
  const dialog = $("#keys");
  dialog.replaceChildren(el("h3", { id: "keys-title" }, "Keys"), el("dl.keys", {}, KEYS.flatMap(([keys, words]) => [el("dt", {}, keys.split(" ").map((one) => el("kbd", {}, one))), el("dd", {}, words)])),
    el("form", { method: "dialog" }, el("button", { type: "button", onclick: () => dialog.close() }, "Close")));
  dialog.showModal();
}

function setTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember("labeler-theme", root.dataset.theme);
  recolour();
}

function recolour() { palette = null; scale("one"); redraw?.(); }

startTable();
startNeurons();
showReviewed();
route();
addEventListener("hashchange", route);
addEventListener("keydown", onKey);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
for (const way of ["beforeprint", "afterprint"]) addEventListener(way, recolour);
$("#theme").addEventListener("click", setTheme);
$("#help").addEventListener("click", showKeys);
