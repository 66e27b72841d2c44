// The plots: specifications for Vega, made from the data of the page and the colours of the theme.
const data = unpacked(JSON.parse(document.getElementById("data").textContent));
const shapes = ["diamond", "circle", "square", "triangle-up", "cross", "triangle-down", "triangle-left", "triangle-right"];
const views = new Map();

// Variants named in a plot of points, and rows in one of differences, before a choice is made and said.
const mostNames = 30;
const mostRows = 60;

const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// Results come as arrays: a page of thousands of variants has no room for their names.
function unpacked(page) {
  const result = ([value, low, high, ...rest]) => {
    const [difference, least, most, p, significant] = rest;
    return { value, low, high,
      difference: rest.length > 0 ? { value: difference, low: least, high: most, p_adjusted: p, significant: significant === 1 } : undefined };
  };
  for (const variant of page.variants) {
    variant.results = variant.results.map((row) => (row === null ? null : result(row)));
  }
  page.advice = unpackedAdvice(page.advice);
  return page;
}

// Colours of the theme, which thousands of marks ask for; forgotten with it.
const tokens = new Map();
const token = (name) => {
  if (!tokens.has(name)) {
    tokens.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  }
  return tokens.get(name);
};
const slotColor = (slot) => token(`--slot-${slot % 8}`);
const slotShape = (slot) => shapes[slot % 8];
const percent = (task) => (task.unit === "%" ? 100 : 1);

function configuration() {
  const [soft, faint, line, sans] = ["--soft", "--faint", "--line", "--sans"].map(token);
  return {
    background: null,
    axis: {
      labelFont: sans, titleFont: sans, labelFontSize: 11.5, titleFontSize: 12, titleFontWeight: 500, labelColor: soft,
      titleColor: soft, domainColor: line, tickColor: line, gridColor: line, gridOpacity: 0.7, tickSize: 4, labelPadding: 5,
      titlePadding: 10,
    },
    text: { font: sans, fontSize: 11.5, fill: token("--ink") },
    symbol: { stroke: faint },
  };
}

// Plots are drawn when they come near the window.
const waiting = new WeakMap();
const near = new IntersectionObserver((entries) => {
  entries.filter((entry) => entry.isIntersecting).forEach((entry) => drawNow(entry.target));
}, { rootMargin: "600px" });

function drawNow(place) {
  near.unobserve(place);
  waiting.get(place)?.();
  waiting.delete(place);
}

function drawWaiting() {
  document.querySelectorAll(".plot > div").forEach(drawNow);
}

function draw(element, spec) {
  views.get(element)?.finalize();
  views.delete(element);
  const place = make("div", {});
  place.style.minHeight = `${spec.height}px`;
  element.replaceChildren(place);
  waiting.set(place, () => {
    const view = new vega.View(vega.parse(spec, configuration()), { renderer: "svg" });
    views.set(element, view);
    view.initialize(place).hover().run();
  });
  near.observe(place);
}

function sayNone(element, text) {
  views.get(element)?.finalize();
  views.delete(element);
  const p = document.createElement("p");
  p.className = "none";
  p.textContent = text;
  element.replaceChildren(p);
}

function sayBelow(element, text) {
  element.append(make("p", { className: "how", textContent: text }));
}

// Some names, and how many others there are.
function someNames(names) {
  const others = names.length - mostNames;
  return names.slice(0, mostNames).join(", ") + (others > 0 ? ` and ${others} more` : "");
}

// Names below a plot what it leaves out: numbers that are missing or infinite.
function nameAbsent(element, names) {
  if (names.length > 0) {
    sayBelow(element, `Not shown, because a number is missing or infinite: ${someNames(names)}.`);
  }
}

const signed = (value, digits) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);
const named = (name, unit) => (unit ? `${name}, ${unit}` : name);
const digitsFor = (size) => (size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);

// The points of one task on one cost axis; variants without both numbers are left out and named below the plot.
function scatterPoints(taskIndex, cost) {
  const task = data.tasks[taskIndex];
  const scale = percent(task);
  const points = [];
  const absent = [];
  for (const variant of data.variants) {
    const result = variant.results[taskIndex];
    const x = cost.of(variant);
    if (result === null || x === null) {
      absent.push(variant.name);
      continue;
    }
    points.push({
      name: variant.name, color: slotColor(variant.slot), shape: slotShape(variant.slot), reference: variant.reference, x,
      y: result.value * scale, low: (result.low ?? result.value) * scale, high: (result.high ?? result.value) * scale,
      tip: `${variant.name}: ${(result.value * scale).toPrecision(4)} ${task.unit}, ${x.toPrecision(4)} ${cost.unit}`,
    });
  }
  return { points, absent };
}

