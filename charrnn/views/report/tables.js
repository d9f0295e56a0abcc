// The tables of the report: rows that unfold, headings that sort, findings that are drawn when clicked.

function showFinding({ cell, concept }) {
  // Draw a finding's cell, underline its concept, and go to the first character of the concept.
  choose(cells.findIndex((other) => other.name === cell), concepts.findIndex((other) => other.name === concept));
  goTo(beginning(-1, 1));
  element("text").focus();
}

function unfold(button) {
  const folded = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", folded);
  element(button.getAttribute("aria-controls")).classList.toggle("open", folded);
}

function sort(heading) {
  // Sort numbers in descending order first, text in ascending order first; missing values are last in both.
  const column = heading.cellIndex, number = heading.classList.contains("number"), table = heading.closest("table");
  const initial = number ? "descending" : "ascending", reverse = number ? "ascending" : "descending";
  const order = heading.getAttribute("aria-sort") === initial ? reverse : initial;
  for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
  const turn = order === "ascending" ? 1 : -1;
  const value = (body) => body.rows[0].cells[column].dataset.value;
  const compare = (a, b) => number ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0;
  // Each finding has its own tbody, with the details that unfold.
  table.append(...[...table.tBodies].sort((first, second) => {
    const [a, b] = [value(first), value(second)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return turn * compare(a, b);
  }));
}

function listenToTables() {
  const listen = (selector, action) => document.querySelectorAll(selector).forEach((button) => {
    button.addEventListener("click", () => action(button));
  });
  listen(".pick", (button) => showFinding(button.closest("tr").dataset));
  listen(".unfold", unfold);
  listen(".sortable thead button", (button) => sort(button.closest("th")));
}

function begin() {
  element("view").append(...grouped(views));
  element("concept").append(new Option("nothing"), ...concepts.map((concept) => new Option(concept.holding)));
  element("theme").addEventListener("change", ({ target }) => { document.documentElement.dataset.theme = target.value; });
  document.documentElement.classList.add("scripted");
  for (const id of ["themes", "controls", "reading", "keys"]) element(id).hidden = false;
  layOut();
  choose(0, concepts.findIndex((concept) => concept.name === cells[0]?.concept));
  listen();
  listenToTables();
}

begin();
