// What was typed and is not stored yet, kept by this browser for this person: it survives a lost network, a session that ran
// out, a reload and a closed tab. It goes when it is saved, when it is given up, and at log-out.
//
//   const place = keeper("sales.order", id)      id null: a record that is not stored yet; one for each tab
//   place.keep({...}) / place.read() / place.forget() / place.others()

const HEAD = `anlan.kept.${document.body.dataset.login}.`;
let closed = false; // after log-out nothing is kept any more, whatever still wants to

/** The tab's own name: kept by a reload and by the log-in page, gone with the tab. */
function tab() {
  let name = sessionStorage.getItem("anlan.tab");
  if (!name) {
    name = crypto.randomUUID().slice(0, 8);
    sessionStorage.setItem("anlan.tab", name);
  }
  return name;
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null; // written by another version
  }
};

/** The place of one record's input. */
export function keeper(form, id) {
  let key = `${HEAD}${form}.${id ?? `new.${tab()}`}`;
  // A lock says that a tab works on it: what a living tab types is not offered to another one.
  if (!id) navigator.locks?.request(key, { ifAvailable: true }, () => new Promise(() => {}));
  const self = {
    /** Keep content; false when the browser refuses (full, or forbidden). */
    keep(content) {
      if (closed) return true;
      try {
        localStorage.setItem(key, JSON.stringify({ ...content, at: Date.now() }));
        return true;
      } catch {
        return false;
      }
    },
    read: () => parsed(localStorage.getItem(key)),
    forget: () => localStorage.removeItem(key),
    /** The record has come to be: what is typed from now on belongs to it. */
    becomes(newId) {
      localStorage.removeItem(key);
      key = `${HEAD}${form}.${newId}`;
    },
    /** What closed tabs left of new records of this form: [{key, content}], newest first. */
    async others() {
      const held = new Set(((await navigator.locks?.query())?.held ?? []).map((one) => one.name));
      return Object.keys(localStorage)
        .filter((one) => one.startsWith(`${HEAD}${form}.new.`) && one !== key && !held.has(one))
        .map((one) => ({ key: one, content: parsed(localStorage.getItem(one)) }))
        .filter((one) => one.content)
        .sort((a, b) => b.content.at - a.content.at);
    },
    /** Take over what another tab left. */
    adopt(other) {
      const content = parsed(localStorage.getItem(other));
      localStorage.removeItem(other);
      return content;
    },
    drop: (other) => localStorage.removeItem(other),
  };
  return self;
}

/** At log-out: nothing of this person stays in the browser. */
export function forgetAll() {
  closed = true;
  for (const key of Object.keys(localStorage)) if (key.startsWith(HEAD)) localStorage.removeItem(key);
}