// The variants that no other beats on both axes, from the worst to the best on the cost axis.
function frontier(points, better, costBetter) {
  const isBetter = (a, b, higher) => (higher ? a > b : a < b);
  return points
    .filter((p) => !points.some((q) =>
      (isBetter(q.x, p.x, costBetter) && !isBetter(p.y, q.y, better)) ||
      (isBetter(q.y, p.y, better) && !isBetter(p.x, q.x, costBetter))))
    .sort((a, b) => a.x - b.x);
}

// 1, 2 and 5 times the powers of ten around the points; the powers alone where that would be many.
function logTicks(points) {
  const first = Math.floor(Math.log10(Math.min(...points.map((p) => p.low))));
  const last = Math.ceil(Math.log10(Math.max(...points.map((p) => p.high))));
  const factors = last - first > 3 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = first; power <= last; ++power) {
    ticks.push(...factors.map((factor) => factor * 10 ** power));
  }
  return ticks;
}

// Of many points those are named that no other beats, and the reference.
function namedPoints(points, front) {
  return points.length <= mostNames ? points : points.filter((p) => p.reference || front.includes(p));
}

function scatterSpec(width, task, cost, points) {
  const front = frontier(points, task.higher, cost.higher);
  const withName = namedPoints(points, front);
  const symbol = (name, values) => ({ type: "symbol", name, from: { data: values }, encode: { enter: {
    x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" }, fill: { field: "color" }, shape: { field: "shape" },
    size: { value: points.length <= mostNames ? 120 : 50 }, stroke: { value: token("--card") }, strokeWidth: { value: points.length <= mostNames ? 1.5 : 0.75 },
    tooltip: { field: "tip" } } } });
  const lows = points.map((p) => p.low).filter((v) => v > 0);
  const spread = Math.max(...points.map((p) => p.high)) / Math.min(...lows);
  const log = task.unit !== "%" && lows.length === points.length && spread > 6;
  const reference = points.find((p) => p.reference);
  const arrow = task.higher ? "higher is better" : "lower is better";
  const bars = (extra) => ({
    type: "rule", from: { data: "points" },
    encode: { enter: {
      x: { scale: "x", field: "x" }, y: { scale: "y", field: "low" }, y2: { scale: "y", field: "high" },
      stroke: { field: "color" }, strokeWidth: { value: 1.5 }, strokeOpacity: { value: 0.45 },
    } }, ...extra,
  });
  const band = reference ? [{
    type: "rect",
    encode: { enter: {
      x: { value: 0 }, x2: { signal: "width" }, y: { scale: "y", value: reference.low }, y2: { scale: "y", value: reference.high },
      fill: { value: slotColor(0) }, fillOpacity: { value: 0.06 },
    } },
  }, {
    type: "rule",
    encode: { enter: {
      x: { value: 0 }, x2: { signal: "width" }, y: { scale: "y", value: reference.y }, stroke: { value: slotColor(0) },
      strokeOpacity: { value: 0.5 }, strokeDash: { value: [4, 4] },
    } },
  }] : [];
  const unnamed = points.filter((p) => !withName.includes(p));
  const others = unnamed.length > 0 ? [symbol("others", "unnamed")] : [];  // labels cannot avoid marks that are not there
  return {
    $schema: "https://vega.github.io/schema/vega/v5.json",
    width, height: Math.round(Math.min(340, Math.max(250, width * 0.66))), padding: { left: 4, right: 8, top: 8, bottom: 4 },
    autosize: { type: "fit", contains: "padding" },
    data: [{ name: "points", values: points }, { name: "front", values: front }, { name: "named", values: withName },
      { name: "unnamed", values: unnamed }],
    scales: [
      { name: "x", type: "linear", range: "width", zero: false, nice: true, padding: 24, domain: { data: "points", field: "x" } },
      { name: "y", type: log ? "log" : "linear", range: "height", zero: false, nice: true,
        domain: { data: "points", fields: ["low", "high"] } },
    ],
    axes: [
      { orient: "left", scale: "y", grid: true, domain: false, ticks: false, tickCount: 5,
        ...(log ? { values: logTicks(points), format: "~s" } : {}),
        title: `${named(task.metric, task.unit)} (${arrow})` },
      { orient: "bottom", scale: "x", tickCount: 6, title: `${cost.title} (${cost.higher ? "higher" : "lower"} is better)` },
    ],
    marks: [
      ...band,
      { type: "line", from: { data: "front" }, encode: { enter: {
        x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" }, stroke: { value: token("--faint") }, strokeWidth: { value: 1 },
        strokeOpacity: { value: 0.8 } } } },
      bars({ name: "bars" }),
      ...others,
      symbol("marks", "named"),
      { type: "text", from: { data: "marks" }, encode: { enter: {
        text: { field: "datum.name" }, fill: { field: "datum.color" }, fontSize: { value: 11.5 }, fontWeight: { value: 600 } } },
        transform: [{ type: "label", avoidMarks: ["bars", ...others.map(({ name }) => name)], avoidBaseMark: true,
          anchor: ["right", "left", "top-right", "bottom-right", "top-left", "bottom-left", "top", "bottom"], offset: [5],
          size: { signal: "[width + 8, height + 8]" }, padding: 8 }] },
    ],
  };
}

