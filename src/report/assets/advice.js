// The section "Which one to deploy": limits that a reader moves, and the answer of the rule.
const costLimits = {
  memory: { title: "Peak memory", unit: "MB", scale: 1e-6 },
  first_token: { title: "First token, median", unit: "ms", scale: 1 },
  first_token_p95: { title: "First token, 95th percentile", unit: "ms", scale: 1 },
  decode: { title: "Decoding", unit: "ms/token", scale: 1 },
  energy: { title: "Energy, measured", unit: "J/token", scale: 1 },
};
const lossLimits = {
  share: { title: "Loss, shares", unit: "points", most: 20, step: 0.5, start: 2 },
  other: { title: "Loss, other scores", unit: "% of the reference’s", most: 50, step: 1, start: 5 },
};
const limitSteps = 60;
const chosen = { costs: {}, losses: { share: 2, other: 5 }, counts: [], prefer: "memory" };

const short = (value) => (value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3))));

// From a little below the least number to the most; the last step is no limit.
function costScale(kind) {
  const numbers = data.advice.variants.map((variant) => variant[kind].value ?? variant[kind].least).filter((x) => x !== null);
  if (numbers.length === 0) {
    return null;
  }
  const least = Math.min(...numbers) * 0.9;
  const most = Math.max(...numbers) * 1.02;
  return (step) => (step >= limitSteps ? null : least * (most / least) ** (step / (limitSteps - 1)));
}

function slider(title, options, text, change) {
  const output = make("output", { textContent: text(options.value) });
  const input = make("input", { type: "range", min: 0, ...options });
  input.value = options.value;
  input.addEventListener("input", () => {
    change(Number(input.value));
    output.textContent = text(Number(input.value));
    showAdvice();
  });
  return make("label", { className: "limit" }, make("span", {}, title), output, input);
}

function costSliders() {
  return Object.entries(costLimits).flatMap(([kind, { title, unit, scale }]) => {
    const at = costScale(kind);
    chosen.costs[kind] = null;
    if (at === null) {
      return [];
    }
    const text = (step) => (at(step) === null ? "no limit" : `≤ ${short(at(step) * scale)} ${unit}`);
    return [slider(title, { max: limitSteps, value: limitSteps }, text, (step) => { chosen.costs[kind] = at(step); })];
  });
}

function lossSliders() {
  return Object.entries(lossLimits).flatMap(([kind, { title, unit, most, step, start }]) => {
    if (!data.advice.tasks.some((task) => task.kind === kind)) {
      return [];
    }
    const text = (value) => `≤ ${value} ${unit}`;
    return [slider(title, { max: most, step, value: start }, text, (value) => { chosen.losses[kind] = value; })];
  });
}

function taskBoxes() {
  const boxes = data.tasks.flatMap((task, t) => {
    const counts = data.advice.tasks[t].kind in lossLimits;
    chosen.counts[t] = counts;
    if (!counts) {
      return [];
    }
    const input = make("input", { type: "checkbox", checked: true });
    input.addEventListener("change", () => {
      chosen.counts[t] = input.checked;
      showAdvice();
    });
    return [make("label", {}, input, task.name)];
  });
  return make("fieldset", { className: "counts" }, make("legend", { textContent: "Tasks that count" }), ...boxes);
}

function preferenceBox() {
  const select = make("select", {});
  const names = { memory: "least memory", speed: "fastest decoding", energy: "least energy", quality: "least loss" };
  for (const [value, text] of Object.entries(names)) {
    if (value !== "energy" || costScale("energy") !== null) {
      select.append(make("option", { value, textContent: text }));
    }
  }
  select.addEventListener("change", () => {
    chosen.prefer = select.value;
    showAdvice();
  });
  return make("label", { className: "limit" }, make("span", {}, "Prefer"), select);
}

function currentLimits() {
  const margins = data.advice.tasks.map((task, t) => {
    if (!chosen.counts[t]) {
      return null;
    }
    return task.kind === "share" ? chosen.losses.share / 100 : Math.abs(task.reference ?? 0) * chosen.losses.other / 100;
  });
  return { ...chosen.costs, margins, prefer: chosen.prefer };
}

