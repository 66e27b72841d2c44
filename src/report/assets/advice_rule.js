// The rule of `nibble recommend` (src/report/advice), over the numbers that the page carries. No document is touched here.
const costKinds = ["memory", "first_token", "first_token_p95", "decode", "energy"];

// Costs and losses by name, of the arrays that the page carries.
function unpackedAdvice({ tasks, variants, reasons }) {
  const cost = ([value, least, reason]) => ({ value, least, reason: reasons[reason] });
  const loss = ([seen, low, high, n, reason]) => ({ seen, low, high, n, reason: reasons[reason] });
  return {
    tasks,
    variants: variants.map(({ costs, losses }) => ({
      ...Object.fromEntries(costKinds.map((kind, i) => [kind, cost(costs[i])])), losses: losses.map(loss),
    })),
  };
}

// "met", "failed" or "undecided".
function judgeCost(cost, limit) {
  if (cost.value !== null) {
    return cost.value <= limit ? "met" : "failed";
  }
  return cost.least !== null && cost.least > limit ? "failed" : "undecided";
}

function judgeLoss(loss, margin) {
  if (loss.low === null || loss.high === null) {
    return "undecided";
  }
  if (loss.high <= margin) {
    return "met";
  }
  return loss.low > margin ? "failed" : "undecided";
}

// Less is better in all of them; null is not known.
function numbersOf(variant, limits) {
  const costs = [variant.memory.value ?? variant.memory.least, variant.first_token.value, variant.decode.value, variant.energy.value];
  return costs.concat(variant.losses.filter((_, t) => limits.margins[t] !== null).map((loss) => loss.seen));
}

// Of the numbers of two variants.
function dominates(a, b) {
  let isLess = false;
  for (let i = 0; i < a.length; ++i) {
    if ((a[i] === null) !== (b[i] === null) || a[i] > b[i]) {
      return false;
    }
    isLess ||= a[i] < b[i];
  }
  return isLess;
}

function preferredNumber(variant, limits) {
  if (limits.prefer === "memory") {
    return variant.memory.value ?? variant.memory.least ?? Infinity;
  }
  if (limits.prefer === "quality") {
    const shares = variant.losses.flatMap((loss, t) => {
      const margin = limits.margins[t];
      const seen = loss.seen ?? Infinity;
      return margin === null ? [] : [margin > 0 ? seen / margin : seen];
    });
    return Math.max(...shares);
  }
  return (limits.prefer === "speed" ? variant.decode : variant.energy).value ?? Infinity;
}

function bestOf(variants, some, limits, numbers) {
  let best = null;
  for (const v of some) {
    const value = preferredNumber(variants[v], limits);
    const isBeaten = some.some((other) => dominates(numbers[other], numbers[v]));
    if (!isBeaten && value < Infinity && (best === null || value < preferredNumber(variants[best], limits))) {
      best = v;
    }
  }
  return best;
}

function overallVerdict(verdicts) {
  if (verdicts.includes("failed")) {
    return "failed";
  }
  return verdicts.includes("undecided") ? "undecided" : "met";
}

// limits: a number or null for each of costKinds; margins by task in the metric's unit, null: the task does not count; prefer.
function adviseVariants(variants, limits) {
  const judged = variants.map((variant) => {
    const costs = costKinds.filter((kind) => limits[kind] !== null)
      .map((kind) => ({ kind, verdict: judgeCost(variant[kind], limits[kind]) }));
    const losses = variant.losses.flatMap((loss, task) =>
      (limits.margins[task] === null ? [] : [{ kind: "loss", task, verdict: judgeLoss(loss, limits.margins[task]) }]));
    const limited = costs.concat(losses);
    return { verdict: overallVerdict(limited.map((row) => row.verdict)), limited };
  });
  const all = variants.map((_, v) => v);
  const numbers = variants.map((variant) => numbersOf(variant, limits));
  const dominators = all.map((b) => all.filter((a) => dominates(numbers[a], numbers[b])));
  judged.forEach((row, b) => { row.dominatedBy = dominators[b].filter((a) => dominators[a].length === 0); });
  const admissible = all.filter((v) => judged[v].verdict === "met");
  const undecided = all.filter((v) => judged[v].verdict === "undecided");
  const winner = bestOf(variants, admissible, limits, numbers);
  if (winner === null) {
    const status = admissible.length === 0 && undecided.length === 0 ? "none" : "undecided";
    return { status, winner, runnerUp: null, mightBeBetter: [], variants: judged };
  }
  return {
    status: "recommended",
    winner,
    runnerUp: bestOf(variants, admissible.filter((v) => v !== winner), limits, numbers),
    mightBeBetter: undecided.filter((v) => preferredNumber(variants[v], limits) < preferredNumber(variants[winner], limits)),
    variants: judged,
  };
}