const costs = {
  size: { title: "File size, MB", unit: "MB", higher: false, of: (variant) => variant.size_mb },
  speed: { title: "Decode speed, tokens/s", unit: "tokens/s", higher: true,
    of: (variant) => (variant.decode_ms ? 1000 / variant.decode_ms : null) },
};

function drawScatter(element, taskIndex) {
  const cost = costs[element.dataset.plot];
  const { points, absent } = scatterPoints(taskIndex, cost);
  if (points.length === 0) {
    sayNone(element, "No variant has both numbers yet.");
    return;
  }
  draw(element, scatterSpec(element.clientWidth, data.tasks[taskIndex], cost, points));
  nameAbsent(element, absent);
}

// Bounds beyond the axis would squeeze everything else; such rows get an arrow and their number in words.
function axisLimit(rows) {
  const reach = rows.map((r) => Math.max(Math.abs(r.low), Math.abs(r.high))).sort((a, b) => a - b);
  const middle = reach[Math.floor((reach.length - 1) / 2)];
  const inside = reach.filter((r) => r <= 8 * middle);
  return 1.12 * (inside.at(-1) || reach.at(-1) || 1);
}

function forestRows(taskIndex) {
  const scale = percent(data.tasks[taskIndex]);
  const rows = [];
  const absent = [];
  for (const variant of data.variants.filter((v) => !v.reference)) {
    const d = variant.results[taskIndex]?.difference;
    if (!d) {
      absent.push(variant.name);
      continue;
    }
    rows.push({ name: variant.name, color: slotColor(variant.slot), shape: slotShape(variant.slot), value: d.value * scale,
      low: d.low * scale, high: d.high * scale, significant: d.significant, p: d.p_adjusted });
  }
  return { rows, absent };
}

// Where there are too many to read, the best and the worst.
function outermost(rows, higher) {
  if (rows.length <= mostRows) {
    return rows;
  }
  const best = [...rows].sort((a, b) => (higher ? b.value - a.value : a.value - b.value));
  return best.slice(0, mostRows / 2).concat(best.slice(-mostRows / 2));
}

