// Long grids: only the lines near the screen are in the page, and the one that is being typed into. What is left out is
// a gap of the same height, so the page scrolls as if all were there.

import { make } from "./base.js";

const WINDOW_ABOVE = 100;
const MARGIN = 20; // lines above and below the screen
const GUESS = 34; // px, until a line was measured

/** @param draw makes the element of a row; rows have {element} */
export function rowWindow(body, { draw, after }) {
  let rows = [];
  let active = 0;
  let height = GUESS;
  let waiting = false;
  let mounted = [0, 0];
  const gaps = [];

  function range() {
    if (rows.length <= WINDOW_ABOVE) return [0, rows.length];
    const top = body.getBoundingClientRect().top;
    const from = Math.floor(-top / height) - MARGIN;
    const to = Math.ceil((innerHeight - top) / height) + MARGIN;
    return [Math.max(0, Math.min(rows.length - 1, from)), Math.max(1, Math.min(rows.length, to))];
  }

  function gap(place, count) {
    gaps[place] ??= make("tr", { class: "gap", "aria-hidden": "true" }, make("td", { colspan: "99" }));
    gaps[place].firstChild.style.height = `${Math.round(count * height)}px`;
    return gaps[place];
  }

  /** Put exactly these nodes into the body, without touching those that stand right: an element that is moved loses
   *  the focus. */
  function arrange(nodes) {
    const wanted = new Set(nodes);
    for (const node of [...body.children]) if (!wanted.has(node)) node.remove();
    let cursor = body.firstChild;
    for (const node of nodes) {
      if (node === cursor) cursor = cursor.nextSibling;
      else body.insertBefore(node, cursor);
    }
  }

  function mount() {
    const [from, to] = range();
    mounted = [from, to];
    const nodes = [];
    let done = 0;
    let place = 0;
    const upTo = (start) => {
      if (start > done) nodes.push(gap(place++, start - done));
    };
    const take = (index) => {
      const row = rows[index];
      if (!row.element) draw(row);
      row.element.setAttribute("aria-rowindex", index + 2);
      if (row.element.firstChild.textContent !== String(index + 1)) row.element.firstChild.textContent = index + 1;
      nodes.push(row.element);
    };
    const blocks = active < from ? [[active, active + 1], [from, to]] : active >= to ? [[from, to], [active, active + 1]] : [[from, to]];
    for (const [start, end] of blocks) {
      if (start >= rows.length) continue;
      upTo(start);
      for (let index = start; index < Math.min(end, rows.length); index += 1) take(index);
      done = end;
    }
    if (done < rows.length) upTo(rows.length);
    arrange(nodes);
    const measured = rows[from]?.element?.getBoundingClientRect().height;
    if (measured > 8) height = measured;
    after();
  }

  function scrolled() {
    if (waiting || rows.length <= WINDOW_ABOVE) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const [from, to] = range();
      const slack = MARGIN / 2;
      if (from < mounted[0] - slack || to > mounted[1] + slack || from > mounted[0] + slack || to < mounted[1] - slack) mount();
    });
  }
  addEventListener("scroll", scrolled, { passive: true });
  addEventListener("resize", scrolled, { passive: true });

  return {
    /** Show these rows; the one at `at` is always there. */
    show(content, at) {
      rows = content;
      active = at;
      mount();
    },
    /** The active row is another: it has to be in the page before the input moves into it. */
    reach(at) {
      const before = active;
      active = at;
      if (!rows[at]?.element?.isConnected || (before !== at && rows.length > WINDOW_ABOVE && (before < mounted[0] || before >= mounted[1]))) mount();
    },
  };
}
