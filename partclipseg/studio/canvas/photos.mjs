// Ways a photo gets in: a file, a drop, the clipboard, the camera, an example.

import { el, say } from "./dom.mjs";

/**
 * @param refs elements of the template
 * @param on {file(File), example(id), error(sentence)}
 */
export function createPhotoDoor(root, refs, t, examples, on) {
  refs.file.addEventListener("change", () => {
    const [file] = refs.file.files;
    refs.file.value = ""; // the same file chosen again is a choice too
    if (file) on.file(file);
  });

  for (const example of examples) {
    refs.strip.append(el("div", { role: "listitem" }, el("button", {
      type: "button", class: "pcs-example", "data-example": example.id, onclick: () => on.example(example.id),
    }, el("img", { src: example.thumbnail, alt: "", width: 96, height: 72, draggable: "false" }), el("span"))));
  }
  let marked = null;

  dropping(root, refs, t, on);
  document.addEventListener("paste", (event) => {
    if (!root.isConnected) return;
    const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    on.file(file);
  });
  camera(refs, t, on);

  /** Titles and the credit, in the current language. */
  function name() {
    for (const { id, title } of examples) {
      const button = refs.strip.querySelector(`[data-example="${CSS.escape(id)}"]`);
      const own = t(`example_${id}`);
      button.title = button.lastElementChild.textContent = own === `example_${id}` ? title : own;
    }
    const credit = examples.find((example) => example.id === marked);
    refs.credit.textContent = credit ? t("credit", { source: credit.source, licence: credit.licence }) : "";
  }
  name();

  return {
    name,
    mark(id) {
      marked = id;
      for (const button of refs.strip.querySelectorAll("[data-example]")) {
        const chosen = button.dataset.example === id;
        button.setAttribute("aria-pressed", String(chosen));
      }
      name();
    },
  };
}

/** The picture, decoded; null where there is none. */
export function loadImage(url) {
  const image = new Image();
  image.src = url;
  return image.decode().then(() => image, () => null);
}

function dropping(root, refs, t, on) {
  let depth = 0;
  const show = (visible) => { refs.dropzone.hidden = !visible; };
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const target = root.closest(".gradio-container") ?? root;
  target.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    show(true);
  });
  target.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  target.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(0, depth - 1);
    show(depth > 0);
  });
  target.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show(false);
    const [file] = event.dataTransfer.files;
    if (file) on.file(file);
    else on.error(t("drop_nothing"));
  });
}

function camera(refs, t, on) {
  let stream = null;
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    refs.video.srcObject = null;
  };
  refs.camera.addEventListener("click", async () => {
    say(refs.cameraError, "");
    refs.video.hidden = false;
    refs.shoot.disabled = true;
    refs.cameraDialog.showModal();
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1920 } },
      });
      if (!refs.cameraDialog.open) return stop();
      refs.video.srcObject = stream;
      await refs.video.play();
      refs.shoot.disabled = false;
    } catch {
      refs.video.hidden = true;
      say(refs.cameraError, t("camera_error"));
    }
  });
  refs.cameraClose.addEventListener("click", () => refs.cameraDialog.close());
  refs.cameraDialog.addEventListener("close", stop);
  refs.shoot.addEventListener("click", () => {
    const { videoWidth: width, videoHeight: height } = refs.video;
    if (!width) return;
    const canvas = el("canvas", { width, height });
    canvas.getContext("2d").drawImage(refs.video, 0, 0);
    canvas.toBlob((blob) => {
      refs.cameraDialog.close();
      if (blob) on.file(new File([blob], "camera.jpg", { type: "image/jpeg" }));
    }, "image/jpeg", 0.94);
  });
}
