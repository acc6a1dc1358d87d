/* Review. Kept in the browser under the run's key, saved as review.json:
   {"schema": 1, "run": "<corpus hash>+<model hash>", "reviewer": "who",
    "verdicts": {"L0H6": {"verdict": "agree" | "edit" | "reject" | "", "label", "note", "when"}}}
   `labeler review RUN review.json` merges it into the run folder (reports/reviewed.py reads it). */
const STORE = `labeler-review:${PAGE.run}`;
const DECISIONS = [["agree", "Agree"], ["edit", "Edit"], ["reject", "Reject"]];
let review = readReview();

function readReview() {
  let kept = null;
  try { kept = JSON.parse(recall(STORE) || "null"); } catch { kept = null; }
  return kept?.verdicts ? kept : { schema: 1, run: PAGE.run, reviewer: recall("labeler-reviewer") || "", verdicts: {} };
}

const verdictOf = (name) => review.verdicts[name] || PAGE.review[name] || {};

function reviewedWording(name, automatic) {
  const own = verdictOf(name);
  return own.verdict === "edit" && own.label ? own.label : automatic;
}

function decide(name, change) {
  const next = { verdict: "", label: "", note: "", ...verdictOf(name), ...change, when: new Date().toISOString() };
  delete next.reviewer;
  if (!next.verdict && !next.note && !next.label) delete review.verdicts[name];
  else review.verdicts[name] = next;
  const kept = remember(STORE, JSON.stringify(review));
  showReviewed();
  return kept;
}

function showReviewed() {
  const line = $("#reviewed"), own = Object.entries(review.verdicts).filter(([, item]) => item.verdict);
  const of = (verdict) => own.filter(([, item]) => item.verdict === verdict).length;
  line.hidden = !own.length;
  line.replaceChildren(`Your review, in this browser: ${of("agree")} agreed, ${of("edit")} reworded, ${of("reject")} rejected. `, el("a", { href: "#review" }, "Save it"));
  for (const head of heads) {
    const { verdict } = verdictOf(head.name), cell = $("td.label", head.row);
    const words = $(".words", cell);
    words.dataset.automatic ??= words.textContent;
    const wording = reviewedWording(head.name, words.dataset.automatic);
    words.textContent = wording;
    words.classList.toggle("rejected", verdict === "reject");
    $(".automatic.own", cell)?.remove();
    if (wording !== words.dataset.automatic) cell.append(el("span.automatic.own", {}, `automatic: ${words.dataset.automatic}`));
  }
}

function verdictForm(name, automatic) {
  const own = verdictOf(name), saved = el("span.saved", { "aria-live": "polite" });
  const label = el("textarea", { name: "label", rows: 2 }), note = el("textarea", { name: "note", rows: 2 });
  label.value = own.label || automatic;
  note.value = own.note || "";
  const buttons = DECISIONS.map(([verdict, words]) => el("button", { type: "button", "data-verdict": verdict, "aria-pressed": String(own.verdict === verdict),
    onclick: () => {
      const same = verdictOf(name).verdict === verdict;
      save({ verdict: same ? "" : verdict, label: verdict === "edit" && !same ? label.value : "" });
      if (verdict === "edit" && !same) { label.focus(); label.select(); }
    } }, words));
  const wording = el("label", {}, "Corrected description", label);
  const refresh = () => {
    const { verdict } = verdictOf(name);
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict)));
    wording.hidden = verdict !== "edit";
  };
  const save = (change) => { saved.textContent = decide(name, change) ? "Kept in this browser." : "This browser keeps nothing: save the review before leaving."; refresh(); };
  label.addEventListener("input", () => save({ verdict: "edit", label: label.value }));
  note.addEventListener("input", () => save({ note: note.value }));
  refresh();
  return el("div.form", {}, el("h3", {}, "Your verdict"), el("div.buttons", {}, buttons, saved), wording, el("label", {}, "Note", note));
}

function openReview() {
  const who = el("input", { value: review.reviewer, autocomplete: "name" });
  who.addEventListener("input", () => { review.reviewer = who.value; remember("labeler-reviewer", who.value); remember(STORE, JSON.stringify(review)); });
  const file = el("input", { type: "file", accept: ".json,application/json", onchange: (event) => readFile(event.target.files[0]) });
  const own = Object.entries(review.verdicts).sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  const rows = own.map(([name, item]) => el("tr", {}, el("th", { scope: "row" }, el("a", { href: `#${name}` }, name)), el("td", {}, item.verdict || "note"), el("td", {}, item.label || ""), el("td", {}, item.note || ""), el("td", {}, (item.when || "").slice(0, 10))));
  const judged = own.filter(([name, item]) => item.verdict && PAGE.heads.includes(name)).length;
  $("#review").replaceChildren(
    el("h2", { id: "review-title" }, "Review"),
    el("p", {}, `${judged} of ${plural(PAGE.heads.length, "head")} judged. Open a head or a neuron and agree, correct or reject; j and k move on, a, e and r decide. Verdicts stay in this browser until you save them; then `, el("kbd", {}, "labeler review RUN review.json"), " merges the file into the run folder."),
    el("div.review-tools", {}, el("label", {}, "Your name ", who), el("button", { type: "button", id: "save-review", disabled: !own.length, onclick: saveReview }, "Save review.json"), el("label", {}, "Continue from a file ", file)),
    own.length ? el("table.review-list", {}, el("tbody", {}, rows)) : el("p.empty", {}, "No verdicts yet."));
}

function saveReview() {
  const link = el("a", { href: URL.createObjectURL(new Blob([JSON.stringify({ ...review, schema: 1, run: PAGE.run }, null, 1)], { type: "application/json" })), download: "review.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function readFile(file) {
  try {
    const given = JSON.parse(await file.text());
    if (given.run !== PAGE.run) throw new Error("it belongs to another run");
    review = { ...review, reviewer: given.reviewer || review.reviewer, verdicts: { ...review.verdicts, ...given.verdicts } };
    remember(STORE, JSON.stringify(review));
    showReviewed();
    openReview();
  } catch (error) { $("#review").append(el("p.warning", {}, `${file.name} cannot be used: ${error.message}`)); }
}
