/* Which part is open is in the address: #L0H6, #L0N512, #neurons, … */
const COMPONENT = /^L\d+([HN])\d+$/;
const scrolls = new Map();
let here = "";
let kind = "";

function route() {
  scrolls.set(here, scrollY);
  here = location.hash.slice(1) || "overview";
  kind = COMPONENT.exec(here)?.[1];
  if (kind === "H" && !document.getElementById(here)) kind = undefined;
  if (!kind && !$(`nav [data-view="${CSS.escape(here)}"]`)) here = "overview";
  const view = { H: "heads", N: "neuron" }[kind] || here;
  const parent = { H: "overview", N: "neurons" }[kind] || here;
  $$(".view").forEach((section) => section.classList.toggle("current", section.id === view));
  for (const item of $$("nav [data-view]")) {
    if (item.dataset.view === parent) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  ({ heads: openHead, neuron: openNeuron, neurons: openNeurons, review: openReview })[view]?.(here);
  document.title = kind ? `${here}: ${PAGE.title}` : PAGE.title;
  scrollTo(0, kind ? 0 : scrolls.get(here) || 0);
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
    location.hash = next;
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
  const shown = kind === "H" ? document.getElementById(here) : kind && $("#neuron");
  if (shown) $(`button[value="${verdict}"]`, shown)?.click();
  else if ($(".view.current tr.chosen")) location.hash = $(".view.current tr.chosen").dataset.name;
}

const ACTIONS = {
  j: () => move(1), k: () => move(-1),
  a: () => press("agree"), e: () => press("edit"), r: () => press("reject"),
  "?": () => $("#keys").showModal(),
  "/": () => $(".view.current input[type=search]")?.focus(),
  Escape: () => { if (kind) location.hash = kind === "N" ? "neurons" : "overview"; },
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
  const dark = (dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  dataset.theme = dark ? "light" : "dark";
  remember("labeler-theme", dataset.theme);
  recolour();
});
$("#help").addEventListener("click", () => $("#keys").showModal());
$("#keys button").addEventListener("click", () => $("#keys").close());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
for (const when of ["beforeprint", "afterprint"]) addEventListener(when, recolour);
addEventListener("hashchange", route);
addEventListener("keydown", onKey);
startTable();
startNeurons();
startReview();
route();
