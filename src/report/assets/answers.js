// The section "Answers from documents": scores by length and position, attention by layer, and single questions.
const shownAnswers = { group: 0, variant: 1, question: 0 };
const dashes = [[], [5, 3], [2, 2], [8, 3, 2, 3]];
const depthNames = ["first", "¼", "middle", "¾", "last"];

// Variants of one family share a colour; the dashes tell them apart.
const dashOf = (index) => {
  const before = data.variants.slice(0, index).filter((other) => other.slot === data.variants[index].slot).length;
  return dashes[before % dashes.length];
};
// The page carries pictures of the first variants only where there are very many.
const pictured = data.variants.slice(0, data.answers[0]?.variants.length);
const shownGroup = () => data.answers[shownAnswers.group];
const attendedTo = (group) => group.variants.some((variant) => variant !== null);

function keyOf(variant, index) {
  const key = make("li", {});
  key.innerHTML = `<svg viewBox="0 0 30 10" aria-hidden="true"><line x1="1" x2="29" y1="5" y2="5" stroke="${slotColor(variant.slot)}"` +
    ` stroke-width="2.5" stroke-dasharray="${dashOf(index).join(" ")}"/></svg>`;
  key.append(variant.name);
  return key;
}

// Points of a headline score over lengths or positions; `steps` are {at, task}.
function seriesOf(steps) {
  const points = [];
  pictured.forEach((variant, index) => {
    for (const { at, task } of steps) {
      const result = variant.results[task];
      if (result) {
        const scale = percent(data.tasks[task]);
        points.push({ name: variant.name, order: index, color: slotColor(variant.slot), dash: dashOf(index), at: String(at), y: result.value * scale,
          low: (result.low ?? result.value) * scale, high: (result.high ?? result.value) * scale,
          shift: (index - (pictured.length - 1) / 2) * Math.min(5, 60 / pictured.length),
          tip: `${variant.name}, ${at}: ${(result.value * scale).toFixed(1)} [${((result.low ?? result.value) * scale).toFixed(1)}, ` +
            `${((result.high ?? result.value) * scale).toFixed(1)}]` });
      }
    }
  });
  return points;
}

function seriesSpec(width, steps, title, points) {
  const task = data.tasks[steps[0].task];
  const x = { scale: "x", field: "at", offset: { field: "shift" } };
  return {
    $schema: "https://vega.github.io/schema/vega/v5.json",
    width, height: 280, padding: { left: 4, right: 8, top: 8, bottom: 4 }, autosize: { type: "fit", contains: "padding" },
    data: [{ name: "points", values: points }],
    scales: [
      { name: "x", type: "point", range: "width", padding: 0.5, domain: steps.map(({ at }) => String(at)) },
      { name: "y", type: "linear", range: "height", zero: false, nice: true, domain: { data: "points", fields: ["low", "high"] } },
    ],
    axes: [
      { orient: "left", scale: "y", grid: true, domain: false, ticks: false, tickCount: 5, title: named(task.metric, task.unit) },
      { orient: "bottom", scale: "x", title },
    ],
    marks: [{
      type: "group", from: { facet: { name: "line", data: "points", groupby: "name" } },
      marks: [
        { type: "rule", from: { data: "line" }, encode: { enter: { x, y: { scale: "y", field: "low" }, y2: { scale: "y", field: "high" },
          stroke: { field: "color" }, strokeWidth: { value: 1.5 }, strokeOpacity: { value: 0.45 } } } },
        { type: "line", from: { data: "line" }, encode: { enter: { x, y: { scale: "y", field: "y" }, stroke: { field: "color" },
          strokeWidth: { value: 2 }, strokeDash: { field: "dash" } } } },
        { type: "symbol", from: { data: "line" }, encode: { enter: { x, y: { scale: "y", field: "y" }, fill: { field: "color" },
          size: { value: 45 }, tooltip: { field: "tip" } } } },
      ],
    }],
  };
}

