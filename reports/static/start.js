/* Which part is open is in the address: #L0H6, #L0N512, #neurons, … */
const COMPONENT = /^L\d+([HN])\d+$/;
const DARK = matchMedia("(prefers-color-scheme: dark)");
const scrolls = new Map();
let here = "";
let kind = "";

function route() {
  const asked = location.hash.slice(1) || "overview";
  if (asked === here) return;
  scrolls.set(here, scrollY);
  here = asked;
  kind = COMPONENT.exec(here)?.[1];
  if (kind === "H" && !byId(here)) kind = undefined;
  if (!kind && !$(`nav [data-view="${CSS.escape(here)}"]`)) here = "overview";
  const view = { H: "heads", N: "neuron" }[kind] || here;
  const parent = { H: "overview", N: "neurons" }[kind] || here;
  $$(".view").forEach((section) => section.classList.toggle("current", section.id === view));
  for (const item of $$("nav [data-view]")) item.ariaCurrent = item.dataset.view === parent ? "page" : null;
  ({ heads: openHead, neuron: openNeuron, neurons: openNeurons, review: openReview, activations: openActivations })[view]?.(here);
  document.title = kind ? `${here}: ${PAGE.title}` : PAGE.title;
  scrollTo(0, kind ? 0 : scrolls.get(here) || 0);
}

/* At once: the next key may come before the browser's own event. */
function go(name) {
  location.hash = name;
  route();
}

/* j and k: on a head or neuron to the next of the list as filtered, in a list down its rows. */
function move(step) {
  const ofNeurons = kind === "N" || here === "neurons";
  let names = ofNeurons ? found.map((row) => row.name) : shownHeads();
  if (kind && !names.includes(here)) names = ofNeurons ? layers.get(layerOf(here)).map((row) => row.name) : PAGE.heads;
  const at = names.indexOf(kind ? here : $(".view.current tr.chosen")?.dataset.name);
  const next = names[at < 0 && step < 0 ? names.length - 1 : at + step];
  if (!next) return;
  if (kind) {
    go(next);
    return;
  }
  $$("tr.chosen").forEach((row) => row.classList.remove("chosen"));
  const row = $(`.view.current tr[data-name="${next}"]`);
  if (!row) return;
  row.classList.add("chosen");
  row.scrollIntoView({ block: "nearest" });
  $("a", row).focus({ preventScroll: true });
}

function press(verdict) {
  const shown = kind === "H" ? byId(here) : kind && $("#neuron");
  if (shown) $(`button[value=${verdict}]`, shown)?.click();
}

const help = () => $("#keys").showModal();
const ACTIONS = {
  j: () => move(1), k: () => move(-1),
  a: () => press("agree"), e: () => press("edit"), r: () => press("reject"),
  "?": help,
  "/": () => $(".view.current input[type=search]")?.focus(),
  Escape: () => { if (kind) go(kind === "N" ? "neurons" : "overview"); },
};

function onKey(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || $("#keys").open) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select")) {
    if (event.key === "Escape") event.target.blur();
  } else if (ACTIONS[event.key]) {
    event.preventDefault();
    ACTIONS[event.key]();
  }
}

function recolour() {
  palette = null;
  redraw?.();
}

$("#theme").addEventListener("click", () => {
  const { dataset } = document.documentElement;
  dataset.theme = (dataset.theme ? dataset.theme === "dark" : DARK.matches) ? "light" : "dark";
  remember("labeler-theme", dataset.theme);
  recolour();
});
$("#help").addEventListener("click", help);
$("#keys button").addEventListener("click", () => $("#keys").close());
DARK.addEventListener("change", recolour);
for (const when of ["beforeprint", "afterprint"]) addEventListener(when, recolour);
addEventListener("hashchange", route);
addEventListener("keydown", onKey);
startTable();
startNeurons();
startReview();
startActivations();
route();
