"use strict";
// The page of `inspector track`. One number, the chosen checkpoint, is shown by the slider, the curves, the table and
// the film; whichever of them a person touches, `choose` tells the others.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const video = byId("film");
const state = { series: 0, explanation: 0, source: "probe", checkpoint: 0 };

const series = () => data.series[state.series];
const curve = () => series().curves[state.explanation];
const found = () => series().numbers[state.explanation][state.source];
const known = (value) => value !== null && value !== undefined;
const terms = data.terms;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// --- numbers for people

const NONE = "–";
const percent = (value) => (known(value) ? `${(100 * value).toFixed(value > 0 && value < 0.001 ? 2 : 1)} %` : NONE);
const between = ([, low, high], text) => (known(low) && known(high) ? `${text(low)} to ${text(high)}` : "");
const times = (value) => (known(value) ? `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ×` : NONE);
const resultText = (value) => value.toFixed(terms.digits).replace("-", "−") + terms.sign;

function small(value) {
  if (!known(value)) return NONE;
  if (value === 0 || Math.abs(value) >= 0.001) return String(Number(value.toPrecision(3))).replace("-", "−");
  const [digits, exponent] = value.toExponential(1).split("e");
  const raised = [...exponent.replace("+", "")].map((one) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(one)]).join("");
  return `${digits} × 10${raised}`;
}

function framesText(frames) {
  for (const [size, unit] of [[1e6, "M"], [1e3, "k"]]) {
    if (frames >= size) return `${(frames / size).toFixed(frames >= 100 * size ? 0 : 1)} ${unit}`;
  }
  return String(frames);
}

// --- elements

function make(name, attributes = {}, ...children) {
  const drawn = ["svg", "g", "line", "path", "circle", "rect", "text", "title"].includes(name);
  const element = drawn ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter(known));
  return element;
}

function coloured(element, region) {
  element.classList.add("region");
  element.style.setProperty("--colour", region.colour);
  return element;
}

const chip = (region) => coloured(make("span", { class: "chip" }), region);

// --- scales

function acrossFrames(left, right) {
  const all = [...new Set(data.series.flatMap((one) => one.frames))].sort((a, b) => a - b);
  const trained = all.filter((frames) => frames > 0);
  const [low, high] = [Math.log10(trained[0] ?? 1), Math.log10(trained.at(-1) ?? 1)];
  const start = all[0] === 0 && trained.length ? left + Math.max(26, 0.07 * (right - left)) : left;
  const place = (frames) => {
    if (frames <= 0) return left;
    return high > low ? start + ((Math.log10(frames) - low) / (high - low)) * (right - start) : (start + right) / 2;
  };
  const ticks = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const factor of high - low > 1.2 ? [1] : [1, 2, 5]) ticks.push(factor * 10 ** power);
  }
  const inside = ticks.filter((tick) => tick >= trained[0] * 0.999 && tick <= trained.at(-1) * 1.001);
  return { place, ticks: inside, zero: all[0] === 0 ? left : null, broken: start > left ? (left + start) / 2 : null };
}

function niceTicks(low, high, about = 4) {
  const size = 10 ** Math.floor(Math.log10((high - low) / about || 1));
  const step = size * [1, 2, 2.5, 5, 10].find((factor) => (high - low) / (factor * size) <= about);
  const ticks = [];
  for (let k = Math.floor(low / step); (k - 1) * step < high; k++) ticks.push(Number((k * step).toPrecision(9)));
  return ticks;
}

// --- one plot: grid, lines, cursor; hovering tells numbers, a click chooses