// Rows are layers, columns the depth of the right document; both maps share the scale `most`.
function heatSpec(width, variant, most) {
  const cells = [];
  variant.gold.forEach((row, layer) => row.forEach((share, depth) => {
    if (share !== null) {
      cells.push({ layer, depth: depthNames[depth], share: 100 * share,
        tip: `layer ${layer}, right document ${depthNames[depth]}: ${(100 * share).toFixed(1)} % of the attention to documents, ` +
          `${variant.n[depth]} answers` });
    }
  }));
  const layers = variant.gold.length;
  return {
    $schema: "https://vega.github.io/schema/vega/v5.json",
    width, height: Math.max(170, Math.min(340, 10 * layers + 60)), padding: { left: 4, right: 8, top: 8, bottom: 4 },
    autosize: { type: "fit", contains: "padding" },
    data: [{ name: "cells", values: cells }],
    scales: [
      { name: "x", type: "band", range: "width", domain: depthNames.filter((_, depth) => variant.n[depth] > 0), paddingInner: 0.03 },
      { name: "y", type: "band", range: [0, { signal: "height" }], domain: variant.gold.map((_, layer) => layer) },
      { name: "color", type: "linear", domain: [0, most], range: [token("--page"), token("--accent")] },
    ],
    axes: [
      { orient: "left", scale: "y", domain: false, ticks: false, title: "layer",
        values: variant.gold.map((_, layer) => layer).filter((layer) => layer % 5 === 0 || layer === layers - 1) },
      { orient: "bottom", scale: "x", domain: false, ticks: false, title: "the right document stands" },
    ],
    marks: [{ type: "rect", from: { data: "cells" }, encode: { enter: {
      x: { scale: "x", field: "depth" }, width: { scale: "x", band: 1 }, y: { scale: "y", field: "layer" }, height: { scale: "y", band: 1 },
      fill: { scale: "color", field: "share" }, tooltip: { field: "tip" } } } }],
  };
}

function funnelSpec(width, rows) {
  const y = (band) => ({ scale: "y", field: "name", band });
  const bar = (field, from, thick, opacity) => ({ type: "rect", from: { data: "rows" }, encode: { enter: {
    x: { scale: "x", value: 0 }, x2: { scale: "x", field }, y: y(from), height: { scale: "y", band: thick },
    fill: { field: "color" }, fillOpacity: { value: opacity }, tooltip: { field: "tip" } } } });
  return {
    $schema: "https://vega.github.io/schema/vega/v5.json",
    width, height: 34 * rows.length + 56, padding: { left: 4, right: 92, top: 8, bottom: 4 }, autosize: { type: "fit", contains: "padding" },
    data: [{ name: "rows", values: rows }],
    scales: [
      { name: "x", type: "linear", range: "width", domain: [0, Math.max(...rows.map((r) => r.asked))], nice: false },
      { name: "y", type: "band", range: "height", domain: rows.map((r) => r.name), paddingInner: 0.25 },
      { name: "ink", type: "ordinal", domain: rows.map((r) => r.name), range: rows.map((r) => r.color) },
    ],
    axes: [
      { orient: "left", scale: "y", domain: false, ticks: false, labelPadding: 8, labelLimit: 150,
        encode: { labels: { update: { fill: { scale: "ink", field: "value" }, fontWeight: { value: 600 } } } } },
      { orient: "bottom", scale: "x", grid: true, domain: false, tickCount: 5, title: "answers" },
    ],
    marks: [
      bar("asked", 0, 1, 0.08), bar("retrieved", 0, 1, 0.16), bar("attended", 0.15, 0.7, 0.4), bar("answered", 0.3, 0.4, 1),
      { type: "text", from: { data: "rows" }, encode: { enter: { x: { signal: "width + 8" }, y: y(0.5), baseline: { value: "middle" },
        text: { field: "words" }, fill: { value: token("--soft") }, fontSize: { value: 11.5 } } } },
    ],
  };
}