const nameOf = (v) => data.variants[v].name;
const mostBetter = 8;
const fewNames = (some) => some.slice(0, mostBetter).map(nameOf).join(", ") + (some.length > mostBetter ? ` and ${some.length - mostBetter} more` : "");

function reasonText(row, v) {
  const variant = data.advice.variants[v];
  if (row.kind !== "loss") {
    const { title, unit, scale } = costLimits[row.kind];
    const { value, least, reason } = variant[row.kind];
    const known = value ?? least;
    return known === null || row.verdict === "undecided"
      ? `${title}: ${reason}` : `${title}: ${value === null ? "at least " : ""}${short(known * scale)} ${unit}`;
  }
  const task = data.tasks[row.task];
  const loss = variant.losses[row.task];
  if (loss.low === null) {
    return `${task.name}: ${loss.reason}`;
  }
  const scale = percent(task);
  const numbers = [loss.seen, loss.low, loss.high].map((x) => signed(x * scale, digitsFor(Math.abs(x * scale))));
  const unit = task.difference_unit === "" ? "" : ` ${task.difference_unit}`;
  return `${task.name}: loss ${numbers[0]} [${numbers[1]}, ${numbers[2]}]${unit}, n = ${loss.n}`;
}

const verdictWords = { met: "meets all", undecided: "not decidable", failed: "out" };

function variantRow(row, v, advice) {
  const reasons = row.limited.filter((one) => one.verdict !== "met" && (row.verdict === "undecided" || one.verdict === "failed"));
  const texts = reasons.map((one) => make("div", {}, reasonText(one, v)));
  if (row.dominatedBy.length > 0) {
    texts.push(make("div", {}, `beaten on everything by ${fewNames(row.dominatedBy)}`));
  }
  const place = v === advice.winner ? "recommended" : v === advice.runnerUp ? "runner-up" : verdictWords[row.verdict];
  const chip = make("span", { className: `verdict ${row.verdict}${v === advice.winner ? " first" : ""}`, textContent: place });
  return make("tr", {}, make("th", { scope: "row", textContent: nameOf(v) }), make("td", {}, chip), make("td", { className: "why" }, ...texts));
}

function answerText(advice) {
  if (advice.status === "none") {
    return "None: every variant fails a limit.";
  }
  if (advice.status === "undecided") {
    return "Not decidable: no variant is shown to meet all limits, and some may. More samples, or wider margins, would tell.";
  }
  const better = fewNames(advice.mightBeBetter);
  return `Deploy ${nameOf(advice.winner)}.${better === "" ? "" : ` Not decidable, but ahead if it met the limits: ${better}.`}`;
}

const mostAdvised = 20;

// The order of the study; of very many the recommended one first, then by verdict.
function shownVariants(advice) {
  const all = advice.variants.map((_, v) => v);
  if (all.length <= mostRows) {
    return all;
  }
  const verdicts = Object.keys(verdictWords);
  const place = (v) => (v === advice.winner ? -2 : v === advice.runnerUp ? -1 : verdicts.indexOf(advice.variants[v].verdict));
  return all.sort((a, b) => place(a) - place(b) || a - b).slice(0, mostAdvised);
}

function showAdvice() {
  const advice = adviseVariants(data.advice.variants, currentLimits());
  const shown = shownVariants(advice);
  document.querySelector("#advice .answer").textContent = answerText(advice);
  document.querySelector("#advice tbody").replaceChildren(...shown.map((v) => variantRow(advice.variants[v], v, advice)));
  const all = advice.variants.length;
  document.querySelector("#advice .shown").textContent = shown.length === all ? ""
    : `${shown.length} of ${all} variants, those that meet the limits first; nibble recommend names all of them.`;
}

function makeAdvice() {
  document.querySelector("#advice .limits").append(...costSliders(), ...lossSliders(), preferenceBox(), taskBoxes());
  showAdvice();
}