function plot(host, { low = 0, high, height, text, about, name, draw, tell, named = true }) {
  const width = Math.max(240, host.clientWidth || 720);
  const ticks = niceTicks(low, high > low ? high : low + 1, about);
  const box = { left: 58, right: width - 18, top: 12, bottom: height - (named ? 42 : 26) };
  const x = acrossFrames(box.left + 6, box.right);
  const [least, most] = [ticks[0], ticks.at(-1)];
  const y = (value) => box.bottom - ((value - least) / (most - least)) * (box.bottom - box.top);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
  for (const tick of ticks) {
    svg.append(make("line", { class: "grid", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }));
    svg.append(make("text", { x: box.left - 8, y: y(tick) + 4, "text-anchor": "end" }, text(tick)));
  }
  drawFrames(svg, x, box, named);
  draw(svg, x.place, y, box.bottom);
  const cursor = make("line", { class: "cursor", y1: box.top - 4, y2: box.bottom + 5 });
  svg.append(cursor);
  host.replaceChildren(...[...host.children].filter((child) => !["svg", "DIV"].includes(child.tagName)), svg);
  hovering(host, svg, x.place, box, tell);
  return () => cursor.setAttribute("transform", `translate(${x.place(series().frames[state.checkpoint])} 0)`);
}

function drawFrames(svg, x, box, named) {
  const label = (at, text) => {
    svg.append(make("line", { class: "axis", x1: at, x2: at, y1: box.bottom, y2: box.bottom + 5 }));
    svg.append(make("text", { x: at, y: box.bottom + 19, "text-anchor": "middle" }, text));
  };
  svg.append(make("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  if (x.zero !== null) label(x.zero, "0");
  let last = x.zero === null ? -Infinity : x.zero + 8;
  for (const tick of x.ticks) {
    const at = x.place(tick);
    if (at - last < 44 && last !== -Infinity) continue;
    label(at, framesText(tick).replace(".0", ""));
    last = at;
  }
  if (x.broken !== null) {
    const d = `M${x.broken - 5} ${box.bottom + 4} l4 -8 M${x.broken + 1} ${box.bottom + 4} l4 -8`;
    svg.append(make("path", { class: "break", d }));
  }
  if (!named) return;
  const name = `${terms.unit} trained, log scale${x.broken === null ? "" : "; 0 apart"}`;
  svg.append(make("text", { x: box.right, y: box.bottom + 36, "text-anchor": "end" }, name));
}

function hovering(host, svg, place, box, tell) {
  const line = make("line", { class: "hover", y1: box.top, y2: box.bottom, visibility: "hidden" });
  const tip = make("div", { class: "tip", hidden: "" });
  const nearest = (event) => {
    const area = svg.getBoundingClientRect();
    const at = ((event.clientX - area.left) / area.width) * svg.viewBox.baseVal.width;
    const far = series().frames.map((frames) => Math.abs(place(frames) - at));
    return far.indexOf(Math.min(...far));
  };
  svg.addEventListener("pointermove", (event) => {
    const number = nearest(event);
    const at = place(series().frames[number]);
    line.setAttribute("visibility", "visible");
    line.setAttribute("transform", `translate(${at} 0)`);
    tip.replaceChildren(make("strong", {}, `${framesText(series().frames[number])} ${terms.unit}`), ...tell(number));
    tip.hidden = false;
    const left = (at / svg.viewBox.baseVal.width) * host.clientWidth;
    const fits = left + 14 + tip.offsetWidth < host.clientWidth;
    tip.style.left = `${Math.max(4, fits ? left + 14 : left - 14 - tip.offsetWidth)}px`;
  });
  svg.addEventListener("pointerleave", () => {
    tip.hidden = true;
    line.setAttribute("visibility", "hidden");
  });
  svg.addEventListener("click", (event) => choose(nearest(event)));
  svg.append(line);
  host.append(tip);
}

const told = (label, text, region) => make("div", {}, region && chip(region), label, make("b", {}, text));

// --- lines and bands; from 0 frames to the first trained checkpoint there is no scale, hence dots

function drawLine(group, place, y, frames, values, thin = "") {
  let d = "";
  frames.forEach((at, i) => {
    if (!known(values[i])) return;
    const here = `${place(at)} ${y(values[i])}`;
    if (at === 0 && known(values[i + 1])) {
      const next = `${place(frames[i + 1])} ${y(values[i + 1])}`;
      group.append(make("path", { class: `line gap ${thin}`, d: `M${here} L${next}` }));
    } else d += `${d && known(values[i - 1]) ? "L" : "M"}${here} `;
    if (!thin) group.append(make("circle", { class: "dot", cx: place(at), cy: y(values[i]), r: 2.6 }));
  });
  if (d) group.append(make("path", { class: `line ${thin}`, d }));
}

function drawBand(group, place, y, frames, ends) {
  const whole = frames.map((at, i) => [at, ...ends[i]]).filter(([at, low, high]) => at > 0 && known(low) && known(high));
  const edge = (k) => whole.map((one) => `${place(one[0])} ${y(one[k])}`);
  if (whole.length > 1) group.append(make("path", { class: "band", d: `M${[...edge(1), ...edge(2).reverse()].join("L")}Z` }));
  frames.forEach((at, i) => {
    if ((at > 0 && whole.length > 1) || !known(ends[i][0])) return;
    group.append(make("line", { class: "whisker", x1: place(at), x2: place(at), y1: y(ends[i][0]), y2: y(ends[i][1]) }));
  });
}

const shares = (one, region) => {
  const numbers = one.numbers[state.explanation][state.source];
  return numbers.map((there) => (there ? there.positive_share[region] : [null, null, null]));
};

function drawRegion(svg, place, y, region) {
  const group = coloured(make("g"), data.regions[region]);
  svg.append(group);
  drawBand(group, place, y, series().frames, shares(series(), region).map(([, low, high]) => [low, high]));
  for (const other of data.series) {
    if (other !== series()) drawLine(group, place, y, other.frames, shares(other, region).map((one) => one[0]), "thin");
  }
  drawLine(group, place, y, series().frames, shares(series(), region).map((one) => one[0]));
  return group;
}

function drawNulls(group, place, y, foot, region) {
  const [from, to] = [place(Math.min(...series().frames)), place(series().frames.at(-1))];
  for (const kind of ["area", "random"]) {
    const at = y(curve()[kind][region]);
    group.append(make("line", { class: kind, x1: from, x2: to, y1: at, y2: at }));
  }
  const onset = curve().onsets[region];
  if (!onset || !known(onset.frames)) return;
  const at = place(onset.frames);
  const ends = [place(onset.low ?? onset.frames), known(onset.high) ? place(onset.high) : to];
  group.append(make("line", { class: "span", x1: ends[0], x2: ends[1], y1: foot, y2: foot }));
  const early = onset.early && known(onset.high); // before the first checkpoint nobody looked
  const d = early ? `M${ends[0] - 8} ${foot} l9 -4.5 v9 Z` : `M${at} ${foot - 11} l4.5 11 h-9 Z`;
  group.append(make("path", { class: known(onset.high) ? "onset" : "onset open", d }));
}

// --- the page

let moveCursors = [];

function drawCurves() {
  const every = data.regions.map((_, region) => region);
  const most = (regions) =>
    Math.max(1e-6, ...regions.flatMap((r) => data.series.flatMap((one) => shares(one, r).flat().filter(known))));
  const nulls = state.source === "probe";
  byId("key").hidden = !nulls;
  moveCursors = [
    plot(byId("overview"), {
      high: most(every), height: 380, text: (tick) => `${Number((100 * tick).toPrecision(6))} %`, about: 6,
      name: `Share of positive relevance of ${data.regions.map((one) => one.label).join(", ")} over ${terms.unit} trained`,
      draw: (svg, place, y) => every.toReversed().forEach((region) => drawRegion(svg, place, y, region)),
      tell: (number) => data.regions.map((one, r) => told(one.label, percent(found()[number]?.positive_share[r][0]), one)),
    }),
    ...every.map((region) => drawSmall(region, nulls, most([region]))),
  ];
  if (data.series.some((one) => one.returns.some((games) => games.length))) moveCursors.push(drawReturns());
  else byId("return-part").hidden = true;
  moveCursors.push(...drawBundleCurves());
}

function drawSmall(region, nulls, most) {
  const host = byId("regions").children[region];
  const high = nulls ? Math.max(most, curve().area[region], curve().random[region]) : most;
  host.querySelector("p").textContent = nulls ? (curve().onsets[region]?.text ?? "the rest; no onset is sought") : " ";
  return plot(host, {
    high, height: 174, named: false, text: (tick) => `${Number((100 * tick).toPrecision(6))} %`, about: 3,
    name: `Share of ${data.regions[region].label} over ${terms.unit} trained`,
    draw: (svg, place, y, foot) => {
      const group = drawRegion(svg, place, y, region);
      if (nulls) drawNulls(group, place, y, foot, region);
    },
    tell: (number) => {
      const numbers = found()[number]?.positive_share[region] ?? [null];
      const lines = [told("share", percent(numbers[0])), told("95 % interval", between(numbers, percent) || NONE)];
      if (nulls) lines.push(told("by area", percent(curve().area[region])));
      if (nulls) lines.push(told("untrained networks", percent(curve().random[region])));
      return lines;
    },
  });
}

function drawReturns() {
  const games = data.series.flatMap((one) => [one.returns, one.ends ?? []].flat(2)).filter(known);
  return plot(byId("returns"), {
    low: Math.min(0, ...games), high: Math.max(...games), height: 220, about: 4,
    text: (tick) => String(tick).replace("-", "−") + terms.sign, name: `${terms.result_line} over ${terms.unit} trained`,
    draw: (svg, place, y) => {
      const means = (one) => one.returns.map((some) => (some.length ? mean(some) : null));
      const ends = series().ends;
      if (ends) drawBand(svg, place, y, series().frames, ends);
      for (const other of data.series) {
        if (other !== series()) drawLine(svg, place, y, other.frames, means(other), "thin");
      }
      if (!ends) series().returns.forEach((some, i) =>
        some.forEach((value, game) =>
          svg.append(make("circle", { class: series().cut[i][game] ? "game cut" : "game", cx: place(series().frames[i]), cy: y(value), r: 3.5 }))));
      drawLine(svg, place, y, series().frames, means(series()));
    },
    tell: (number) => {
      const some = series().returns[number];
      if (!some.length) return [told(`no ${terms.source}`, "")];
      const ends = series().ends?.[number];
      const more = ends ? told("95 % interval", between([null, ...ends], resultText) || NONE) : told("games", gamesText(number));
      return [told(terms.result_line, resultText(mean(some))), more];
    },
  });
}

const gamesText = (number) => {
  const cut = series().cut[number];
  return series().returns[number].map((one, i) => `${one}${cut[i] ? " (cut off)" : ""}`).join(", ");
};

const BAR = 100; // pixels of the longest bar
const HEADS = [
  "region", "share of positive relevance", "", "by area", "untrained networks", "share of absolute relevance",
  "density", "per relevant pixel", terms.stacked,
];

function drawTable() {
  const there = found()[state.checkpoint];
  const head = make("thead", {}, make("tr", {}, ...HEADS.map((text) =>
    text ? make("th", { scope: "col" }, text) : make("td", { "aria-hidden": "true" }))));
  const nulls = state.source === "probe" ? [...curve().area, ...curve().random] : [];
  const longest = Math.max(...(there ? there.positive_share : []).map((one) => one[2] ?? one[0] ?? 0), ...nulls, 1e-9);
  const stacked = Math.max(...(there ? there.stacked : []).flat().filter(known), 1e-9);
  const rows = there ? data.regions.map((_, region) => tableRow(there, region, longest, stacked)) : [];
  byId("table").replaceChildren(head, make("tbody", {}, ...rows));
  byId("table-when").textContent =
    `${framesText(series().frames[state.checkpoint])} ${terms.unit}, on ${data.sources[state.source]}`;
  byId("table-note").textContent = there
    ? `Out of ${there.states} ${terms.state}s of ${there.episodes} ${terms.group}s. In small type the 95 % interval; it is missing where too few ${terms.group}s have the region.${nulls.length ? " On the bars: dotted, the share by area; dashed, what 19 of 20 untrained networks stay below; across, the interval." : ""}`
    : "Nothing was explained here.";
}

function tableRow(there, region, longest, stacked) {
  const one = data.regions[region];
  const nulls = state.source === "probe" ? [curve().area[region], curve().random[region]] : [null, null];
  const cell = (numbers, text) => make("td", {}, text(numbers[0]), make("small", {}, between(numbers, text) || " "));
  const name = make("th", { scope: "row" }, make("span", {}, chip(one), one.label));
  return coloured(make("tr", {}, name,
    cell(there.positive_share[region], percent),
    make("td", { "aria-hidden": "true" }, shareBar(there.positive_share[region], nulls, longest)),
    make("td", {}, percent(nulls[0])), make("td", {}, percent(nulls[1])),
    cell(there.absolute_share[region], percent), cell(there.density[region], times),
    cell(there.per_relevant_pixel[region], small),
    make("td", {}, stackBars(there.stacked[region], stacked))), one);
}

function shareBar([value, low, high], nulls, longest) {
  const at = (share) => (BAR * share) / longest;
  const svg = make("svg", { width: BAR + 2, height: 18 });
  svg.append(make("rect", { class: "behind", x: 0, y: 4, width: BAR, height: 10, rx: 2 }));
  svg.append(make("rect", { x: 0, y: 4, width: at(value ?? 0), height: 10, rx: 2 }));
  if (known(low)) svg.append(make("line", { class: "cursor", x1: at(low), x2: at(high), y1: 9, y2: 9 }));
  nulls.forEach((share, i) => {
    if (known(share)) svg.append(make("line", { class: i ? "null random" : "null area", x1: at(share), x2: at(share), y1: 0, y2: 18 }));
  });
  return svg;
}

function stackBars(parts, most) {
  const label = parts.map(percent).join(", ");
  const wide = parts.length > 8 ? 7 : 22;
  const svg = make("svg", { width: wide * parts.length, height: 30, role: "img", "aria-label": label });
  svg.append(make("title", {}, `${terms.stacked}: ${label}`));
  parts.forEach((part, i) => {
    const height = (28 * (part ?? 0)) / most;
    svg.append(make("rect", { class: "behind", x: wide * i, y: 29, width: 0.8 * wide, height: 1 }));
    svg.append(make("rect", { x: wide * i, y: 29 - height, width: 0.8 * wide, height }));
  });
  return svg;
}

// --- by stacked frame as a whole, where it was measured: of a clip its positions, first to last

function drawStacked() {
  const there = series().stacked[state.explanation];
  byId("stacked-part").hidden = !there;
  if (!there) return;
  const host = byId("stacked");
  const [now, count] = [state.checkpoint, there.area.length];
  const width = Math.max(240, host.clientWidth || 720);
  const box = { left: 58, right: width - 18, top: 12, bottom: 258 };
  const parts = found()[now]?.stacked ?? [];
  const most = Math.max(...there.share.flat(), ...there.high[now], ...there.random, ...parts.flat(), 1e-6);
  const ticks = niceTicks(0, most, 5);
  const x = (at) => box.left + ((at + 0.5) / count) * (box.right - box.left);
  const y = (value) => box.bottom - (value / ticks.at(-1)) * (box.bottom - box.top);
  const path = (values) => values.map((value, at) => `${at ? "L" : "M"}${x(at)} ${y(value ?? 0)}`).join(" ");
  const svg = make("svg", { viewBox: `0 0 ${width} 300`, role: "img", "aria-label": `Share of positive relevance ${terms.stacked}` });
  for (const tick of ticks) {
    svg.append(make("line", { class: "grid", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }));
    svg.append(make("text", { x: box.left - 8, y: y(tick) + 4, "text-anchor": "end" }, `${Number((100 * tick).toPrecision(6))} %`));
  }
  const every = Math.ceil(count / 16);
  for (let at = 0; at < count; at += every) svg.append(make("text", { x: x(at), y: box.bottom + 19, "text-anchor": "middle" }, String(at)));
  svg.append(make("text", { x: box.right, y: box.bottom + 36, "text-anchor": "end" }, terms.stacked));
  there.share.forEach((row, i) => i !== now && svg.append(make("path", { class: "line other", d: path(row) })));
  for (const kind of ["area", "random"]) svg.append(make("path", { class: kind, d: path(there[kind]) }));
  const ends = there.low[now].map((low, at) => [low, there.high[now][at]]);
  if (ends.every(([low, high]) => known(low) && known(high))) {
    const edge = (k) => ends.map((one, at) => `${x(at)} ${y(one[k])}`);
    svg.append(make("path", { class: "band", d: `M${[...edge(0), ...edge(1).reverse()].join("L")}Z` }));
  }
  parts.forEach((row, region) => svg.append(coloured(make("path", { class: "line", d: path(row) }), data.regions[region])));
  svg.append(make("path", { class: "line whole", d: path(there.share[now]) }));
  host.replaceChildren(svg);
  byId("stacked-when").textContent = `${framesText(series().frames[now])} ${terms.unit}`;
  byId("stacked-legend").replaceChildren(make("li", {}, make("span", { class: "chip whole" }), "all of it"),
    ...data.regions.map((one) => make("li", {}, chip(one), one.label)));
}

// --- ATOMs: which regions neurons attend to together, where they were measured

const MOST_SETS = 6;
const CURVES = 4;

const setName = (set) => set.map((region) => data.regions[region].label).join(" + ") || "no region";

function largest(shares, count) {
  const order = shares.map((_, i) => i).filter((i) => shares[i] > 0);
  return order.sort((a, b) => shares[b] - shares[a]).slice(0, count);
}

function drawBundles() {
  const { sets, shares, untrained } = series().bundles;
  const there = shares[state.checkpoint];
  const shown = largest(there, MOST_SETS);
  const rest = (values) => Math.max(0, 1 - shown.reduce((sum, i) => sum + (values[i] ?? 0), 0));
  const longest = Math.max(...there, ...untrained, 1e-9);
  const row = (name, share, null_) => make("tr", {}, make("th", { scope: "row" }, ...name), make("td", {}, percent(share)),
    make("td", { "aria-hidden": "true" }, shareBar([share], [null, null_], longest)), make("td", {}, percent(null_)));
  const named = (i) => sets[i].flatMap((region, n) => [n ? " + " : null, make("span", {}, chip(data.regions[region]), data.regions[region].label)]);
  const rows = shown.map((i) => row(sets[i].length ? named(i) : ["no region"], there[i], untrained[i]));
  if (shown.length && rest(there) > 5e-4) rows.push(row(["all other sets"], rest(there), known(untrained[0]) ? rest(untrained) : null));
  const heads = ["attended together", "share", "", "mean of untrained networks"];
  const head = heads.map((text) => (text ? make("th", { scope: "col" }, text) : make("td", { "aria-hidden": "true" })));
  byId("bundle-table").replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  byId("bundle-when").textContent = `${framesText(series().frames[state.checkpoint])} ${terms.unit}`;
}

function drawBundleCurves() {
  const bundles = series().bundles;
  byId("bundle-part").hidden = !bundles;
  if (!bundles) return [];
  const { sets, shares, untrained } = bundles;
  const main = largest(sets.map((_, i) => mean(shares.map((one) => one[i] ?? 0))), CURVES);
  byId("bundles").replaceChildren(...main.map((i) => make("div", {}, make("h4", {}, setName(sets[i])))));
  return main.map((i, n) => plot(byId("bundles").children[n], {
    high: Math.max(untrained[i] ?? 0, ...shares.map((one) => one[i] ?? 0)), height: 174, named: false, about: 3,
    text: (tick) => `${Number((100 * tick).toPrecision(6))} %`, name: `Share of ${setName(sets[i])} over ${terms.unit} trained`,
    draw: (svg, place, y) => {
      if (known(untrained[i])) svg.append(make("line", { class: "random",
        x1: place(series().frames[0]), x2: place(series().frames.at(-1)), y1: y(untrained[i]), y2: y(untrained[i]) }));
      drawLine(svg, place, y, series().frames, shares.map((one) => one[i]));
    },
    tell: (number) => [told("share", percent(shares[number][i])), told("untrained networks, mean", percent(untrained[i]))],
  }));
}

function cutText() {
  const cut = series().cut[state.checkpoint].filter((one) => one).length;
  return cut ? ` (${cut} of ${series().cut[state.checkpoint].length} cut off)` : "";
}

function showChosen() {
  const games = series().returns[state.checkpoint];
  const now = `${framesText(series().frames[state.checkpoint])} ${terms.unit}${games.length ? ` · ${terms.result} ${resultText(mean(games))}${cutText()}` : ""}`;
  const slider = byId("checkpoint");
  slider.max = series().frames.length - 1;
  slider.value = state.checkpoint;
  slider.setAttribute("aria-valuetext", now);
  byId("now").textContent = `${now} · ${state.checkpoint + 1} of ${series().frames.length}`;
  moveCursors.forEach((move) => move());
  const numbers = found()[state.checkpoint]?.positive_share;
  data.regions.forEach((_, region) => {
    const share = percent(numbers?.[region][0]);
    byId("legend").children[region].querySelector("b").textContent = share;
    byId("regions").children[region].querySelector("b").textContent = share;
  });
  for (const row of document.querySelectorAll("tr[data-frames]")) {
    const here = Number(row.dataset.series) === state.series;
    row.classList.toggle("chosen", here && Number(row.dataset.frames) === series().frames[state.checkpoint]);
  }
  drawTable();
  drawStacked();
  if (series().bundles) drawBundles();
}

function choose(checkpoint, { seek = true } = {}) {
  state.checkpoint = Math.max(0, Math.min(series().frames.length - 1, checkpoint));
  showChosen();
  if (seek) seekFilm();
}

function redraw() {
  if (state.source === "play" && !series().numbers[state.explanation].play) state.source = "probe";
  byId("source").value = state.source;
  const play = byId("source").querySelector("[value=play]");
  if (play) play.disabled = !series().numbers[state.explanation].play;
  state.checkpoint = Math.min(state.checkpoint, series().frames.length - 1);
  drawCurves();
  showChosen();
  seekFilm();
}

// --- the film is the clock: its time moves the slider, and the slider moves its time

const chapterAt = (seconds) => data.chapters.find((one) => seconds >= one.start && seconds < one.end);
const inFilm = () => data.chapters.length > 0 && state.series === 0;

function seekFilm() {
  const frames = series().frames[state.checkpoint];
  const own = inFilm() ? data.chapters.filter((one) => one.frames === frames) : [];
  const now = chapterAt(video.currentTime);
  if (!own.length || now?.frames === frames) return;
  const far = (one) => Math.abs(one.start - video.currentTime);
  const chapter = own.find((one) => one.part === now?.part) ?? own.toSorted((a, b) => far(a) - far(b))[0];
  video.currentTime = (chapter.start + chapter.end) / 2; // at its start the film may still be moving its cursor
}

function followFilm() {
  const chapter = inFilm() ? chapterAt(video.currentTime) : undefined;
  const checkpoint = chapter ? series().frames.indexOf(chapter.frames) : -1;
  if (checkpoint >= 0 && checkpoint !== state.checkpoint) choose(checkpoint, { seek: false });
}

// The browser's own controls would lie on the film's timeline; full screen has them.
function drivePlayer() {
  const toggle = () => (video.paused ? video.play() : video.pause());
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const show = () => {
    byId("play").textContent = video.paused ? "Play" : "Pause";
    byId("time").max = video.duration || 1;
    byId("time").value = video.currentTime;
    byId("clock").textContent = `${clock(video.currentTime)} of ${clock(video.duration || 0)}`;
    byId("time").setAttribute("aria-valuetext", byId("clock").textContent);
  };
  for (const event of ["play", "pause", "timeupdate", "seeking", "loadedmetadata"]) video.addEventListener(event, show);
  for (const id of ["play", "film"]) byId(id).addEventListener("click", () => video.controls || toggle());
  byId("time").addEventListener("input", (event) => (video.currentTime = Number(event.target.value)));
  byId("full").hidden = !video.requestFullscreen;
  byId("full").addEventListener("click", () => video.requestFullscreen().catch(() => {})); // a browser may refuse
  document.addEventListener("fullscreenchange", () => (video.controls = document.fullscreenElement === video));
  show();
}

function openFilm() {
  const base64 = byId("film-base64").textContent.trim();
  if (!base64) return;
  byId("film-part").hidden = false;
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)); // a blob seeks well, a data: address does not
  video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  const note = data.chapters.length
    ? data.series.length > 1 && `Of the ${data.series.length} training runs the film shows the first, ${data.series[0].name}; the slider moves it while that one is chosen.`
    : "The film runs on its own: when it shows which checkpoint is not known.";
  byId("film-note").hidden = !note;
  byId("film-note").textContent = note || "";
  for (const event of ["timeupdate", "seeked"]) video.addEventListener(event, followFilm);
  drivePlayer();
  if (video.requestVideoFrameCallback) {
    const eachFrame = () => {
      if (!video.paused) followFilm();
      video.requestVideoFrameCallback(eachFrame);
    };
    video.requestVideoFrameCallback(eachFrame);
  }
}

