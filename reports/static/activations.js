/* Activations: the heat map of a prompt, and which points of the map of tokens are filled. */
function openActivations() {
  if ($("#heat")) showHeat();
}

function showHeat() {
  fill($("#heat"), "heat", ({ maps, words }) => {
    const { tokens, neurons, labels, values } = maps[$("#heat-prompt").value];
    const cell = (value, i) => el(
      `td.w${Math.round(clamp(value / 0.8, -5, 5)) + 5}`, { title: `${words[tokens[i]]} ${decimal(value, 1)}` },
    );
    const row = (name, i) => el("tr", {
      onfocusin: () => say(i), onpointerenter: () => say(i),
    }, el("th", { scope: "row" }, link(name)), values[i].map(cell));
    const say = (i) => {
      const most = values[i].map((value, at) => [value, at]).sort(([a], [b]) => b - a).slice(0, 3);
      $("#heat-says").replaceChildren(
        link(neurons[i]), ` most on ${most.map(([value, at]) => `${words[tokens[at]]} ${decimal(value, 1)}`).join(", ")}. `,
        words[labels[i]],
      );
    };
    const head = tokens.map((token) => el("th", { scope: "col" }, el("bdi", {}, words[token])));
    $("#heat").replaceChildren(el("table.heat", {}, el("thead", {}, el("tr", {}, el("td"), head)), el("tbody", {}, neurons.map(row))));
  });
}

function showFeature({ target }) {
  const { on, says } = target.selectedOptions[0].dataset;
  const inside = new Set(on.split(" ").map(Number));
  for (const plane of $$(".scatter")) {
    $$("circle", plane).forEach((dot, i) => dot.classList.toggle("on", inside.has(i)));
  }
  $("#map-says").textContent = says;
}

function startActivations() {
  $("#heat-prompt")?.addEventListener("input", showHeat);
  $("#map-feature")?.addEventListener("input", showFeature);
}
