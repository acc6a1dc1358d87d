/* Review. Kept in the browser under the run's key, saved as review.json:
   {"schema": 1, "run": "<corpus hash>+<model hash>", "reviewer": "who",
    "verdicts": {"L0H6": {"verdict": "agree" | "edit" | "reject" | "", "label", "note", "when"}}}
   `labeler review RUN review.json` merges it into the run folder; reports/reviewed.py reads it. */
const STORE = `labeler-review:${PAGE.run}`;
const review = { schema: 1, run: PAGE.run, reviewer: recall("labeler-reviewer") || "", verdicts: {} };
try { Object.assign(review, JSON.parse(recall(STORE))); } catch { /* damaged: begin anew */ }

const keep = () => remember(STORE, JSON.stringify(review));
const verdictOf = (name) => review.verdicts[name] || PAGE.review[name] || {};
const judged = () => Object.entries(review.verdicts).filter(([, item]) => item.verdict);

function decide(name, change) {
  const next = { verdict: "", label: "", note: "", ...verdictOf(name), ...change };
  next.when = new Date().toISOString();
  delete next.reviewer;
  if (next.verdict || next.note) review.verdicts[name] = next;
  else delete review.verdicts[name];
  showReviewed();
  return keep();
}

/* Wherever a component is, its wording as reviewed here, and beneath it what stood there. */
function showReviewed() {
  const line = $("#reviewed");
  const count = (verdict) => judged().filter(([, item]) => item.verdict === verdict).length;
  line.hidden = !judged().length;
  line.replaceChildren(
    `In this browser: ${count("agree")} agreed, ${count("edit")} reworded, ${count("reject")} rejected. `,
    link("review", "Save the review"),
  );
  $$("tr[data-name], article[data-name]").forEach(showWording);
  for (const head of heads) head.text = head.row.textContent.toLowerCase();
}

function showWording(place) {
  const { name } = place.dataset;
  const words = $(".words", place);
  const { verdict, label } = review.verdicts[name] || {};
  words.given ??= [...words.childNodes];
  words.replaceChildren(...words.given);
  words.classList.toggle("rejected", verdictOf(name).verdict === "reject");
  $(".own", place)?.remove();
  if (verdict === "reject" || !label) return;
  $(".full", place)?.setAttribute("open", "");
  if (!$(".automatic:not(:empty)", place)) words.after(el("span.automatic.own", {}, `automatic: ${words.textContent}`));
  words.textContent = label;
}

function verdictForm(name, automatic) {
  const form = copy("verdict");
  const [label, note] = $$("textarea", form);
  label.value = verdictOf(name).label || automatic;
  note.value = verdictOf(name).note || "";
  const refresh = () => {
    const { verdict } = verdictOf(name);
    $$("button", form).forEach((button) => button.setAttribute("aria-pressed", button.value === verdict));
    label.parentNode.hidden = verdict !== "edit";
  };
  const save = (change) => {
    $("output", form).textContent = decide(name, change) ? "Kept in this browser."
      : "Not kept: save the review.";
    refresh();
  };
  for (const button of $$("button", form)) {
    button.addEventListener("click", () => {
      const verdict = verdictOf(name).verdict === button.value ? "" : button.value;
      save({ verdict, label: { edit: label.value, agree: PAGE.review[name]?.label }[verdict] || "" });
      if (verdict === "edit") label.select();
    });
  }
  label.addEventListener("input", () => save({ verdict: "edit", label: label.value }));
  note.addEventListener("input", () => save({ note: note.value }));
  refresh();
  return form;
}

function openReview() {
  const every = Object.entries({ ...PAGE.review, ...review.verdicts });
  every.sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  $("#reviewer").value = review.reviewer;
  $("#save-review").disabled = !Object.keys(review.verdicts).length;
  const done = every.filter(([, item]) => item.verdict).map(([name]) => name);
  const ofHeads = done.filter((name) => PAGE.heads.includes(name)).length;
  $("#review-count").textContent = `${ofHeads} of ${plural(PAGE.heads.length, "head")} and ${plural(done.length - ofHeads, "neuron")} judged.`;
  $("#review tbody").replaceChildren(...every.map(([name, item]) => el(
    "tr", {}, el("th", { scope: "row" }, link(name)),
    [item.verdict || "note", item.label, item.note, review.verdicts[name] ? "here" : item.reviewer, `${item.when}`.slice(0, 10)].map((text) => el("td", {}, text || "")),
  )));
}

function saveReview() {
  const blob = new Blob([JSON.stringify(review, null, 1)], { type: "application/json" });
  const href = URL.createObjectURL(blob);
  el("a", { href, download: "review.json" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

async function readReview(file) {
  try {
    const given = JSON.parse(await file.text());
    if (given.run !== PAGE.run) throw new Error("it belongs to another run");
    Object.assign(review.verdicts, given.verdicts);
    review.reviewer ||= given.reviewer || "";
    keep();
    showReviewed();
    openReview();
  } catch (error) {
    $("#review-count").textContent = `${file.name}: ${error.message}.`;
  }
}

function startReview() {
  $("#reviewer").addEventListener("input", (event) => {
    review.reviewer = event.target.value;
    remember("labeler-reviewer", review.reviewer);
    keep();
  });
  $("#save-review").addEventListener("click", saveReview);
  $("#read-review").addEventListener("change", (event) => readReview(event.target.files[0]));
  showReviewed();
}