function funnelRows(group) {
  return pictured.flatMap((variant, index) => {
    const funnel = group.variants[index]?.funnel;
    return funnel ? [{ ...funnel, name: variant.name, color: slotColor(variant.slot),
      words: `${funnel.retrieved} › ${funnel.attended} › ${funnel.answered}`,
      tip: `${variant.name}: of ${funnel.asked} asked, ${funnel.retrieved} had the right document in the prompt, ${funnel.attended} looked at ` +
        `it most, ${funnel.answered} of these were answered right; ${funnel.right} right in all` }] : [];
  });
}

function divergenceSpec(width, points) {
  return {
    $schema: "https://vega.github.io/schema/vega/v5.json",
    width, height: 280, padding: { left: 4, right: 8, top: 8, bottom: 4 }, autosize: { type: "fit", contains: "padding" },
    data: [{ name: "points", values: points }],
    scales: [
      { name: "x", type: "linear", range: "width", nice: false, zero: false, domain: { data: "points", field: "layer" } },
      { name: "y", type: "linear", range: "height", zero: true, nice: true, domain: { data: "points", field: "value" } },
    ],
    axes: [
      { orient: "left", scale: "y", grid: true, domain: false, ticks: false, tickCount: 5, title: "divergence from the reference, bits" },
      { orient: "bottom", scale: "x", tickCount: 8, format: "d", title: "layer" },
    ],
    marks: [{ type: "group", from: { facet: { name: "line", data: "points", groupby: "name" } }, marks: [
      { type: "line", from: { data: "line" }, encode: { enter: { x: { scale: "x", field: "layer" }, y: { scale: "y", field: "value" },
        stroke: { field: "color" }, strokeWidth: { value: 2 }, strokeDash: { field: "dash" }, tooltip: { field: "name" } } } }] }],
  };
}

function divergencePoints(group) {
  return pictured.flatMap((variant, index) => (group.variants[index]?.divergence ?? []).flatMap((value, layer) =>
    (value === null ? [] : [{ name: variant.name, color: slotColor(variant.slot), dash: dashOf(index), layer, value }])));
}

function drawContexts(group) {
  const box = document.querySelector("#answers .by-context");
  clearFigures(box);
  const several = [[group.lengths, "Score by length of the prompt", "tokens of a prompt at most"],
    [group.positions, "Score by position of the right document", "documents in front of the right one"]].filter(([steps]) => steps.length > 1);
  for (const [steps, title, axis] of several) {
    const element = addFigure(box, title, `${data.tasks[steps[0].task].n_samples} questions, bars are 95 % intervals`);
    const points = seriesOf(steps);
    if (points.length === 0) {
      sayNone(element, "No variant has these scores yet.");
    } else {
      draw(element, seriesSpec(element.clientWidth, steps, axis, points));
    }
  }
  if (several.length === 0) {
    for (const task of group.tasks) {
      drawForest(addFigure(box, `Difference to the reference: ${data.tasks[task].name}`, `n = ${data.tasks[task].n_samples}`), task);
    }
  }
}

function drawHeat(box, group, indices) {
  const shown = indices.filter((index) => group.variants[index]);
  const shares = shown.flatMap((index) => group.variants[index].gold.flat().map((share) => 100 * (share ?? 0)));
  const reach = Math.max(1, ...shares);
  for (const index of shown) {
    const element = addFigure(box, `Share of the right document: ${data.variants[index].name}`, `0 to ${reach.toFixed(0)} %`);
    draw(element, heatSpec(element.clientWidth, group.variants[index], reach));
  }
}

function drawAttention(group) {
  const box = document.querySelector("#answers .by-attention");
  clearFigures(box);
  drawHeat(box, group, [0, shownAnswers.variant].filter((index, i, all) => all.indexOf(index) === i));
  const rows = funnelRows(group);
  if (rows.length > 0) {
    const element = addFigure(box, "From search to answer", "right document in the prompt › looked at most › answered right");
    draw(element, funnelSpec(element.clientWidth, rows));
  }
  const points = divergencePoints(group);
  if (points.length > 0) {
    const element = addFigure(box, "Divergence of the heads, by layer", "Jensen-Shannon, shares of the documents");
    draw(element, divergenceSpec(element.clientWidth, points));
  }
}

