// Files on a record: chosen, dragged, pasted, or taken with the phone's camera; large pictures are made smaller before they
// go over the line. What was taken off can be put back.

import { api, announce, make, say } from "./base.js";
import { reenter } from "./session.js";

const LIMIT = 50_000_000; // what the server takes
const SHRINK_ABOVE = 4_000_000; // bytes; a picture below this goes as it is
const LONGEST_SIDE = 2560; // pixels: a delivery note can still be read
const QUALITY = 0.86;

const page = document.getElementById("record");
const panel = () => document.getElementById("files");
const address = () => `/records/${page.dataset.form}/${page.dataset.id}/files`;

export const size = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`);

/** The same picture with at most LONGEST_SIDE pixels, or the file itself when it is none or small enough. */
async function smaller(file) {
  if (!/^image\/(jpeg|png|webp|heic|heif|avif|bmp)$/.test(file.type) || file.size <= SHRINK_ABOVE) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const share = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = make("canvas");
    canvas.width = Math.round(picture.width * share);
    canvas.height = Math.round(picture.height * share);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const content = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    if (!content || content.size >= file.size) return file;
    return new File([content], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" });
  } catch {
    return file; // a picture that this browser cannot read (some cameras' formats) goes as it is
  }
}

/** Send one file; `progress(share)` while it goes. XMLHttpRequest, because fetch tells nothing of how far it is. */
function send(file, progress) {
  return new Promise((done, failed) => {
    const body = new FormData();
    body.append("file", file, file.name || "file");
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1${address()}`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Accept-Language", document.documentElement.lang);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    request.addEventListener("error", () => failed(new Error(say("file_offline"))));
    request.addEventListener("load", () => {
      if (request.status === 401) return reenter().then(() => send(file, progress)).then(done, failed);
      const answer = JSON.parse(request.responseText || "{}");
      if (request.status < 300) return done(answer);
      return failed(new Error(answer.errors?.[0]?.message ?? answer.detail ?? answer.title ?? String(request.status)));
    });
    request.send(body);
  });
}

async function add(files) {
  if (!panel()?.querySelector("[data-files-add]")) return;
  for (const file of files) await one(file);
  await refresh();
}

async function one(file) {
  const bar = make("progress", { max: "1", value: "0", "aria-label": file.name });
  const words = make("span", {}, file.name);
  const row = make("li", { class: "file-going" }, words, bar);
  panel().querySelector("[data-files-going]").append(row);
  try {
    const content = await smaller(file);
    if (content.size > LIMIT) throw new Error(say("file_too_large", { name: file.name, size: size(file.size), limit: size(LIMIT) }));
    await send(content, (share) => (bar.value = share));
    announce(say("file_added", { name: file.name }));
    row.remove();
  } catch (error) {
    const again = make("button", { type: "button", class: "btn btn-quiet" }, say("file_again"));
    again.addEventListener("click", () => {
      row.remove();
      one(file).then(refresh);
    });
    row.replaceChildren(make("span", { class: "negative", role: "alert" }, error.message), again);
  }
}

/** The list as the server has it; files that are on their way, or failed, stay. */
async function refresh() {
  const answer = await fetch(`/f/${page.dataset.form}/${page.dataset.id}/files`, { credentials: "same-origin" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-files-list]");
  panel().querySelector("[data-files-list]").replaceWith(fresh);
  const count = document.querySelector("[data-files-count]");
  if (count) count.textContent = fresh.querySelectorAll("li").length || "";
}

async function takeOff(button) {
  const { file, name } = button.dataset;
  button.disabled = true;
  const bar = panel().querySelector("[data-files-said]");
  try {
    await api("DELETE", `${address()}/${file}`);
    await refresh();
    const undo = make("button", { type: "button", class: "btn btn-quiet" }, say("undo"));
    undo.addEventListener("click", async () => {
      undo.disabled = true;
      await api("PUT", `${address()}/${file}`).then(() => (bar.hidden = true), (error) => (bar.textContent = error.message));
      await refresh();
    });
    bar.replaceChildren(make("span", {}, say("file_removed", { name })), undo);
    undo.focus();
  } catch (error) {
    bar.replaceChildren(error.status ? error.message : say("file_offline"));
    button.disabled = false;
  }
  bar.hidden = false;
}

function preview(link) {
  const dialog = make("dialog", { class: "sheet preview", "aria-label": link.dataset.name },
    make("div", { class: "sheet-head" }, make("h2", {}, link.dataset.name),
      make("span", { class: "actions" }, make("a", { class: "btn", href: link.href, download: link.dataset.name }, say("file_download")),
        make("form", { method: "dialog" }, make("button", { class: "btn" }, say("close"))))),
    make("img", { src: link.href, alt: link.dataset.name }));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const off = event.target.closest("[data-file-off]");
  if (off) return takeOff(off);
  const link = event.target.closest("a[data-preview]");
  if (!link || event.ctrlKey || event.metaKey) return undefined;
  event.preventDefault();
  return preview(link);
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-files-add]")) return;
  const files = [...event.target.files];
  event.target.value = "";
  add(files);
});

// Dragged anywhere onto the record.
let deep = 0;
const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && panel()?.querySelector("[data-files-add]");
const mark = () => page.classList.toggle("dropping", deep > 0);
document.addEventListener("dragenter", (event) => {
  if (!carries(event)) return;
  deep += 1;
  mark();
});
document.addEventListener("dragleave", (event) => {
  if (!carries(event)) return;
  deep = Math.max(0, deep - 1);
  mark();
});
document.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
document.addEventListener("drop", (event) => {
  deep = 0;
  mark();
  if (!carries(event)) return;
  event.preventDefault();
  add([...event.dataTransfer.files]);
});

// Pasted: a screenshot has no name of its own. Text goes where it always goes.
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length || event.clipboardData.types.includes("text/plain")) return;
  event.preventDefault();
  const stamp = new Date().toISOString().slice(0, 16).replace("T", " ").replace(":", "");
  add(files.map((file) => (file.name && file.name !== "image.png" ? file : new File([file], `${say("file_pasted")} ${stamp}.png`, { type: file.type }))));
}, true);
