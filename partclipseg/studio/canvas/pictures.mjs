// Pictures that the server has drawn: as cards, and large in a dialog from which they are saved.

import { el } from "./dom.mjs";

/** @returns {card, open}; a picture is {title, note, alt, file: {url, orig_name}} */
export function createPictures(refs, t) {
  let from = null;

  function open(picture, button) {
    from = button;
    refs.pictureTitle.textContent = picture.title;
    refs.pictureNote.textContent = picture.note;
    refs.picture.src = picture.file.url;
    refs.picture.alt = picture.alt;
    refs.pictureSave.href = picture.file.url;
    refs.pictureSave.download = picture.file.orig_name;
    refs.pictureDialog.showModal();
  }
  refs.pictureDialog.addEventListener("click", (event) => {
    if (event.target === refs.pictureDialog) refs.pictureDialog.close(); // beside it
  });
  refs.pictureDialog.addEventListener("close", () => from?.isConnected && from.focus());

  return {
    card(picture) {
      const button = el("button", {
        type: "button", class: "pcs-picture", title: t("enlarge"), "aria-haspopup": "dialog", "data-focus": `picture:${picture.title}`,
        onclick: () => open(picture, button),
      }, el("img", { src: picture.file.url, alt: "", draggable: "false" }),
      el("span", { class: "pcs-picture__title" }, picture.title), el("span", { class: "pcs-picture__note" }, picture.note));
      return button;
    },
  };
}
