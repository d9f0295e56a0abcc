"use strict";
// The heat map of the report: draws a cell over the text, describes one character, handles keys and mouse.
// The text comes as sanitized glyphs and is inserted as text, never as markup.

const content = JSON.parse(document.getElementById("content").textContent);
const element = (id) => document.getElementById(id);
const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

const MAX_LEVEL = 5; // levels of activations on each side of zero
const MAX_SHADE = 8; // levels of surprisal
const SIGNED_LEGEND = { least: "−1", levels: [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5], most: "+1",
  digits: "digits: 0 to 4 below zero, 5 to 9 above" };

const cells = content.cells.map((cell) => ({ ...cell, values: bytes(cell.values) }));
const odds = bytes(content.surprise.odds);
const concepts = content.concepts.map((concept) => ({ ...concept, holds: holdsAt(concept.spans) }));
const influence = content.influence && { lags: content.influence.lags, shares: bytes(content.influence.shares) };
const views = [...cells.map(cellView), surpriseView(), ...(influence ? [influenceView()] : [])];
const shown = { view: 0, concept: -1, at: 0 };
const spans = content.text.map(characterSpan);

function holdsAt(edges) {
  // Turn [start, stop, start, stop, …] into a boolean for each character.
  const holds = new Uint8Array(content.text.length);
  for (let edge = 0; edge < edges.length; edge += 2) holds.fill(1, edges[edge], edges[edge + 1]);
  return holds;
}

function cellView(cell) {
  const value = (at) => cell.values[at] / 127.5 - 1;
  return {
    name: cell.name,
    label: [cell.name, cell.concept].filter(Boolean).join(" · "),
    group: cell.group,
    heading: `${content.signal} of ${cell.name}`,
    level: (at) => Math.sign(value(at)) * Math.floor(Math.abs(value(at)) * MAX_LEVEL + 0.5),
    className: (level) => level < 0 ? `below-${-level}` : level > 0 ? `above-${level}` : "",
    digit: (at) => Math.min(9, Math.floor(value(at) * 5) + 5),
    read: (at) => signed(value(at)),
    legend: SIGNED_LEGEND,
  };
}

function surpriseView() {
  const { bits, most } = content.surprise;
  return {
    name: "surprise",
    label: "surprise at each character",
    group: "the network",
    heading: "surprise",
    level: (at) => Math.floor(Math.min((bits[at] ?? 0) / most, 1) * MAX_SHADE + 0.5),
    className: (level) => level ? `shade-${level}` : "",
    digit: (at) => Math.min(9, Math.floor(bits[at] ?? 0)),
    read: (at) => bits[at] === null ? "–" : `${bits[at].toFixed(1)} bits`,
    legend: { least: "", levels: [0, 1, 2, 3, 4, 5, 6, 7, 8], most: `${most} bits or more`, digits: "digits: bits" },
  };
}

function influenceView() {
  // Gradient × input of the characters before the chosen one, relative to the strongest of them.
  const share = (at) => {
    const lag = shown.at - at;
    return lag < 1 || lag > influence.lags ? 0 : influence.shares[shown.at * influence.lags + lag - 1] / 127.5 - 1;
  };
  const level = (at) => Math.sign(share(at)) * Math.floor(Math.abs(share(at)) * MAX_LEVEL + 0.5);
  const strongest = (at) => {
    const before = Array.from({ length: Math.min(at, influence.lags) }, (_, index) => at - 1 - index);
    return before.filter(level).sort((a, b) => Math.abs(share(b)) - Math.abs(share(a)))[0];
  };
  return {
    name: "influence",
    label: "influence on the chosen character",
    group: "the network",
    heading: "influence",
    explanation: `influence of the ${influence.lags} characters before the chosen one on its probability, gradient × input`
      + " relative to the strongest",
    level,
    className: (value) => value < 0 ? `below-${-value}` : value > 0 ? `above-${value}` : "",
    digit: (at) => Math.min(9, Math.floor(share(at) * 5) + 5),
    read: (at) => {
      const best = strongest(at);
      return best === undefined ? "none" : `most by ${content.characters[content.text[best]][0]}, ${at - best} back`;
    },
    legend: SIGNED_LEGEND,
    reach: influence.lags, // the characters before the chosen one that are painted again when another is chosen
  };
}

function signed(value) {
  const size = Math.abs(value).toFixed(2);
  return size === "0.00" ? size : `${value < 0 ? "−" : "+"}${size}`;
}

function characterSpan(number, at) {
  const [glyph, columns] = content.characters[number];
  const span = document.createElement("span");
  span.textContent = glyph;
  span.dataset.at = at;
  if (columns > 1) span.classList.add("wide-glyph");
  return span;
}

function layOut() {
  // A newline has a glyph, then breaks the line.
  const pieces = document.createDocumentFragment();
  spans.forEach((span, at) => {
    pieces.append(span);
    if (at + 1 < spans.length && content.characters[content.text[at]][3]) pieces.append(document.createElement("br"));
  });
  element("text").replaceChildren(pieces);
}

function paintCharacter(at) {
  const span = spans[at], view = views[shown.view];
  const classes = [span.classList.contains("wide-glyph") ? "wide-glyph" : "", view.className(view.level(at)),
    concepts[shown.concept]?.holds[at] ? "holds" : "", at === shown.at ? "here" : ""];
  span.className = classes.filter(Boolean).join(" ");
  span.dataset.digit = view.digit(at);
}