function forestSpec(width, task, rows) {
  const limit = axisLimit(rows);
  const domain = [Math.min(0, ...rows.map((r) => Math.max(-limit, r.low))), Math.max(0, ...rows.map((r) => Math.min(limit, r.high)))];
  const margin = 0.06 * (domain[1] - domain[0]);
  domain[0] -= margin;
  domain[1] += margin;
  const clamp = (value) => Math.max(domain[0], Math.min(domain[1], value));
  for (const row of rows) {
    row.beyond = Math.abs(row.value) > limit;
    row.at = clamp(row.value);
    row.from = clamp(row.low);
    row.to = clamp(row.high);
    row.arrow = (row.value > 0) === task.higher ? "triangle-right" : "triangle-left";
    const digits = task.unit === "%" ? 1 : digitsFor(Math.abs(row.value));
    row.words = signed(row.value, digits) + (row.significant ? "*" : "");
    row.tip = `${row.name}: ${signed(row.value, digits)} [${signed(row.low, digits)}, ${signed(row.high, digits)}] ` +
      `${task.difference_unit} (p after Holm ${row.p < 0.001 ? "< 0.001" : row.p.toFixed(3)})`;
  }
  const end = (text, align, x) => ({
    type: "text", encode: { enter: { text: { value: text }, align: { value: align }, x, y: { value: -8 },
      fill: { value: token("--faint") }, fontSize: { value: 11 } } },
  });
  const y = { scale: "y", field: "name", band: 0.5 };
  return {
    $schema: "https://vega.github.io/schema/vega/v5.json",
    width, height: 28 * rows.length + 62, padding: { left: 4, right: 62, top: 20, bottom: 4 },
    autosize: { type: "fit", contains: "padding" },
    data: [{ name: "rows", values: rows }],
    scales: [
      { name: "x", type: "linear", range: "width", domain, reverse: !task.higher, zero: false, nice: false },
      { name: "y", type: "band", range: "height", domain: { data: "rows", field: "name" } },
      { name: "ink", type: "ordinal", domain: rows.map((r) => r.name), range: rows.map((r) => r.color) },
    ],
    axes: [
      { orient: "left", scale: "y", domain: false, ticks: false, labelPadding: 8, labelLimit: 150,
        encode: { labels: { update: { fill: { scale: "ink", field: "value" }, fontWeight: { value: 600 } } } } },
      { orient: "bottom", scale: "x", grid: true, tickCount: 5, domain: false,
        encode: { labels: { update: { text: { signal: "datum.value == 0 ? '0' : format(datum.value, '+~r')" } } } },
        title: `change of ${named(task.metric, task.difference_unit)}` },
    ],
    marks: [
      end("← worse", "left", { value: 0 }), end("better →", "right", { signal: "width" }),
      { type: "rule", encode: { enter: { x: { scale: "x", value: 0 }, y: { value: 0 }, y2: { signal: "height" },
        stroke: { value: slotColor(0) }, strokeOpacity: { value: 0.7 } } } },
      { type: "rule", from: { data: "rows" }, encode: { enter: { x: { scale: "x", field: "from" }, x2: { scale: "x", field: "to" }, y,
        stroke: { field: "color" }, strokeWidth: { value: 2 },
        strokeOpacity: { signal: "datum.beyond ? 0 : 0.55" } } } },
      { type: "symbol", from: { data: "rows" }, encode: { enter: { x: { scale: "x", field: "at" }, y, size: { value: 90 },
        shape: { signal: "datum.beyond ? datum.arrow : datum.shape" },
        fill: { signal: `datum.significant ? datum.color : '${token("--card")}'` }, stroke: { field: "color" },
        strokeWidth: { value: 2 }, tooltip: { field: "tip" } } } },
      { type: "text", from: { data: "rows" }, encode: { enter: { x: { signal: "width + 10" }, y, baseline: { value: "middle" },
        text: { field: "words" }, fontWeight: { signal: "datum.significant ? 600 : 400" }, fontSize: { value: 11.5 },
        fill: { signal: `datum.significant ? '${token("--ink")}' : '${token("--soft")}'` } } } },
    ],
  };
}

// Empties a box of pictures.
function clearFigures(box) {
  for (const element of box.querySelectorAll(".plot")) {
    views.get(element)?.finalize();
    views.delete(element);
  }
  box.replaceChildren();
}

// A picture with its title, and the element that a plot is drawn into.
function addFigure(box, title, small) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = title;
  if (small) {
    const element = document.createElement("small");
    element.textContent = small;
    caption.append(element);
  }
  const plot = document.createElement("div");
  plot.className = "plot";
  figure.append(caption, plot);
  box.append(figure);
  return plot;
}

// Tasks over documents have a section of their own.
function drawForests() {
  const box = document.querySelector(".plots.forest");
  const tasks = data.tasks.map((task, index) => ({ task, index })).filter(({ task }) => !task.over_documents);
  if (box.childElementCount === 0) {
    for (const { task } of tasks) {
      addFigure(box, task.name, `n = ${task.n_samples}`);
    }
  }
  box.querySelectorAll(".plot").forEach((element, i) => drawForest(element, tasks[i].index));
}

function drawForest(element, taskIndex) {
  const { rows, absent } = forestRows(taskIndex);
  if (rows.length === 0) {
    sayNone(element, "Nothing to compare yet.");
  } else {
    const shown = outermost(rows, data.tasks[taskIndex].higher);
    draw(element, forestSpec(element.clientWidth, data.tasks[taskIndex], shown));
    if (shown.length < rows.length) {
      sayBelow(element, `The ${mostRows / 2} best and the ${mostRows / 2} worst of ${rows.length} variants; the table below has all of them.`);
    }
    nameAbsent(element, absent);
  }
}