const sharesText = (share) => (share === undefined ? "–" : `${(100 * share).toFixed(1)} %`);

function passageOf(passage, share, most) {
  const element = make("div", { className: passage.gold ? "passage gold" : "passage" },
    make("header", {}, make("span", { textContent: passage.header }), make("b", { textContent: sharesText(share) })),
    make("p", { textContent: passage.text, title: passage.text }));
  element.style.setProperty("--weight", share === undefined || most === 0 ? 0 : share / most);
  return element;
}

function answerOf(index, answer) {
  const score = answer && answer.f1 !== null ? `F1 ${(100 * answer.f1).toFixed(0)} %` : "not answered yet";
  return make("div", { className: "who" }, make("b", { textContent: `${data.variants[index].name}: ${score}` }),
    answer ? answer.answer || "(empty)" : "");
}

function drawQuestion(group) {
  const box = document.querySelector("#answers .question");
  box.replaceChildren();
  const view = group.questions[shownAnswers.question];
  if (!view) {
    return;
  }
  const sides = [0, shownAnswers.variant].filter((index) => index < pictured.length);
  const answers = sides.map((index) => view.answers[index]);
  const most = Math.max(0, ...answers.flatMap((answer) => answer?.shares ?? []));
  const grid = make("div", { className: "sides" }, ...sides.map((index, i) => answerOf(index, answers[i])));
  view.passages.forEach((passage, number) => grid.append(...answers.map((answer) => passageOf(passage, answer?.shares[number], most))));
  box.append(make("p", { className: "asked", textContent: view.question.replace(/\s*Answer:\s*$/, "") }), make("p", { className: "wanted", textContent: `Wanted: ${view.wanted || "no answer"}` }), grid);
}

function fillQuestions(group) {
  const select = document.querySelector('#answers [data-choose="question"]');
  select.replaceChildren(...group.questions.map((view, index) =>
    make("option", { value: index, textContent: `${index + 1}: ${view.question.replace(/^Question:\s*/, "").replace(/\s*\n.*$/s, "").slice(0, 70)}` })));
  select.value = shownAnswers.question;
}

function drawAnswers() {
  if (data.answers.length === 0) {
    return;
  }
  const group = shownGroup();
  document.querySelector("#answers .keys").replaceChildren(...pictured.map(keyOf));
  document.querySelector("#answers .pictured").textContent = pictured.length === data.variants.length ? ""
    : `The pictures show the first ${pictured.length} of ${data.variants.length} variants; the tables have all of them.`;
  drawContexts(group);
  const attended = attendedTo(group);
  document.querySelector("#answers .attended").hidden = !attended;
  if (attended) {
    drawAttention(group);
    drawQuestion(group);
  }
  document.querySelector("#answers .question").hidden = group.questions.length === 0;
}

function makeAnswers() {
  if (data.answers.length === 0) {
    return;
  }
  shownAnswers.variant = Math.min(1, pictured.length - 1);
  const tabs = document.querySelector("#answers .tabs");
  data.answers.forEach((group, index) => {
    const button = make("button", { type: "button", role: "tab", textContent: group.name, ariaSelected: String(index === 0) });
    button.addEventListener("click", () => {
      Object.assign(shownAnswers, { group: index, question: 0 });
      tabs.querySelectorAll("button").forEach((other, i) => { other.ariaSelected = String(i === index); });
      fillQuestions(group);
      drawAnswers();
    });
    tabs.append(button);
  });
  const variants = document.querySelector('#answers [data-choose="variant"]');
  variants.append(...pictured.flatMap((variant, index) =>
    (variant.reference ? [] : [make("option", { value: index, textContent: variant.name })])));
  variants.addEventListener("change", () => {
    shownAnswers.variant = Number(variants.value);
    drawAttention(shownGroup());
    drawQuestion(shownGroup());
  });
  document.querySelector('#answers [data-choose="question"]').addEventListener("change", (event) => {
    shownAnswers.question = Number(event.target.value);
    drawQuestion(shownGroup());
  });
  fillQuestions(shownGroup());
}
