// The drawer under the photo: tabs, of which one at most is open, and the panes behind them.

import { createAboutPane } from "./about.mjs";
import { createCodePane } from "./code.mjs";
import { createGuessPane } from "./guess.mjs";
import { createHeatPane } from "./heat.mjs";
import { createPictures } from "./pictures.mjs";
import { createPlotPane } from "./plots.mjs";
import { kept } from "./results.mjs";

/** Where the arrow keys lead in a row of tabs, or null. */
export function nextTab(index, key, count) {
  const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : (to + count) % count;
}

/** What the panes look at. `words` are those of the heat maps, `asked` those of the matrix. */
function seen({ photo, layers, runs, view, state, text, selected, busy }) {
  const { words, marks } = runs;
  return {
    photo, layers, runs, state, text, selected, busy, grain: view.grain, threshold: view.threshold,
    example: photo?.source.example ?? null, shown: kept(runs, layers),
    words: words?.ask.kind === "text" ? words.ask.text : text,
    asked: words?.ask.text || marks?.ask.text || "",
  };
}

/**
 * @param page {t, sentence}
 * @param on {ask(event, payload, onStage) -> promise, rename(id, label), select(id), look()}:
 *   look gives {photo, layers, runs, view, state, text, selected, busy} as they are now
 */
export function createDrawer(refs, page, on) {
  const pictures = createPictures(refs, page.t);
  const panes = {
    heat: createHeatPane(refs.paneHeat, page, pictures, on.ask),
    plots: createPlotPane(refs.panePlots, page, pictures, on.ask),
    guess: createGuessPane(refs.paneGuess, page, on.ask, on),
    code: createCodePane(refs.paneCode, page, on.ask),
    about: createAboutPane(refs.paneAbout, page, on.ask),
  };
  const tabs = [...refs.tabs.querySelectorAll("[role=tab]")];
  const panelOf = (tab) => refs.drawer.querySelector(`#${tab.getAttribute("aria-controls")}`);
  let open = null;

  function choose(name) {
    open = name;
    tabs.forEach((tab, index) => {
      const chosen = tab.dataset.value === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen || (name === null && index === 0) ? 0 : -1;
      panelOf(tab).hidden = !chosen;
    });
    refs.drawer.hidden = refs.drawerClose.hidden = name === null;
    render();
    if (!name) return;
    const column = window.matchMedia("(width <= 860px)").matches; // there it is better at the top
    (column ? refs.tabs : refs.drawer).scrollIntoView({ block: column ? "start" : "nearest" });
  }

  function render() {
    const view = open && seen(on.look());
    for (const [name, pane] of Object.entries(panes)) pane.render(name === open ? view : null);
  }

  for (const tab of tabs) {
    tab.addEventListener("click", () => {
      choose(open === tab.dataset.value ? null : tab.dataset.value);
      tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }
  refs.tabs.addEventListener("keydown", (event) => {
    const to = nextTab(tabs.indexOf(document.activeElement), event.key, tabs.length);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    tabs.forEach((tab, index) => { tab.tabIndex = index === to ? 0 : -1; });
    tabs[to].focus();
  });
  refs.drawerClose.addEventListener("click", () => {
    const tab = tabs.find(({ dataset }) => dataset.value === open);
    choose(null);
    tab.focus();
  });
  choose(null);

  return {
    /** To be called whenever anything has changed. */
    render,
    /** Everything is to be said anew, in another language. */
    name() {
      for (const pane of Object.values(panes)) pane.name();
    },
  };
}
