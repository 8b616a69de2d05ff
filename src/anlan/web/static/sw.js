// The service worker keeps what is the same for everybody: files under /static and the page that says "no connection".
// Pages and answers of the API hold data of a person; they always come from the network and are never kept.

const SHELL = [/* SHELL */];
const KEPT = "anlan-shell-" + SHELL.map((one) => one.split("v=")[1]).join("");
const OFFLINE = "/offline";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll([...SHELL, OFFLINE])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((one) => one.startsWith("anlan-") && one !== KEPT).map((one) => caches.delete(one)))).then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(async () => (await caches.match(OFFLINE, { cacheName: KEPT })) ?? Response.error()));
    return;
  }
  if (url.pathname.startsWith("/static/") && url.search.startsWith("?v=")) {
    event.respondWith(caches.match(request, { cacheName: KEPT }).then((kept) => kept ?? fetch(request)));
  }
});
