/* What is not final yet is looked at again every two seconds, unless nobody looks, or somebody uses a part of it. */
const LOOK_MS = 2000;

async function look() {
  const now = document.getElementById("live");
  if (!now || !("isLive" in now.dataset)) return;
  if (!document.hidden && !now.contains(document.activeElement)) {
    try {
      const answer = await fetch(location.href);
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      if (answer.ok && next) now.replaceWith(next);
    } catch { /* the server is away: the next look may find it */ }
  }
  setTimeout(look, LOOK_MS);
}

setTimeout(look, LOOK_MS);