// --- start

function fill(id, names, values = names.map((_, i) => i)) {
  byId(id).replaceChildren(...names.map((name, i) => make("option", { value: values[i] }, name)));
  byId(id).parentElement.hidden = names.length < 2;
  byId(id).addEventListener("change", (event) => {
    state[id] = id === "source" ? event.target.value : Number(event.target.value);
    redraw();
  });
}

function start() {
  fill("series", data.series.map((one) => one.name));
  fill("explanation", data.explanations.map((one) => one.label));
  const played = data.series.some((one) => one.numbers.some((numbers) => numbers.play));
  fill("source", played ? Object.values(data.sources) : [data.sources.probe], Object.keys(data.sources));
  if (!played && data.sources.play) byId("source").append(make("option", { value: "play", disabled: "" }, data.sources.play));
  byId("legend").replaceChildren(...data.regions.map((one) => make("li", {}, chip(one), one.label, make("b"))));
  byId("regions").replaceChildren(...data.regions.map((one) =>
    make("div", {}, make("h4", {}, chip(one), one.label, make("b")), make("p"))));
  for (const id of ["controls", "curves", "table-part"]) byId(id).hidden = false;
  byId("checkpoint").addEventListener("input", (event) => choose(Number(event.target.value)));
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, video[controls], .scroll")) return;
    event.preventDefault();
    choose(state.checkpoint + step);
  });
  byId("cut-key").hidden = !data.series.some((one) => one.cut.flat().includes(true));
  for (const one of document.querySelectorAll(".others")) one.hidden = data.series.length < 2;
  openFilm();
  state.checkpoint = inFilm() && video.src ? 0 : series().frames.length - 1;
  redraw();
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) redraw();
    width = innerWidth;
  });
}

start();
