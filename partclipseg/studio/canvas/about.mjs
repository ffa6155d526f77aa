// The model: what it was trained on and under which licences, where it is weak, what was measured.

import { el } from "./dom.mjs";
import { createPane } from "./panes.mjs";

const SETS = {
  cars: ["set_cars", "licence_cars"], clothes: ["set_clothes", "licence_clothes"], faces: ["set_faces", "licence_faces"],
  buildings: ["set_buildings", "licence_buildings"], cells: ["set_cells", "licence_cells"], rooms: ["set_rooms", "licence_rooms"],
  things: ["set_things", "licence_things"], segments: ["set_segments", "licence_segments"], photos: ["set_photos", "licence_photos"],
};
const WEAK = ["weak_rare", "weak_small", "weak_borders", "weak_garments", "weak_sides", "weak_languages", "weak_people", "weak_scores"];
const MEASURED = { text_cosine: "measured_text_cosine", text_neighbour: "measured_text_neighbour" };

/** @param ask (event, payload, onStage) -> promise of an answer */
export function createAboutPane(root, page, ask) {
  const { t, sentence } = page;
  const part = (title, ...nodes) => el("section", { class: "pcs-about__part" }, el("h3", {}, title), ...nodes);

  function size({ parameters, bytes, steps, batch }) {
    return [
      parameters && t("about_parameters", { millions: (parameters / 1e6).toFixed(1) }),
      bytes && t("about_bytes", { megabytes: (bytes / 1e6).toFixed(0) }),
      steps && batch && t("about_steps", { steps, batch }),
    ].filter(Boolean).join(" · ");
  }

  function setRow([name, photos]) {
    const [title, licence] = Object.hasOwn(SETS, name) ? SETS[name].map((key) => t(key)) : [name, t("licence_unknown")];
    return el("li", {}, el("strong", {}, title), " ", el("span", { class: "pcs-about__count" }, t("about_photos", { count: photos })), el("br"), licence);
  }

  function measuredRow([name, value]) {
    const label = Object.hasOwn(MEASURED, name) ? t(MEASURED[name]) : name;
    return [el("dt", {}, label), el("dd", {}, Number.isInteger(value) && value > 1 ? String(value) : value.toFixed(2))];
  }

  /** `ours`: trained on the sets whose weak sides are known. */
  function sections(about, ours) {
    return [
      el("p", { class: "pcs-about__lead" }, el("strong", {}, about.model), size(about) && ` · ${size(about)}`),
      about.recognizer ? el("p", {}, t("about_recognizer", { name: about.recognizer })) : null,
      el("p", { class: "pcs-about__terms" }, about.terms ? sentence(about.terms) : t("about_no_terms"), " ", t("about_code")),
      el("div", { class: "pcs-about" },
        about.sets.length > 0 ? part(t("about_sets"), el("ul", { class: "pcs-about__sets" }, ...about.sets.map(setRow))) : null,
        el("div", { class: "pcs-about__side" },
          ours ? part(t("about_weak"), el("ul", { class: "pcs-about__weak" }, ...WEAK.map((key) => el("li", {}, t(key))))) : null,
          about.measured.length > 0 ? part(t("about_measured"), el("dl", { class: "pcs-about__measured" }, ...about.measured.flatMap(measuredRow))) : null)),
    ].filter(Boolean);
  }

  return createPane(root, page, {
    want: () => ({ key: "about", group: "about", payload: {} }),
    ask: (payload, onStage) => ask("tell_about", payload, onStage),
    empty: () => [],
    fill: ({ about }) => sections(about, about.sets.some(([name]) => Object.hasOwn(SETS, name))),
  });
}