function paint() {
  const view = views[shown.view];
  spans.forEach((_, at) => paintCharacter(at));
  element("view").selectedIndex = shown.view;
  element("concept").selectedIndex = shown.concept + 1;
  for (const row of document.querySelectorAll("tr[data-cell]")) {
    const current = row.dataset.cell === view.name && row.dataset.concept === concepts[shown.concept]?.name;
    if (current) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  paintLegend(view);
  read();
}

function paintLegend(view) {
  const swatch = (text, className) => Object.assign(document.createElement("span"), { textContent: text, className });
  const { least, levels, most, digits } = view.legend;
  const line = [`${view.explanation ?? view.heading}: ${least} `, ...levels.map((level) => swatch(level ? " " : "0", view.className(level))),
    ` ${most}; ${digits}.`];
  if (shown.concept >= 0) line.push(" Underlined: ", swatch(concepts[shown.concept].holding, "holds"), ".");
  element("legend").replaceChildren(...line);
}

function read() {
  const at = shown.at, view = views[shown.view];
  const [glyph, , name] = content.characters[content.text[at]];
  const holding = concepts.filter((concept) => concept.holds[at]).map((concept) => concept.holding);
  element("where").textContent = `${glyph} ${name} · character ${(content.start + at + 1).toLocaleString("en")}`;
  element("view-name").textContent = view.heading;
  element("value").textContent = view.read(at);
  for (const id of ["view-name", "value"]) element(id).hidden = view.name === "surprise"; // surprise has its own line
  element("holding").textContent = holding.join(", ") || "nothing";
  readSurprise(at);
  const marked = concepts[shown.concept]?.holds[at] ? `, ${concepts[shown.concept].holding}` : "";
  element("status").textContent = `${name}: ${view.read(at)}${marked}`;
}

function readSurprise(at) {
  const { bits, guesses, count } = content.surprise;
  element("bits").textContent = bits[at] === null ? "no prediction for the first" : `${bits[at].toFixed(2)} bits`;
  const rows = bits[at] === null ? [] : guesses.slice(at * count, (at + 1) * count).map((guess, place) => {
    const row = document.createElement("tr");
    const share = Math.round(odds[at * count + place] / 2.55);
    row.className = guess === content.text[at] ? "came" : "";
    for (const text of [content.characters[guess][0], content.characters[guess][2], `${share} %`]) {
      row.append(Object.assign(document.createElement("td"), { textContent: text }));
    }
    return row;
  });
  element("guesses").tBodies[0].replaceChildren(...rows);
}

function goTo(at, { scroll = true } = {}) {
  const before = shown.at, reach = views[shown.view].reach ?? 0;
  shown.at = Math.max(0, Math.min(spans.length - 1, at));
  for (const chosen of [before, shown.at]) {
    for (let other = Math.max(0, chosen - reach); other <= chosen; other += 1) paintCharacter(other);
  }
  if (scroll) spans[shown.at].scrollIntoView({ block: "nearest" });
  read();
}

function line(at, step) {
  // Return the character in the same column of the next line up or down, or the same character if there is none.
  const here = spans[at].getBoundingClientRect();
  let best = at, top = null;
  for (let other = at + step; spans[other]; other += step) {
    const box = spans[other].getBoundingClientRect();
    if (Math.abs(box.top - here.top) < 2) continue;
    if (top !== null && Math.abs(box.top - top) > 2) break;
    top = box.top;
    const nearer = Math.abs(box.left - here.left) < Math.abs(spans[best].getBoundingClientRect().left - here.left);
    if (best === at || nearer) best = other;
  }
  return best;
}

function lineEnd(at, step) {
  const top = spans[at].getBoundingClientRect().top;
  while (spans[at + step] && Math.abs(spans[at + step].getBoundingClientRect().top - top) < 2) at += step;
  return at;
}

function beginning(at, step) {
  // Return the next character at which the underlined concept begins to hold, or the same character if there is none.
  const holds = concepts[shown.concept]?.holds ?? [];
  for (let other = at + step; other >= 0 && other < holds.length; other += step) {
    if (holds[other] && !holds[other - 1]) return other;
  }
  return Math.max(at, 0);
}

function choose(view, concept = shown.concept) {
  shown.view = (view + views.length) % views.length;
  shown.concept = concept;
  paint();
}

const KEYS = {
  ArrowLeft: () => goTo(shown.at - 1),
  ArrowRight: () => goTo(shown.at + 1),
  ArrowUp: () => goTo(line(shown.at, -1)),
  ArrowDown: () => goTo(line(shown.at, 1)),
  Home: () => goTo(lineEnd(shown.at, -1)),
  End: () => goTo(lineEnd(shown.at, 1)),
  "[": () => choose(shown.view - 1),
  "]": () => choose(shown.view + 1),
  m: () => goTo(beginning(shown.at, 1)),
  M: () => goTo(beginning(shown.at, -1)),
};

function listen() {
  const text = element("text");
  const follow = ({ target }) => target.dataset.at && goTo(Number(target.dataset.at), { scroll: false });
  // A text that scrolls below a resting mouse reports moves of zero distance; they are ignored.
  text.addEventListener("mousemove", (event) => (event.movementX || event.movementY) && follow(event));
  text.addEventListener("click", follow);
  text.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  element("view").addEventListener("change", (event) => choose(event.target.selectedIndex));
  element("concept").addEventListener("change", (event) => choose(shown.view, event.target.selectedIndex - 1));
  element("digits").addEventListener("change", (event) => text.classList.toggle("with-digits", event.target.checked));
  element("controls").addEventListener("submit", (event) => event.preventDefault());
}

function grouped(options) {
  // Return options grouped under headings, in the order of their first occurrence.
  const groups = new Map();
  for (const { label, group } of options) {
    if (!groups.has(group)) groups.set(group, Object.assign(document.createElement("optgroup"), { label: group }));
    groups.get(group).append(new Option(label));
  }
  return groups.values();
}
