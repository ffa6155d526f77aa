// What the pointer does on the photo: click, paint or rub out, and with how thick a brush.

import { BRUSH } from "./brush.mjs";
import { bindChoice } from "./controls.mjs";

export function createTools(refs, stage) {
  const brush = { tool: "click", size: BRUSH.usual };

  function show() {
    const share = (brush.size - BRUSH.least) / (BRUSH.most - BRUSH.least);
    refs.size.style.setProperty("--pcs-filled", `${share * 100}%`);
    refs.size.value = String(brush.size);
    refs.sizeRow.hidden = brush.tool === "click";
    refs.sign.hidden = brush.tool !== "click";
    stage.set({ brush: { ...brush }, ring: null });
  }

  const choose = bindChoice(refs.tool, (tool) => {
    brush.tool = tool;
    show();
  });
  refs.size.addEventListener("input", () => {
    brush.size = Number(refs.size.value);
    show();
  });
  show();

  return {
    choose,
    /** direction: 1 thicker, -1 thinner */
    resize(direction) {
      const next = Math.round(brush.size * BRUSH.step ** direction);
      brush.size = Math.min(BRUSH.most, Math.max(BRUSH.least, next));
      show();
    },
  };
}
